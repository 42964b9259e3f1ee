//! Removal of known secrets from what a request leaves behind: its answer, its audit row, its log lines.
//!
//! The server's secrets and the credentials of the request are removed by value. A T4 key of another caller, of which
//! only the MAC is known, is removed by its form and checksum. Bodies of successful answers are not searched.

use std::borrow::Cow;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use api_keys::hide_keys;
use registry_core::KnownSecrets;

/// Removes secrets from a text.
pub(crate) fn clean<'t>(text: &'t str, secrets: &KnownSecrets) -> Cow<'t, str> {
    match secrets.clean(text) {
        Cow::Borrowed(text) => hide_keys(text),
        Cow::Owned(text) => Cow::Owned(hide_keys(&text).into_owned()),
    }
}

/// Removes secrets from the text of a body; `None` when it has none, or is not text, which no route accepts.
pub(crate) fn cleaned_body(bytes: &[u8], secrets: &KnownSecrets) -> Option<String> {
    match clean(std::str::from_utf8(bytes).ok()?, secrets) {
        Cow::Borrowed(_) => None,
        Cow::Owned(cleaned) => Some(cleaned),
    }
}

/// Removes secrets from the values of headers, such as the query that `Link` repeats.
pub(crate) fn clean_headers(headers: &mut HeaderMap, secrets: &KnownSecrets) {
    let clean = |(name, value): (&HeaderName, &HeaderValue)| match clean(value.to_str().ok()?, secrets) {
        Cow::Borrowed(_) => None,
        Cow::Owned(cleaned) => Some((name.clone(), HeaderValue::try_from(cleaned).ok()?)),
    };
    let cleaned: Vec<_> = headers.iter().filter_map(clean).collect();
    for (name, value) in cleaned {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "t4_000000000001_00000000000000000000000000000000000000000010dLTI1";

    #[test]
    fn headers_are_cleaned_of_secrets_and_of_keys() {
        let secrets = KnownSecrets::new(["a-secret-of-the-server"], []);
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("link", format!("</intents?a=a-secret%2Dof-the-server&b={KEY}>; rel=\"next\"")),
            ("x-request-id", "a-request".to_owned()),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::try_from(value).unwrap());
        }
        clean_headers(&mut headers, &secrets);
        let link = "</intents?a=[redacted]&b=t4_000000000001_[redacted]>; rel=\"next\"";
        assert_eq!(headers.get("link").unwrap(), link);
        assert_eq!(headers.get("x-request-id").unwrap(), "a-request");
    }

    #[test]
    fn only_a_body_that_holds_a_secret_is_copied() {
        let secrets = KnownSecrets::new(["a-secret-of-the-server"], []);
        assert_eq!(cleaned_body(b"{\"a\":\"a secret of the server\"}", &secrets), None);
        assert_eq!(cleaned_body(b"\xffa-secret-of-the-server", &secrets), None);
        let body = format!("{{\"a\":\"a-secret-of-the-\\u0073erver\",\"{KEY}\":1}}");
        let cleaned = "{\"a\":\"[redacted]\",\"t4_000000000001_[redacted]\":1}";
        assert_eq!(cleaned_body(body.as_bytes(), &secrets).as_deref(), Some(cleaned));
    }
}
