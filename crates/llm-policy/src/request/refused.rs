//! Fields that change the price in a way that the price book does not cover. They are refused for every provider,
//! because a compatible endpoint may accept the fields of another provider.

use serde_json::{Map, Value};

use super::RequestError;
use super::fields::{get, positive};

/// Fields that are refused, and the reasons. `false` and `null` count as absent.
const REFUSED: &[(&str, &str)] = &[
    // OpenAI
    ("audio", "audio is billed at a separate price"),
    ("web_search_options", "searches are billed per search"),
    ("prediction", "rejected tokens of a prediction are billed in addition to `max_tokens`"),
    // Azure, xAI, Qwen, OpenRouter, Groq
    ("data_sources", "searches add an unknown amount of input"),
    ("search_parameters", "searches are billed per search"),
    ("enable_search", "searches are billed per search"),
    ("plugins", "plugins are billed per use"),
    ("models", "another model has different prices"),
    ("provider", "another provider has different prices"),
    ("compound_custom", "hosted tools are billed per use"),
    // Anthropic
    ("mcp_servers", "their tools add an unknown amount of input"),
    ("container", "hosted tools are billed per use"),
    ("inference_geo", "prices differ between regions"),
    ("speed", "faster answers are billed at a separate price"),
    // Gemini, vLLM, llama.cpp and others
    ("extra_body", "put its fields into the body itself"),
    ("chat_template", "a template can repeat its input any number of times"),
    ("max_output_tokens", "use `max_completion_tokens` to limit the output"),
    ("max_new_tokens", "use `max_completion_tokens` to limit the output"),
    ("n_predict", "use `max_completion_tokens` to limit the output"),
    ("num_predict", "use `max_completion_tokens` to limit the output"),
    ("max_tokens_to_sample", "use `max_completion_tokens` to limit the output"),
    ("max_gen_len", "use `max_completion_tokens` to limit the output"),
    ("max_length", "use `max_completion_tokens` to limit the output"),
    ("thinking_budget", "use `max_completion_tokens` to limit the output"),
    ("generation_config", "put its fields into the body itself"),
    ("n_cmpl", "use `n` for the number of answers"),
    ("num_return_sequences", "use `n` for the number of answers"),
    ("use_beam_search", "beams beyond `n` are computed but not returned"),
    ("cached_content", "cached content adds an unknown amount of input"),
    ("google", "its fields add an unknown amount of input"),
    ("search_options", "searches are billed per search"),
    ("enable_code_interpreter", "hosted tools are billed per use"),
    ("vl_high_resolution_images", "it raises the number of tokens per image"),
    ("mm_processor_kwargs", "it raises the number of tokens per image"),
    ("safety_model", "another model has different prices"),
    ("preset", "a preset adds an unknown amount of input"),
    ("deferred", "deferred answers are billed at a separate price"),
];

/// Fields that this module knows, in a body, a message, or a part of a message.
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

/// Refuses other spellings of known names. Some providers compare names without regard to case, and take U+017F for `s`
/// and U+212A for `k`. Without this check, a misspelt field would take effect at the provider but not in the price.
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
            return Err(RequestError::invalid(short, format!("must be spelled `{folded}`")));
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
        return Err(RequestError::not_priced("best_of", "answers beyond `n` are billed but not returned"));
    }
    check_tools(body)
}

pub fn check_embeddings(body: &Map<String, Value>) -> Result<(), RequestError> {
    check_both(body)?;
    match get(body, "messages") {
        None => Ok(()),
        Some(_) => Err(RequestError::not_priced("messages", "only `input` has an upper bound of tokens")),
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
        Some(_) => {
            return Err(RequestError::not_priced("service_tier", "service tiers have different prices"));
        }
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

/// Refuses tools that run at the provider, because it bills them per use. Functions and custom tools run at the caller.
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
                let why =
                    "the provider bills tools that it runs per use; only `function` and `custom` are allowed";
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

/// Refuses cache lifetimes other than five minutes. Anthropic's price of a cache write depends on the lifetime, and the
/// price book has only the price for five minutes.
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
