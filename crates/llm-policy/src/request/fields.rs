//! Access to the fields that determine the price of a request. `null` counts as absent, as it does for OpenAI.

use serde_json::{Map, Value};

use super::RequestError;

/// The maximum number of answers of one call, according to OpenAI's API reference.
const MOST_CHOICES: u64 = 128;

/// Returns a field; `None` when it is absent or `null`.
pub fn get<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    body.get(name).filter(|value| !value.is_null())
}

pub fn model(body: &Map<String, Value>) -> Result<String, RequestError> {
    let model = get(body, "model").and_then(Value::as_str).filter(|model| !model.is_empty());
    let model = model.ok_or_else(|| RequestError::invalid("model", "must be the name of a model"))?;
    Ok(model.to_owned())
}

/// Returns a boolean field; `false` when it is absent.
pub fn boolean(body: &Map<String, Value>, name: &str, param: &str) -> Result<bool, RequestError> {
    match get(body, name) {
        None => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(_) => Err(RequestError::invalid(param, "must be true or false")),
    }
}

pub fn wants_usage(body: &Map<String, Value>) -> Result<bool, RequestError> {
    match get(body, "stream_options") {
        None => Ok(false),
        Some(Value::Object(options)) => boolean(options, "include_usage", "stream_options.include_usage"),
        Some(_) => Err(RequestError::invalid("stream_options", "must be an object")),
    }
}

pub fn choices(body: &Map<String, Value>) -> Result<u32, RequestError> {
    let n = positive(body, "n")?.unwrap_or(1);
    u32::try_from(n)
        .ok()
        .filter(|_| n <= MOST_CHOICES)
        .ok_or_else(|| RequestError::invalid("n", "must be an integer from 1 to 128"))
}

/// Returns the maximum of output tokens for each answer, under its old name or its new one.
pub fn max_tokens(body: &Map<String, Value>) -> Result<Option<u64>, RequestError> {
    let old = positive(body, "max_tokens")?;
    let new = positive(body, "max_completion_tokens")?;
    match (old, new) {
        (Some(old), Some(new)) if old != new => {
            let what = "must equal `max_tokens`; send only one of them";
            Err(RequestError::invalid("max_completion_tokens", what))
        }
        _ => Ok(new.or(old)),
    }
}

pub fn positive(body: &Map<String, Value>, name: &str) -> Result<Option<u64>, RequestError> {
    let Some(value) = get(body, name) else { return Ok(None) };
    let number = value.as_u64().filter(|number| *number > 0);
    number.map(Some).ok_or_else(|| RequestError::invalid(name, "must be a positive integer"))
}
