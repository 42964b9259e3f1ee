//! Answers.

use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, LINK};
use actix_web::{HttpRequest, HttpResponse};
use control_plane::Page;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::error::ApiError;

/// The usual length of one row of a list, in bytes: an answer that grows step by step is copied each time.
const ROW_BYTES: usize = 512;

/// One JSON document.
pub(crate) fn json<T: Serialize>(status: StatusCode, body: &T) -> Result<HttpResponse, ApiError> {
    write(status, body, ROW_BYTES)
}

fn write<T: Serialize>(status: StatusCode, body: &T, usual: usize) -> Result<HttpResponse, ApiError> {
    let mut text = Vec::with_capacity(usual);
    serde_json::to_writer(&mut text, body)
        .map_err(|_| ApiError::new(api_types::Code::Internal, "the answer can't be written"))?;
    Ok(HttpResponse::build(status).content_type("application/json").body(text))
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
pub(crate) fn page<T: Serialize>(request: &HttpRequest, page: &Page<T>) -> Result<HttpResponse, ApiError> {
    let mut response = write(StatusCode::OK, &page.items, ROW_BYTES * (page.items.len() + 1))?;
    if let Some(cursor) = &page.next {
        let link = format!("<{}>; rel=\"next\"", next_target(request, cursor));
        if let Ok(link) = link.parse() {
            response.headers_mut().insert(LINK, link);
        }
    }
    Ok(response)
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
