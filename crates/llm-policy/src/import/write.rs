//! Serialization of prices as a file for [`PriceBook::with_overlay`](crate::PriceBook::with_overlay).

use crate::book::Price;
use crate::{Encoding, LongRates, Operation, PriceEntry};

/// Serializes entries in the given order.
pub fn write_overlay(entries: &[PriceEntry]) -> String {
    let mut text = String::new();
    for entry in entries {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str("[[price]]\n");
        for (name, value) in fields(entry) {
            text.push_str(name);
            text.push_str(" = ");
            text.push_str(&value);
            text.push('\n');
        }
    }
    text
}

fn fields(entry: &PriceEntry) -> Vec<(&'static str, String)> {
    let mut fields = vec![("provider", quoted(&entry.provider)), ("model", quoted(&entry.model))];
    match entry.operation {
        Operation::Chat => {}
        Operation::Embeddings => fields.push(("operation", quoted(entry.operation.as_str()))),
    }
    if entry.free {
        fields.push(("free", "true".to_owned()));
    } else {
        let rates = &entry.rates;
        fields.extend(prices([rates.input, rates.output, rates.cached_input, rates.cache_write]));
        fields.extend(rates.long.map(|long| ("long", inline(&long))));
    }
    fields.push(("source", quoted(&entry.source)));
    fields.push(("date", quoted(&entry.date)));
    fields.extend(entry.encoding.map(|encoding| ("encoding", quoted(encoding_name(encoding)))));
    fields.extend(entry.image_tokens.map(|tokens| ("image_tokens", tokens.to_string())));
    fields.extend(entry.max_output.map(|tokens| ("max_output", tokens.to_string())));
    if entry.reasoning {
        fields.push(("reasoning", "true".to_owned()));
    }
    fields
}

fn prices([input, output, cached_input, cache_write]: [u64; 4]) -> Vec<(&'static str, String)> {
    let mut prices = vec![("input_usd_per_mtok", dollars(input))];
    // Embeddings have no output price.
    if output > 0 {
        prices.push(("output_usd_per_mtok", dollars(output)));
    }
    // A price equal to that of input is the default and left out, as in a file written by hand.
    for (name, price) in
        [("cached_input_usd_per_mtok", cached_input), ("cache_write_usd_per_mtok", cache_write)]
    {
        if price != input {
            prices.push((name, dollars(price)));
        }
    }
    prices
}

fn inline(long: &LongRates) -> String {
    let mut text = format!("{{ above = {}", long.above);
    for (name, price) in prices([long.input, long.output, long.cached_input, long.cache_write]) {
        for part in [", ", name, " = ", &price] {
            text.push_str(part);
        }
    }
    text.push_str(" }");
    text
}

fn dollars(pico_per_token: u64) -> String {
    Price::from_pico(pico_per_token).to_string()
}

/// Returns a quoted TOML string. JSON escapes are valid in TOML too, and no text here has control characters.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

const fn encoding_name(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::O200k => "o200k",
        Encoding::Cl100k => "cl100k",
    }
}
