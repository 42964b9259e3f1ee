//! Parsing and checking of `[[price]]` tables.

use std::collections::BTreeSet;

use registry_core::Timestamp;
use serde::Deserialize;

use super::{BookError, Encoding, Price, PriceEntry, PriceError};
use crate::config::toml_problem;
use crate::{LongRates, Operation, Rates};

/// The largest number of tokens that a field may state. It is far above the limits of any model, and small enough for
/// exact arithmetic and canonical JSON.
pub const MAX_TOKENS: u64 = 1_000_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    provider: String,
    model: String,
    operation: Option<Operation>,
    input_usd_per_mtok: Option<toml::Value>,
    output_usd_per_mtok: Option<toml::Value>,
    cached_input_usd_per_mtok: Option<toml::Value>,
    cache_write_usd_per_mtok: Option<toml::Value>,
    long: Option<RawLong>,
    source: String,
    date: String,
    #[serde(default)]
    free: bool,
    encoding: Option<Encoding>,
    image_tokens: Option<u64>,
    max_output: Option<u64>,
    #[serde(default)]
    reasoning: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLong {
    above: u64,
    input_usd_per_mtok: Option<toml::Value>,
    output_usd_per_mtok: Option<toml::Value>,
    cached_input_usd_per_mtok: Option<toml::Value>,
    cache_write_usd_per_mtok: Option<toml::Value>,
}

