//! Helpers for the translation of requests.

use serde_json::{Map, Value};

/// Reason why a request can't be translated. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Untold {
    /// Anthropic's API has no such field.
    #[error("`{0}` has no counterpart in Anthropic's API")]
    NoCounterpart(String),
    /// The field is invalid in OpenAI's format.
    #[error("`{0}` {1}")]
    Wrong(String, &'static str),
}

pub(super) fn object(value: Value, at: &str) -> Result<Map<String, Value>, Untold> {
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(Untold::Wrong(at.to_owned(), "must be an object")),
    }
}

pub(super) fn text(value: Option<Value>, at: &str, name: &str) -> Result<String, Untold> {
    match value {
        Some(Value::String(text)) => Ok(text),
        _ => Err(Untold::Wrong(format!("{at}.{name}"), "must be a string")),
    }
}

/// Copies `cache_control`, Anthropic's mark for content to cache. Clients with OpenAI's format set it in parts and
/// tools.
pub(super) fn cache_control(from: &mut Map<String, Value>, into: &mut Map<String, Value>) {
    if let Some(control) = from.remove("cache_control").filter(|value| !value.is_null()) {
        into.insert("cache_control".to_owned(), control);
    }
}
