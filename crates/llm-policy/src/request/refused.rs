//! Fields that change the price in a way that the price book can't tell. They are refused, for every provider: a
//! compatible endpoint may know another one's field.

use serde_json::{Map, Value};

use super::RequestError;
use super::fields::{get, positive};

/// Fields that must not be there, and why. `false` and `null` count as absent.
const REFUSED: &[(&str, &str)] = &[
    // OpenAI
    ("audio", "audio has its own price"),
    ("web_search_options", "searches are billed by their number"),
    ("prediction", "rejected tokens of a prediction are billed beyond `max_tokens`"),
    // Azure, xAI, Qwen, OpenRouter, Groq
    ("data_sources", "searches add input that nobody bounds"),
    ("search_parameters", "searches are billed by their number"),
    ("enable_search", "searches are billed by their number"),
    ("plugins", "plugins are billed by their use"),
    ("models", "another model has another price"),
    ("provider", "another provider has another price"),
    ("compound_custom", "hosted tools are billed by their use"),
    // Anthropic
    ("mcp_servers", "their tools add input that nobody bounds"),
    ("container", "hosted tools are billed by their use"),
    ("inference_geo", "places have their own prices"),
    ("speed", "faster answers have their own price"),
    // Gemini, vLLM, llama.cpp and others
    ("extra_body", "its fields belong into the body itself"),
    ("chat_template", "a template can repeat its input as often as it likes"),
    ("max_output_tokens", "the bound of the output is `max_completion_tokens`"),
    ("max_new_tokens", "the bound of the output is `max_completion_tokens`"),
    ("n_predict", "the bound of the output is `max_completion_tokens`"),
    ("num_predict", "the bound of the output is `max_completion_tokens`"),
    ("max_tokens_to_sample", "the bound of the output is `max_completion_tokens`"),
    ("max_gen_len", "the bound of the output is `max_completion_tokens`"),
    ("max_length", "the bound of the output is `max_completion_tokens`"),
    ("thinking_budget", "the bound of the output is `max_completion_tokens`"),
    ("generation_config", "its fields belong into the body itself"),
    ("n_cmpl", "the number of answers is `n`"),
    ("num_return_sequences", "the number of answers is `n`"),
    ("use_beam_search", "beams beyond `n` are computed and not shown"),
    ("cached_content", "what is cached elsewhere adds input that nobody bounds"),
    ("google", "its fields add input that nobody bounds"),
    ("search_options", "searches are billed by their number"),
    ("enable_code_interpreter", "hosted tools are billed by their use"),
    ("vl_high_resolution_images", "it lifts the bound of an image"),
    ("mm_processor_kwargs", "it lifts the bound of an image"),
    ("safety_model", "another model has another price"),
    ("preset", "what a preset adds is not known"),
    ("deferred", "deferred answers have their own price"),
];

/// Fields that are understood here, in a body, a message or a part of one.
const UNDERSTOOD: &[&str] = &[
    "model",
    "messages",
    "input",
    "n",
    "max_tokens",
    "max_completion_tokens",
    "stream",
    "stream_options",
    "tools",
    "functions",
    "modalities",
    "service_tier",
    "best_of",
    "content",
    "tool_calls",
    "type",
    "text",
    "image_url",
    "cache_control",
];

/// Some providers read names without regard to case, and take U+017F for `s` and U+212A for `k`. A name that is one of
/// ours for them and none for us would pass without being bounded.
fn check_names(body: &Map<String, Value>) -> Result<(), RequestError> {
    check_object(body)?;
    let messages = get(body, "messages").and_then(Value::as_array).into_iter().flatten();
    for message in messages.filter_map(Value::as_object) {
        check_object(message)?;
        let parts = message.get("content").and_then(Value::as_array).into_iter().flatten();
        parts.filter_map(Value::as_object).try_for_each(check_object)?;
    }
    Ok(())
}

