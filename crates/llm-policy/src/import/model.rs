//! Conversion of one model of the table.

use serde_json::{Map, Value};

use super::prices::{Fields, read_rates};
use crate::book::{MAX_TOKENS, check_name};
use crate::{Operation, PriceBook, PriceEntry};

/// The source of an entry for which the table names none.
const TABLE: &str = "model_prices_and_context_window.json";

/// The outcome for one entry of the table.
pub enum ImportedModel {
    /// The entry does not apply: it is the sample, or has another mode.
    Skipped,
    /// The entry can't be used, for this reason.
    Refused(String),
    /// The entry was converted.
    Taken(Box<PriceEntry>),
}

/// Converts one entry of the table.
pub fn read_model(name: &str, value: &Value, base: &PriceBook, date: &str) -> ImportedModel {
    let Value::Object(fields) = value else {
        return ImportedModel::Refused("it is not a JSON object".to_owned());
    };
    let operation = match text(fields, "mode") {
        _ if name == "sample_spec" => return ImportedModel::Skipped,
        Some("chat" | "completion" | "responses") => Operation::Chat,
        Some("embedding") => Operation::Embeddings,
        Some(_) | None => return ImportedModel::Skipped,
    };
    match read_entry(name, fields, operation, base, date) {
        Ok(entry) => ImportedModel::Taken(Box::new(entry)),
        Err(why) => ImportedModel::Refused(why),
    }
}

fn read_entry(
    name: &str,
    fields: &Map<String, Value>,
    operation: Operation,
    base: &PriceBook,
    date: &str,
) -> Result<PriceEntry, String> {
    let provider = text(fields, "litellm_provider").ok_or("`litellm_provider` is missing")?;
    let model = name.strip_prefix(provider).and_then(|rest| rest.strip_prefix('/')).unwrap_or(name);
    check_name("litellm_provider", provider, 64)?;
    check_name("model", model, 256)?;
    check_per_token_only(provider, model, fields)?;
    let rates = read_rates(Fields(fields), operation)?;
    let known = base.find(provider, model);
    let max_output = fields
        .get("max_output_tokens")
        .and_then(Value::as_u64)
        .filter(|tokens| (1..=MAX_TOKENS).contains(tokens))
        .or_else(|| known.and_then(|entry| entry.max_output));
    let thinks = fields.get("supports_reasoning").and_then(Value::as_bool).unwrap_or(false)
        || fields.contains_key("output_cost_per_reasoning_token");
    let source = text(fields, "source")
        .filter(|source| !source.trim().is_empty() && !source.chars().any(char::is_control))
        .unwrap_or(TABLE);
    Ok(PriceEntry {
        provider: provider.to_owned(),
        model: model.to_owned(),
        operation,
        rates,
        free: false,
        source: source.to_owned(),
        date: date.to_owned(),
        encoding: known.and_then(|entry| entry.encoding),
        image_tokens: known.and_then(|entry| entry.image_tokens),
        max_output,
        reasoning: known.map_or(thinks, |entry| entry.reasoning),
    })
}

/// Refuses a model that has costs besides its tokens: a maximum of tokens would not limit them.
fn check_per_token_only(provider: &str, model: &str, fields: &Map<String, Value>) -> Result<(), String> {
    let also = fields.iter().find(|(name, value)| {
        let counted = ["_cost_per_request", "_cost_per_second", "_cost_per_query"];
        // Most models search only if a call asks for it, and such calls are refused.
        let always_searches = provider == "perplexity" || model.contains("search");
        let counts =
            counted.iter().any(|end| name.ends_with(end)) && (name.as_str() != SEARCH || always_searches);
        counts && !is_nothing(value)
    });
    match also {
        Some((name, _)) => Err(format!("it is also billed by `{name}`, which prices per token do not limit")),
        None => Ok(()),
    }
}

/// The field for prices per search: an object with a price for each size of search.
const SEARCH: &str = "search_context_cost_per_query";

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Object(sizes) => sizes.values().all(is_nothing),
        Value::Bool(_) | Value::String(_) | Value::Array(_) => false,
    }
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str)
}
