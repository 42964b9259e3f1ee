//! Last step of every answer: common headers, and the body of an error.

use std::borrow::Cow;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Payload, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
};
use actix_web::web::Bytes;
use actix_web::{Error, HttpResponse};
use api_types::Code;
use control_plane::ServiceError;
use rate_limit::Decision;
use registry_core::RequestId;

use crate::error::{self, ApiError};
use crate::known_secrets::{clean, clean_headers};
use crate::request_state::RequestState;

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
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const DENY: HeaderValue = HeaderValue::from_static("DENY");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// Time at which the admin token in the query became deprecated (CONTRACT).
const DEPRECATED_SINCE: HeaderValue = HeaderValue::from_static("@1762387200");

/// Adds the headers of an answer, and the body of an error.
///
/// # Errors
/// For a handler that destroyed its request; the error then carries the whole answer.
pub(crate) fn complete(
    answer: Option<ServiceResponse>,
    shared: &mut RequestState,
    request_id: &RequestId,
    failure: Option<&ServiceError>,
) -> Result<ServiceResponse, Error> {
    let Some(error) = failure else {
        let mut response = answer.ok_or_else(|| ApiError::new(Code::Internal, "there is no answer"))?;
        set_headers(response.headers_mut(), shared, request_id);
        clean_headers(response.headers_mut(), &shared.secrets);
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
    let text = (shared.errors.body)(error, request_id.as_str());
    let text = match clean(&text, &shared.secrets) {
        Cow::Borrowed(_) => text,
        Cow::Owned(cleaned) => cleaned,
    };
    let mut refusal = match shared.unread.take() {
        None => refusal.body(text),
        Some(unread) => refusal.body(RefusalBody { text: Some(text.into()), _unread: unread }),
    };
    (shared.errors.headers)(error, refusal.headers_mut());
    set_headers(refusal.headers_mut(), shared, request_id);
    clean_headers(refusal.headers_mut(), &shared.secrets);
    match answer {
        Some(answer) => {
            let request = answer.request().clone();
            Ok(ServiceResponse::new(request, refusal))
        }
        None => Err(InternalError::from_response("no answer", refusal).into()),
    }
}

/// Body of a refusal, with the unread rest of the request. The HTTP layer ends a connection when its answer is sent
/// while the rest of the request is still held. A rest of unknown length that nobody holds would be read to its end,
/// however long that takes.
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

/// Adds the fields of the IETF draft (structured fields), and the older ones that clients know.
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
