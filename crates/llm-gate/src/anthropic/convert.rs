//! Small readings that every part of a request needs.

use serde_json::{Map, Value};

use super::request::Untold;

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

/// Anthropic's own mark of what its cache keeps; compatible clients write it into parts and tools.
pub(super) fn cache_control(from: &mut Map<String, Value>, into: &mut Map<String, Value>) {
    if let Some(control) = from.remove("cache_control").filter(|value| !value.is_null()) {
        into.insert("cache_control".to_owned(), control);
    }
}
