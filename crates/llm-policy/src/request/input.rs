//! The upper bound of the input tokens of a request, and the check that every part has one.

use serde_json::{Map, Value};

use super::RequestError;
use super::fields::get;
use super::meter::{Meter, OTHERS, PromptTemplate};
use super::refused::check_cache;
use crate::count::LONGEST_COUNTED;
use crate::{Operation, PriceEntry};

/// Fields that never become part of the prompt, and fields that are measured separately. Every other field, such as
/// `documents` or `tool_choice`, may become part of the prompt of some provider, so it counts as input.
const NOT_WRITTEN: &[&str] = &[
    "best_of",
    "dimensions",
    "encoding_format",
    "frequency_penalty",
    "functions",
    "input",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "n",
    "parallel_tool_calls",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
];

/// Checks that every part of a chat has an upper bound of tokens.
pub fn check_chat(body: &Map<String, Value>) -> Result<(), RequestError> {
    chat(body, &OTHERS, &mut Meter::new(None)).map(|_| ())
}

/// Checks that every input of an embeddings request has an upper bound of tokens.
pub fn check_embeddings(body: &Map<String, Value>) -> Result<(), RequestError> {
    embeddings(body, &OTHERS, &mut Meter::new(None))
}

/// Returns an upper bound of the input tokens.
pub fn tokens(
    operation: Operation,
    body: &Map<String, Value>,
    entry: &PriceEntry,
) -> Result<u64, RequestError> {
    let template = PromptTemplate::of(entry);
    let measure = |mut meter: Meter| {
        let image = match operation {
            Operation::Chat => chat(body, template, &mut meter)?,
            Operation::Embeddings => embeddings(body, template, &mut meter).map(|()| None)?,
        };
        if let Some(param) = image {
            let each = entry.image_tokens.ok_or_else(|| {
                let why = format!("the price book has no `image_tokens` for `{}`", entry.model);
                RequestError::not_priced(param, why)
            })?;
            meter.add(meter.images.saturating_mul(each));
        }
        Ok(meter)
    };
    // The length in bytes is found first, because long texts are not counted.
    let bounded = measure(Meter::new(None))?;
    let short = usize::try_from(bounded.text_bytes).is_ok_and(|bytes| bytes <= LONGEST_COUNTED);
    match entry.encoding {
        Some(_) if short => measure(Meter::new(entry.encoding)).map(|counted| counted.tokens),
        Some(_) | None => Ok(bounded.tokens),
    }
}

/// The path of the first image of a request.
type FirstImage = Option<String>;

fn chat(
    body: &Map<String, Value>,
    template: &PromptTemplate,
    meter: &mut Meter,
) -> Result<FirstImage, RequestError> {
    let messages = match get(body, "messages") {
        Some(Value::Array(messages)) if !messages.is_empty() => messages,
        Some(_) | None => {
            return Err(RequestError::invalid("messages", "must be a list with at least one message"));
        }
    };
    meter.add(template.chat);
    let mut image = None;
    for (index, entry) in messages.iter().enumerate() {
        let Value::Object(entry) = entry else {
            return Err(RequestError::invalid(format!("messages[{index}]"), "must be an object"));
        };
        let found = message(entry, index, template, meter)?;
        image = image.or(found);
    }
    if ["tools", "functions", "response_format"].iter().any(|name| get(body, name).is_some()) {
        meter.add(template.tools);
    }
    for name in ["tools", "functions"] {
        match get(body, name) {
            None => {}
            Some(Value::Array(tools)) => {
                for tool in tools {
                    meter.add(template.tool);
                    meter.written(tool);
                }
            }
            Some(_) => return Err(RequestError::invalid(name, "must be a list")),
        }
    }
    if let Some(format) = get(body, "response_format") {
        meter.written(format);
    }
    rest(body, meter);
    Ok(image)
}

