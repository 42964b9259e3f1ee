//! Headers that change what a request means.

use actix_web::HttpRequest;
use actix_web::http::header::IF_MATCH;
use api_types::Code;

use crate::error::ApiError;

/// The longest idempotency key, in characters.
const MAX_KEY: usize = 255;

/// The caller's idempotency key.
pub(crate) fn idempotency_key(request: &HttpRequest) -> Result<Option<String>, ApiError> {
    let mut values = request.headers().get_all("idempotency-key");
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let fits = !text.is_empty() && text.len() <= MAX_KEY && text.bytes().all(|b| (0x21..0x7f).contains(&b));
    if !fits || values.next().is_some() {
        let what = "`Idempotency-Key` takes one key of 1 to 255 visible ASCII characters";
        return Err(ApiError::new(Code::InvalidQuery, what));
    }
    Ok(Some(text.to_owned()))
}

/// The version of `If-Match`; `*` means any.
pub(crate) fn if_match(request: &HttpRequest) -> Result<Option<u64>, ApiError> {
    let Some(value) = request.headers().get(IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let version = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).and_then(|t| t.parse().ok());
    version.map(Some).ok_or_else(|| {
        let what = "`If-Match` takes one `ETag` as it was given, such as `\"3\"`, or `*`";
        ApiError::new(Code::InvalidQuery, what)
    })
}