fn check_object(object: &Map<String, Value>) -> Result<(), RequestError> {
    for name in object.keys() {
        if name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            continue;
        }
        let folded: String = name.chars().map(fold).collect();
        let known =
            UNDERSTOOD.contains(&folded.as_str()) || REFUSED.iter().any(|(known, _)| *known == folded);
        if known && folded != *name {
            let short: String = name.chars().take(64).collect();
            return Err(RequestError::invalid(short, format!("is spelled `{folded}`")));
        }
    }
    Ok(())
}

fn fold(c: char) -> char {
    match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    }
}

pub fn check_chat(body: &Map<String, Value>, choices: u32) -> Result<(), RequestError> {
    check_both(body)?;
    check_modalities(body)?;
    if positive(body, "best_of")?.is_some_and(|best_of| best_of > u64::from(choices)) {
        return Err(RequestError::not_priced("best_of", "answers beyond `n` are billed and not shown"));
    }
    check_tools(body)
}

pub fn check_embeddings(body: &Map<String, Value>) -> Result<(), RequestError> {
    check_both(body)?;
    match get(body, "messages") {
        None => Ok(()),
        Some(_) => Err(RequestError::not_priced("messages", "only `input` can be bounded")),
    }
}

fn check_both(body: &Map<String, Value>) -> Result<(), RequestError> {
    check_names(body)?;
    for (name, why) in REFUSED {
        if get(body, name).is_some_and(|value| *value != Value::Bool(false)) {
            return Err(RequestError::not_priced(*name, *why));
        }
    }
    match get(body, "service_tier").map(Value::as_str) {
        None | Some(Some("auto" | "default")) => {}
        Some(_) => return Err(RequestError::not_priced("service_tier", "tiers have their own prices")),
    }
    check_cache(body, "")
}

fn check_modalities(body: &Map<String, Value>) -> Result<(), RequestError> {
    match get(body, "modalities") {
        None => Ok(()),
        Some(Value::Array(kinds)) if kinds.iter().all(|kind| kind.as_str() == Some("text")) => Ok(()),
        Some(Value::Array(_)) => {
            Err(RequestError::not_priced("modalities", "only text has a price in the book"))
        }
        Some(_) => Err(RequestError::invalid("modalities", "must be a list")),
    }
}

/// Functions run at the caller; tools of any other type run at the provider, which bills them by their use.
fn check_tools(body: &Map<String, Value>) -> Result<(), RequestError> {
    let tools = match get(body, "tools") {
        None => return Ok(()),
        Some(Value::Array(tools)) => tools,
        Some(_) => return Err(RequestError::invalid("tools", "must be a list")),
    };
    for (index, tool) in tools.iter().enumerate() {
        let param = format!("tools[{index}]");
        let Value::Object(tool) = tool else { return Err(RequestError::invalid(param, "must be an object")) };
        match get(tool, "type").and_then(Value::as_str) {
            Some("function" | "custom") => {}
            Some(_) => {
                let why = "only tools that the caller runs have no price of their own";
                return Err(RequestError::not_priced(format!("{param}.type"), why));
            }
            None => {
                return Err(RequestError::invalid(format!("{param}.type"), "must be `function` or `custom`"));
            }
        }
        check_cache(tool, &format!("{param}."))?;
        if let Some(Value::Object(function)) = get(tool, "function") {
            check_cache(function, &format!("{param}.function."))?;
        }
    }
    Ok(())
}

/// Anthropic bills what it writes to its cache by how long it stays; the book has the price of five minutes.
pub fn check_cache(part: &Map<String, Value>, at: &str) -> Result<(), RequestError> {
    let life = get(part, "cache_control").and_then(|control| control.get("ttl"));
    match life.filter(|life| !life.is_null()).map(Value::as_str) {
        None | Some(Some("5m")) => Ok(()),
        Some(_) => Err(RequestError::not_priced(
            format!("{at}cache_control.ttl"),
            "only `5m` has a price in the book",
        )),
    }
}
