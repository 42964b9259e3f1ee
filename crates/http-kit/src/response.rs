//! Answers of handlers: the type of a success, and how it is written.

use std::marker::PhantomData;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, HeaderMap, LINK};
use actix_web::{HttpRequest, HttpResponse, Responder};
use api_types::Code;
use control_plane::{ListPage, ListText, ServiceError};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::description::{Described, RouteDescription, Success};
use crate::paced_body::PiecedText;

/// Usual length of one row of a list, in bytes: an answer that grows step by step is copied each time.
pub const ROW_BYTES: usize = 512;

/// Success of a route, as a type.
pub trait SuccessShape: 'static {
    /// Adds it to the description of the route.
    fn describe(route: &mut RouteDescription);
}

/// One JSON document, 200.
#[derive(Debug)]
pub struct JsonDocument<T>(PhantomData<T>);

/// One JSON document, 201.
#[derive(Debug)]
pub struct Created<T>(PhantomData<T>);

/// One JSON document: 201 for a new thing, 200 for an existing one.
#[derive(Debug)]
pub struct CreatedOrSame<T>(PhantomData<T>);

/// Page of a list: an array of rows, with a `Link` to the next page.
#[derive(Debug)]
pub struct Rows<T>(PhantomData<T>);

/// One JSON document, or the same as events when the caller asks for it.
#[derive(Debug)]
pub struct Events<T>(PhantomData<T>);

/// A text.
#[derive(Debug)]
pub struct PlainText<M>(PhantomData<M>);

/// Media type, as a type.
pub trait MediaType: 'static {
    /// Name in the document.
    const NAME: &'static str;
}

macro_rules! shapes {
    ($($name:ident => $success:expr;)+) => {
        $(
            impl<T: Described> SuccessShape for $name<T> {
                fn describe(route: &mut RouteDescription) {
                    route.success = $success(T::schema());
                }
            }
        )+
    };
}

shapes! {
    JsonDocument => |schema| Success::Json(&[200], schema);
    Created => |schema| Success::Json(&[201], schema);
    CreatedOrSame => |schema| Success::Json(&[200, 201], schema);
    Rows => Success::List;
    Events => Success::Events;
}

impl<M: MediaType> SuccessShape for PlainText<M> {
    fn describe(route: &mut RouteDescription) {
        route.success = Success::Text(M::NAME);
    }
}

/// Answer of a handler with the success `S`.
#[derive(Debug)]
pub struct Answer<S>(HttpResponse, PhantomData<S>);

impl<S> Answer<S> {
    /// Wraps a response that was made by hand.
    #[must_use]
    pub fn of(response: HttpResponse) -> Self {
        Self(response, PhantomData)
    }

    /// Returns its headers.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        self.0.headers_mut()
    }

    /// Returns the response for the framework.
    #[must_use]
    pub fn into_response(self) -> HttpResponse {
        self.0
    }

    /// Changes the type of the success that describes the answer.
    #[must_use]
    pub fn shaped<R>(self) -> Answer<R> {
        Answer::of(self.0)
    }

    /// Adds the `ETag` of a version.
    #[must_use]
    pub fn with_version(mut self, version: u64) -> Self {
        if let Ok(tag) = format!("\"{version}\"").parse() {
            self.headers_mut().insert(ETAG, tag);
        }
        self
    }
}

impl<S> Responder for Answer<S> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.0
    }
}

/// Answers with one JSON document.
///
/// # Errors
/// 500 when it can't be written.
pub fn json<T: Serialize>(body: &T) -> Result<Answer<JsonDocument<T>>, ServiceError> {
    write(StatusCode::OK, body)
}

/// Answers with one JSON document about a new thing.
///
/// # Errors
/// 500 when it can't be written.
pub fn created<T: Serialize>(body: &T) -> Result<Answer<Created<T>>, ServiceError> {
    write(StatusCode::CREATED, body)
}

/// Answers with one JSON document about a thing that is `new` or existed.
///
/// # Errors
/// 500 when it can't be written.
pub fn created_or_same<T: Serialize>(body: &T, new: bool) -> Result<Answer<CreatedOrSame<T>>, ServiceError> {
    write(if new { StatusCode::CREATED } else { StatusCode::OK }, body)
}

fn write<T: Serialize, S>(status: StatusCode, body: &T) -> Result<Answer<S>, ServiceError> {
    Ok(Answer::of(of_text(status, text(body, ROW_BYTES)?)))
}

/// Serialises a document, with room for `usual` bytes from the start. A large one is written on the blocking pool.
///
/// # Errors
/// 500 when it can't be written.
pub fn text<T: Serialize>(body: &T, usual: usize) -> Result<PiecedText, ServiceError> {
    let mut text = PiecedText::with_capacity(usual);
    serde_json::to_writer(&mut text, body)
        .map_err(|_| ServiceError::new(Code::Internal, "the answer can't be written"))?;
    Ok(text)
}

/// Answers with one JSON document about a new thing, from a text that was written elsewhere.
#[must_use]
pub fn created_text<T>(text: PiecedText) -> Answer<Created<T>> {
    Answer::of(of_text(StatusCode::CREATED, text))
}

fn of_text(status: StatusCode, text: PiecedText) -> HttpResponse {
    HttpResponse::build(status).content_type("application/json").body(text)
}

/// Page as the JSON text of its array.
#[derive(Debug)]
pub struct PageText<T> {
    json: PiecedText,
    next: Option<String>,
    row: PhantomData<T>,
}

impl<T> From<ListText> for PageText<T> {
    fn from(list: ListText) -> Self {
        Self { json: list.json.into(), next: list.next, row: PhantomData }
    }
}

/// Serialises a page where it was read.
///
/// # Errors
/// 500 when it can't be written.
pub fn page_text<T: Serialize>(page: &ListPage<T>) -> Result<PageText<T>, ServiceError> {
    let json = text(&page.items, ROW_BYTES * (page.items.len() + 1))?;
    Ok(PageText { json, next: page.next.clone(), row: PhantomData })
}

/// Answers with an array; the next page is in the `Link` header.
pub fn page<T>(request: &HttpRequest, page: impl Into<PageText<T>>) -> Answer<Rows<T>> {
    let page = page.into();
    let mut response = of_text(StatusCode::OK, page.json);
    if let Some(cursor) = &page.next {
        let link = format!("<{}>; rel=\"next\"", next_target(request, cursor));
        if let Ok(link) = link.parse() {
            response.headers_mut().insert(LINK, link);
        }
    }
    Answer::of(response)
}

/// Returns the path and query of the next page: those of this page with another cursor, and without a token that must
/// not be repeated in an answer.
fn next_target(request: &HttpRequest, cursor: &str) -> String {
    let mut target = request.uri().path().to_owned();
    let mut separator = '?';
    for pair in request.query_string().split('&').filter(|pair| !pair.is_empty()) {
        let name = pair.split('=').next().unwrap_or_default();
        let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
        if name != "cursor" && name != "admin_token" && name != "key" {
            target.push(separator);
            target.push_str(pair);
            separator = '&';
        }
    }
    target.push(separator);
    target.push_str("cursor=");
    target.push_str(&utf8_percent_encode(cursor, NON_ALPHANUMERIC).to_string());
    target
}
