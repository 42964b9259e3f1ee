//! Where credentials may stand in a request.

use std::borrow::Cow;

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim).filter(|text| !text.is_empty())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

/// The agent's key.
pub(crate) fn agent_key(request: &HttpRequest) -> Option<&str> {
    let headers = request.headers();
    header(headers, "x-t4-api-key").or_else(|| bearer(headers)).or_else(|| header(headers, "x-api-key"))
}

/// The admin token, and whether it stood in the query, where it should not.
pub(crate) fn admin_token(request: &HttpRequest) -> Option<(Cow<'_, str>, bool)> {
    let headers = request.headers();
    if let Some(token) = header(headers, "x-t4-admin-token").or_else(|| bearer(headers)) {
        return Some((Cow::Borrowed(token), false));
    }
    let query = super::Query::of(request);
    query.text("admin_token").map(|token| (Cow::Owned(token.to_owned()), true))
}
