//! Answers: what handlers make, what every answer carries, and the one shape of an error.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Payload, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, LINK, RETRY_AFTER,
};
use actix_web::web::Bytes;
use actix_web::{Error, HttpRequest, HttpResponse};
use api_types::Code;
use control_plane::{ListPage, ListText, ServiceError};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rate_limit::Decision;
use registry_core::RequestId;
use serde::Serialize;

use crate::error::{self, ApiError};
use crate::paced_body::PiecedText;
use crate::request_layer::RequestState;

/// The usual length of one row of a list, in bytes: an answer that grows step by step is copied each time.
pub(crate) const ROW_BYTES: usize = 512;

/// One JSON document.
pub(crate) fn json<T: Serialize>(status: StatusCode, body: &T) -> Result<HttpResponse, ApiError> {
    write(status, body, ROW_BYTES)
}

fn write<T: Serialize>(status: StatusCode, body: &T, usual: usize) -> Result<HttpResponse, ApiError> {
    Ok(of_text(status, text(body, usual)?))
}

/// A document as text. A large one is written on the blocking pool.
pub(crate) fn text<T: Serialize>(body: &T, usual: usize) -> Result<PiecedText, ServiceError> {
    let mut text = PiecedText::with_capacity(usual);
    serde_json::to_writer(&mut text, body)
        .map_err(|_| ServiceError::new(Code::Internal, "the answer can't be written"))?;
    Ok(text)
}

/// An answer of a JSON text.
pub(crate) fn of_text(status: StatusCode, text: PiecedText) -> HttpResponse {
    HttpResponse::build(status).content_type("application/json").body(text)
}

/// One page as the JSON text of its array.
pub(crate) struct PageText {
    json: PiecedText,
    next: Option<String>,
}

impl From<ListText> for PageText {
    fn from(list: ListText) -> Self {
        Self { json: list.json.into(), next: list.next }
    }
}

/// A page as text, written where it was read.
pub(crate) fn page_text<T: Serialize>(page: &ListPage<T>) -> Result<PageText, ServiceError> {
    let json = text(&page.items, ROW_BYTES * (page.items.len() + 1))?;
    Ok(PageText { json, next: page.next.clone() })
}

/// One JSON document with the `ETag` of its version.
pub(crate) fn versioned<T: Serialize>(
    status: StatusCode,
    body: &T,
    version: u64,
) -> Result<HttpResponse, ApiError> {
    let mut response = json(status, body)?;
    if let Ok(tag) = format!("\"{version}\"").parse() {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

/// A bare array; the next page is in the `Link` header.
pub(crate) fn page(request: &HttpRequest, page: impl Into<PageText>) -> HttpResponse {
    let page = page.into();
    let mut response = of_text(StatusCode::OK, page.json);
    if let Some(cursor) = &page.next {
        let link = format!("<{}>; rel=\"next\"", next_target(request, cursor));
        if let Ok(link) = link.parse() {
            response.headers_mut().insert(LINK, link);
        }
    }
    response
}

/// The path and query of the next page: those of this one with another cursor, and without a token that may not
/// be repeated in an answer.
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

// Names and values that are made once: this runs for every answer.
const CONTENT_TYPE_OPTIONS: HeaderName = HeaderName::from_static("x-content-type-options");
const FRAME_OPTIONS: HeaderName = HeaderName::from_static("x-frame-options");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const RATE_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATE: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const RATE_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RATE_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
/// OpenAI's clients repeat a 429 by themselves unless this says no; a budget is not mended by asking again.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const DENY: HeaderValue = HeaderValue::from_static("DENY");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// When the admin token in the query became deprecated (CONTRACT).
const DEPRECATED_SINCE: HeaderValue = HeaderValue::from_static("@1762387200");

/// Gives an answer its headers, and an error its body.
///
/// # Errors
/// For a handler that took its request down with it: the error then carries the whole answer.
pub(crate) fn complete(
    answer: Option<ServiceResponse>,
    shared: &mut RequestState,
    request_id: &RequestId,
    failure: Option<&ServiceError>,
) -> Result<ServiceResponse, Error> {
    let Some(error) = failure else {
        let mut response = answer.ok_or_else(|| ApiError::new(Code::Internal, "there is no answer"))?;
        set_headers(response.headers_mut(), shared, request_id);
        return Ok(response);
    };
    let mut refusal = HttpResponse::build(error::status(error.code));
    refusal.insert_header((CONTENT_TYPE, "application/json"));
    if let Some(allow) = answer.as_ref().and_then(|answer| answer.headers().get(ALLOW)) {
        refusal.insert_header((ALLOW, allow.clone()));
    }
    if let Some(seconds) = error.retry_after {
        refusal.insert_header((RETRY_AFTER, seconds));
    }
    // The packages would repeat it by themselves, long before it can help.
    if shared.openai && matches!(error.code, Code::InsufficientQuota | Code::DailyQuotaExceeded) {
        refusal.insert_header((SHOULD_RETRY, "false"));
    }
    let text = error::body(error, request_id.as_str(), shared.openai);
    let mut refusal = match shared.unread.take() {
        None => refusal.body(text),
        Some(unread) => refusal.body(RefusalBody { text: Some(text.into()), _unread: unread }),
    };
    set_headers(refusal.headers_mut(), shared, request_id);
    match answer {
        Some(answer) => {
            let request = answer.request().clone();
            Ok(ServiceResponse::new(request, refusal))
        }
        None => Err(InternalError::from_response("no answer", refusal).into()),
    }
}

/// The text of a refusal, and what was not read of the request. The HTTP layer ends a connection when its answer is
/// sent while somebody still holds the rest of the request; a rest of unknown length that nobody holds it would read
/// to its end, however long that takes.
struct RefusalBody {
    text: Option<Bytes>,
    _unread: Payload,
}

impl MessageBody for RefusalBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        self.text.as_ref().map_or(BodySize::None, MessageBody::size)
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(self.get_mut().text.take().map(Ok))
    }
}

fn set_headers(headers: &mut HeaderMap, shared: &RequestState, request_id: &RequestId) {
    headers.insert(CONTENT_TYPE_OPTIONS, NOSNIFF);
    headers.insert(FRAME_OPTIONS, DENY);
    if let Ok(id) = HeaderValue::from_str(request_id.as_str()) {
        headers.insert(REQUEST_ID, id);
    }
    if shared.deprecated {
        headers.insert(DEPRECATION, DEPRECATED_SINCE);
    }
    if let Some(limit) = shared.limit {
        limit_headers(headers, limit);
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, NO_STORE);
    }
}

/// The IETF draft's fields (structured fields), and the older ones that clients know.
fn limit_headers(headers: &mut HeaderMap, limit: Decision) {
    let reset = limit.reset_seconds();
    let fields = [
        (RATE_POLICY, format!("\"key\";q={};w=60", limit.limit)),
        (RATE, format!("\"key\";r={};t={reset}", limit.remaining)),
    ];
    for (name, text) in fields {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
    headers.insert(RATE_LIMIT, HeaderValue::from(limit.limit));
    headers.insert(RATE_REMAINING, HeaderValue::from(limit.remaining));
    headers.insert(RATE_RESET, HeaderValue::from(reset));
}