/// Parses all entries of a price file.
pub fn read_entries(text: &str) -> Result<Vec<PriceEntry>, BookError> {
    let mut file: toml::Table =
        toml::from_str(text).map_err(|cause| BookError::Syntax(toml_problem(text, &cause)))?;
    let prices = file.remove("price");
    if let Some(name) = file.keys().next() {
        return Err(BookError::Shape(format!("unknown field `{name}`")));
    }
    let tables = match prices {
        None => Vec::new(),
        Some(toml::Value::Array(tables)) => tables,
        Some(_) => return Err(BookError::Shape("`price` is not a list of tables".to_owned())),
    };
    let mut seen = BTreeSet::new();
    let mut entries = Vec::with_capacity(tables.len());
    for (index, table) in tables.into_iter().enumerate() {
        let name = entry_name(&table, index);
        let entry = read_entry(table).map_err(|what| BookError::Entry { entry: name.clone(), what })?;
        if !seen.insert((entry.provider.clone(), entry.model.clone())) {
            let what = "the file has two entries for this model; keep one".to_owned();
            return Err(BookError::Entry { entry: name, what });
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// Returns the name of an entry for error messages.
fn entry_name(table: &toml::Value, index: usize) -> String {
    let text = |field| table.get(field).and_then(toml::Value::as_str);
    match (text("provider"), text("model")) {
        (Some(provider), Some(model)) => format!("`{model}` of `{provider}`"),
        (_, Some(model)) => format!("`{model}`"),
        (_, None) => format!("table {} of the file", index + 1),
    }
}

fn read_entry(table: toml::Value) -> Result<PriceEntry, String> {
    let raw: RawEntry = table.try_into().map_err(|cause: toml::de::Error| cause.message().to_owned())?;
    check_name("provider", &raw.provider, 64)?;
    check_name("model", &raw.model, 256)?;
    if raw.source.trim().is_empty() || raw.source.chars().any(char::is_control) {
        return Err("`source` must be the name or the address of a price page, on one line".to_owned());
    }
    if !is_date(&raw.date) {
        return Err(format!("`date` must be a day such as `2026-11-21`, got `{}`", raw.date));
    }
    for (field, tokens) in [("image_tokens", raw.image_tokens), ("max_output", raw.max_output)] {
        if let Some(tokens) = tokens {
            check_tokens(field, tokens)?;
        }
    }
    let operation = raw.operation.unwrap_or(Operation::Chat);
    let kind = PriceKind { free: raw.free, operation };
    let base = kind.prices([
        raw.input_usd_per_mtok.as_ref(),
        raw.output_usd_per_mtok.as_ref(),
        raw.cached_input_usd_per_mtok.as_ref(),
        raw.cache_write_usd_per_mtok.as_ref(),
    ])?;
    let long = raw.long.map(|long| read_long(&long, kind)).transpose()?;
    let [input, output, cached_input, cache_write] = base;
    Ok(PriceEntry {
        provider: raw.provider,
        model: raw.model,
        operation,
        rates: Rates { input, cached_input, cache_write, output, long },
        free: raw.free,
        source: raw.source,
        date: raw.date,
        encoding: raw.encoding,
        image_tokens: raw.image_tokens,
        max_output: raw.max_output,
        reasoning: raw.reasoning,
    })
}

fn read_long(raw: &RawLong, kind: PriceKind) -> Result<LongRates, String> {
    if kind.free {
        return Err("`long` is not allowed with `free = true`".to_owned());
    }
    check_tokens("long.above", raw.above)?;
    let [input, output, cached_input, cache_write] = kind
        .prices([
            raw.input_usd_per_mtok.as_ref(),
            raw.output_usd_per_mtok.as_ref(),
            raw.cached_input_usd_per_mtok.as_ref(),
            raw.cache_write_usd_per_mtok.as_ref(),
        ])
        .map_err(|what| format!("in `long`, {what}"))?;
    Ok(LongRates { above: raw.above, input, cached_input, cache_write, output })
}

/// The properties of an entry that decide which prices it must have.
#[derive(Clone, Copy)]
struct PriceKind {
    free: bool,
    operation: Operation,
}

impl PriceKind {
    /// Returns the prices of input, output, cached input and cache writes, in pico-dollars per token.
    fn prices(self, raw: [Option<&toml::Value>; 4]) -> Result<[u64; 4], String> {
        let [input, output, cached_input, cache_write] = raw;
        let input = self.price("input_usd_per_mtok", input, None)?;
        let no_output = match self.operation {
            Operation::Chat => None,
            Operation::Embeddings => Some(Price::ZERO),
        };
        let output = match (no_output, output) {
            // Embeddings have no output, so an explicit output price of 0 is accepted without `free = true`.
            (Some(zero), Some(given)) if read_price("output_usd_per_mtok", given)? == zero => zero,
            (default, given) => self.price("output_usd_per_mtok", given, default)?,
        };
        // Without a stated price, the cache costs as much as input.
        let cached_input = self.price("cached_input_usd_per_mtok", cached_input, Some(input))?;
        let cache_write = self.price("cache_write_usd_per_mtok", cache_write, Some(input))?;
        Ok([input, output, cached_input, cache_write].map(Price::pico))
    }

    fn price(
        self,
        field: &str,
        value: Option<&toml::Value>,
        default: Option<Price>,
    ) -> Result<Price, String> {
        let given = value.map(|value| read_price(field, value)).transpose()?;
        match (self.free, given) {
            (true, None | Some(Price::ZERO)) => Ok(Price::ZERO),
            (true, Some(price)) => {
                Err(format!("`{field}` is {price}, but `free = true` allows no price above 0"))
            }
            (false, Some(Price::ZERO)) => Err(format!(
                "`{field}` is 0; set `free = true` for a free model, and leave out an unknown price of the cache"
            )),
            (false, Some(price)) => Ok(price),
            (false, None) => default.ok_or_else(|| format!("`{field}` is missing")),
        }
    }
}

fn read_price(field: &str, value: &toml::Value) -> Result<Price, String> {
    let text = match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        // `Display` of a float is its shortest exact decimal notation, which is the one that was typed.
        toml::Value::Float(number) => number.to_string(),
        toml::Value::Boolean(_)
        | toml::Value::Datetime(_)
        | toml::Value::Array(_)
        | toml::Value::Table(_) => {
            format!("a {}", value.type_str())
        }
    };
    Price::per_million(&text).map_err(|cause| {
        let why = match cause {
            PriceError::NotANumber => "is not a decimal number",
            PriceError::Negative => "is negative",
            PriceError::Outlier => "is too high",
        };
        format!("`{field}` must be dollars per million tokens, at most 1000, such as 0.15; `{text}` {why}")
    })
}

/// Checks that a name has 1 to `longest` bytes and no spaces or control characters.
pub fn check_name(field: &str, name: &str, longest: usize) -> Result<(), String> {
    if name.is_empty() || name.len() > longest || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(format!(
            "`{field}` must be 1 to {longest} bytes without spaces, got `{}`",
            name.escape_debug()
        ));
    }
    Ok(())
}

fn check_tokens(field: &str, tokens: u64) -> Result<(), String> {
    if (1..=MAX_TOKENS).contains(&tokens) {
        return Ok(());
    }
    Err(format!("`{field}` must be 1 to {MAX_TOKENS} tokens, got {tokens}"))
}

/// Returns whether a text is a calendar date such as `2026-11-21`.
pub fn is_date(text: &str) -> bool {
    text.len() == 10 && Timestamp::parse(&format!("{text}T00:00:00Z")).is_ok()
}