fn message(
    message: &Map<String, Value>,
    index: usize,
    template: &PromptTemplate,
    meter: &mut Meter,
) -> Result<FirstImage, RequestError> {
    meter.add(template.message);
    let mut image = None;
    for (name, value) in message.iter().filter(|(_, value)| !value.is_null()) {
        match (name.as_str(), value) {
            ("content", Value::String(text)) => meter.text(text),
            ("content", Value::Array(parts)) => image = content(parts, index, template, meter)?,
            ("content", _) => {
                let param = format!("messages[{index}].content");
                return Err(RequestError::invalid(param, "must be a string, a list of parts, or null"));
            }
            ("role", Value::String(role)) => meter.text(role),
            ("name", Value::String(name)) => {
                meter.text(name);
                meter.add(1);
            }
            ("audio", _) => {
                let param = format!("messages[{index}].audio");
                return Err(RequestError::not_priced(param, "audio is billed at a separate price"));
            }
            ("tool_calls", Value::Array(calls)) => {
                for call in calls {
                    meter.add(template.tool);
                    meter.call(call);
                }
            }
            ("function_call", call) => {
                meter.add(template.tool);
                meter.call(call);
            }
            (name, value) => {
                meter.text(name);
                meter.texts(value);
            }
        }
    }
    check_cache(message, &format!("messages[{index}]."))?;
    Ok(image)
}

fn content(
    parts: &[Value],
    index: usize,
    template: &PromptTemplate,
    meter: &mut Meter,
) -> Result<FirstImage, RequestError> {
    let mut image = None;
    for (place, part) in parts.iter().enumerate() {
        let param = || format!("messages[{index}].content[{place}]");
        let Value::Object(part) = part else {
            return Err(RequestError::invalid(param(), "must be an object"));
        };
        meter.add(template.part);
        let picture = match get(part, "type").and_then(Value::as_str) {
            Some("text" | "refusal") => false,
            Some("image_url") => true,
            Some(_) => {
                let why = "only text and images have an upper bound of tokens";
                return Err(RequestError::not_priced(format!("{}.type", param()), why));
            }
            None => return Err(RequestError::invalid(format!("{}.type", param()), "must be a string")),
        };
        if picture {
            meter.images = meter.images.saturating_add(1);
            image = image.or_else(|| Some(param()));
        }
        for (name, value) in part.iter().filter(|(name, _)| *name != "type") {
            match (name.as_str(), value) {
                // The data or the address of the image, neither of which is text of the prompt.
                ("image_url", _) if picture => {}
                ("text" | "refusal", Value::String(text)) => meter.text(text),
                (name, value) => {
                    meter.text(name);
                    meter.texts(value);
                }
            }
        }
        check_cache(part, &format!("{}.", param()))?;
    }
    Ok(image)
}

fn embeddings(
    body: &Map<String, Value>,
    template: &PromptTemplate,
    meter: &mut Meter,
) -> Result<(), RequestError> {
    let wrong = || {
        RequestError::invalid(
            "input",
            "must be a string, a list of strings, a list of tokens, or a list of such lists, and not empty",
        )
    };
    match get(body, "input") {
        Some(Value::String(text)) => {
            meter.add(template.embedded);
            meter.text(text);
        }
        Some(Value::Array(items)) if is_tokens(items) => one_of_tokens(items, template, meter),
        Some(Value::Array(items)) if !items.is_empty() && items.iter().all(Value::is_string) => {
            for text in items.iter().filter_map(Value::as_str) {
                meter.add(template.embedded);
                meter.text(text);
            }
        }
        Some(Value::Array(items)) if !items.is_empty() => {
            for item in items {
                let tokens = item.as_array().filter(|tokens| is_tokens(tokens)).ok_or_else(wrong)?;
                one_of_tokens(tokens, template, meter);
            }
        }
        Some(_) | None => return Err(wrong()),
    }
    rest(body, meter);
    Ok(())
}

fn is_tokens(items: &[Value]) -> bool {
    !items.is_empty() && items.iter().all(Value::is_u64)
}

fn one_of_tokens(tokens: &[Value], template: &PromptTemplate, meter: &mut Meter) {
    meter.add(template.embedded);
    meter.add(u64::try_from(tokens.len()).unwrap_or(u64::MAX));
}

/// Counts all other fields, because a provider may write them into the prompt.
fn rest(body: &Map<String, Value>, meter: &mut Meter) {
    for (name, value) in body.iter().filter(|(_, value)| !value.is_null()) {
        if !NOT_WRITTEN.contains(&name.as_str()) {
            meter.text(name);
            meter.written(value);
        }
    }
}
