//! Translation of a request in OpenAI's format to Anthropic's.

use serde_json::{Map, Value, json};

use super::convert::Untold;
use super::{messages, tools};

/// Translates the body. `stream` overrides the field of the body.
pub(super) fn write(body: Map<String, Value>, stream: bool) -> Result<Map<String, Value>, Untold> {
    let mut out = Map::new();
    let mut choice = None;
    let mut parallel = None;
    for (name, value) in body {
        match name.as_str() {
            _ if value.is_null() => {}
            "model" | "top_p" | "top_k" | "cache_control" => {
                out.insert(name, value);
            }
            "temperature" => {
                out.insert(name, temperature(value)?);
            }
            "max_completion_tokens" => {
                out.insert("max_tokens".to_owned(), value);
            }
            "messages" => {
                let (system, turns) = messages::write(value)?;
                if !system.is_empty() {
                    out.insert("system".to_owned(), Value::Array(system));
                }
                out.insert(name, Value::Array(turns));
            }
            "stop" => {
                out.insert("stop_sequences".to_owned(), stop(value)?);
            }
            "user" => {
                out.insert("metadata".to_owned(), json!({ "user_id": value }));
            }
            "tools" => {
                out.insert(name, Value::Array(tools::write(value)?));
            }
            "tool_choice" => choice = Some(value),
            "parallel_tool_calls" => {
                let wrong = || Untold::Wrong(name.clone(), "must be true or false");
                parallel = Some(value.as_bool().ok_or_else(wrong)?);
            }
            "stream" | "stream_options" | "seed" => {}
            other if is_neutral(other, &value) => {}
            _ => return Err(Untold::NoCounterpart(name)),
        }
    }
    if !out.contains_key("max_tokens") {
        return Err(Untold::Wrong("max_completion_tokens".to_owned(), "is missing"));
    }
    if let Some(choice) = tools::choice(choice, parallel, out.contains_key("tools"))? {
        out.insert("tool_choice".to_owned(), choice);
    }
    if stream {
        out.insert("stream".to_owned(), true.into());
    }
    Ok(out)
}

/// Checks the temperature. OpenAI's range ends at 2 and Anthropic's at 1, and the two scales are not proportional.
fn temperature(value: Value) -> Result<Value, Untold> {
    match value.as_f64() {
        Some(degrees) if degrees > 1.0 => {
            Err(Untold::Wrong("temperature".to_owned(), "above 1 has no counterpart in Anthropic's API"))
        }
        Some(_) => Ok(value),
        None => Err(Untold::Wrong("temperature".to_owned(), "must be a number")),
    }
}

fn stop(value: Value) -> Result<Value, Untold> {
    match value {
        Value::String(one) => Ok(json!([one])),
        Value::Array(many) if many.iter().all(Value::is_string) => Ok(Value::Array(many)),
        _ => Err(Untold::Wrong("stop".to_owned(), "must be a string or a list of strings")),
    }
}

/// Returns whether a field without a counterpart has its default value and can be dropped.
fn is_neutral(name: &str, value: &Value) -> bool {
    match name {
        "n" | "best_of" => value.as_u64() == Some(1),
        "logprobs" | "store" | "echo" => *value == Value::Bool(false),
        "top_logprobs" => value.as_u64() == Some(0),
        "frequency_penalty" | "presence_penalty" => {
            value.as_f64().is_some_and(|penalty| penalty.abs() < f64::EPSILON)
        }
        "logit_bias" | "metadata" => value.as_object().is_some_and(Map::is_empty),
        "response_format" => value.get("type").and_then(Value::as_str) == Some("text"),
        "modalities" => *value == json!(["text"]),
        "service_tier" => matches!(value.as_str(), Some("auto" | "default")),
        _ => false,
    }
}
