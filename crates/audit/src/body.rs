//! What an audit row keeps of a request body.

use canonical::Digest;
use serde_json::Value;

use crate::redact::redact_json;

/// Body as the log keeps it: redacted text, or only length and digest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body {
    pub(crate) bytes: u64,
    pub(crate) sha256: Option<String>,
    pub(crate) text: Option<String>,
}

impl Body {
    /// Longest redacted text that is kept, in bytes.
    pub const MAX_KEPT_BYTES: usize = 8 * 1024;
    /// Longest body that is parsed at all, in bytes.
    pub const MAX_PARSED_BYTES: usize = 64 * 1024;

    /// No body.
    #[must_use]
    pub const fn none() -> Self {
        Self { bytes: 0, sha256: None, text: None }
    }

    /// Creates it from a JSON body. A redacted text of at most 8 KiB is kept; of a longer one, its length and digest.
    /// For a body over 64 KiB, or one that is not JSON, the length and digest of the bytes that arrived are kept.
    #[must_use]
    pub fn json(bytes: &[u8]) -> Self {
        if bytes.len() > Self::MAX_PARSED_BYTES {
            return Self::digest_only(bytes);
        }
        serde_json::from_slice(bytes).map_or_else(|_| Self::digest_only(bytes), Self::value)
    }

    /// Like [`Self::json`], for a body that was parsed already.
    #[must_use]
    pub fn value(mut value: Value) -> Self {
        redact_json(&mut value);
        // `Display` of a value is its compact JSON text.
        let text = value.to_string();
        let digest_only = Self::digest_only(text.as_bytes());
        if text.len() > Self::MAX_KEPT_BYTES { digest_only } else { Self { text: Some(text), ..digest_only } }
    }

    /// Creates length and digest alone, for bodies that are never kept.
    #[must_use]
    pub fn digest_only(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::none();
        }
        Self {
            bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            sha256: Some(Digest::sha256(bytes).to_string()),
            text: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        Digest::sha256(bytes).to_string()
    }

    #[test]
    fn a_small_json_body_is_kept_redacted_with_the_digest_of_what_is_kept() {
        let body = Body::json(br#"{ "password": "hunter2", "n": 1 }"#);
        let text = r#"{"n":1,"password":"[redacted]"}"#;
        assert_eq!(body.text.as_deref(), Some(text));
        assert_eq!((body.bytes, body.sha256), (31, Some(hex(text.as_bytes()))));
    }

    #[test]
    fn a_name_given_twice_hides_neither_secret() {
        let body = Body::json(br#"{"password":"hunter2","password":"hunter3"}"#);
        assert_eq!(body.text.as_deref(), Some(r#"{"password":"[redacted]"}"#));
    }

    #[test]
    fn a_redacted_text_over_8_kib_leaves_its_digest_alone() {
        let fits = format!("\"{}\"", ".".repeat(Body::MAX_KEPT_BYTES - 2));
        assert_eq!(Body::json(fits.as_bytes()).text.as_deref(), Some(fits.as_str()));
        let over = format!("\"{}\"", ".".repeat(Body::MAX_KEPT_BYTES - 1));
        let body = Body::json(over.as_bytes());
        assert_eq!((body.text, body.bytes, body.sha256), (None, 8193, Some(hex(over.as_bytes()))));
    }

    #[test]
    fn what_is_too_long_or_no_json_leaves_the_digest_of_what_came() {
        let long = format!("\"{}\" ", ".".repeat(Body::MAX_PARSED_BYTES));
        for raw in [long.as_bytes(), b"password=hunter2", b"\xff\xfe"] {
            let body = Body::json(raw);
            assert_eq!((body.text, body.sha256), (None, Some(hex(raw))));
        }
        assert_eq!(Body::json(b""), Body::none());
    }
}
