//! Import of prices from `model_prices_and_context_window.json`, a widely used public table.

mod model;
mod prices;
mod write;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use canonical::MemberFault;
use serde_json::{Map, Value};

use crate::book::is_date;
use crate::{BookError, LongRates, PriceBook, PriceEntry, Rates};
use model::{ImportedModel, read_model};
use write::write_overlay;

/// The result of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceImport {
    /// All imported prices as a file for [`PriceBook::with_overlay`], sorted by provider and model. Equal input
    /// produces equal bytes.
    pub toml: String,
    /// Models that the book does not have.
    pub added: Vec<PriceEntry>,
    /// Models that the book has with other values.
    pub changed: Vec<ChangedPrice>,
    /// The number of models that the book has with equal values. They keep their source and date.
    pub unchanged: usize,
    /// Models whose prices are implausible, or do not limit the cost of a call.
    pub refused: Vec<RefusedModel>,
    /// The number of entries that do not apply: the sample entry, and modes other than text and embeddings.
    pub skipped: usize,
}

/// A model whose values change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedPrice {
    /// The entry of the book.
    pub before: PriceEntry,
    /// The entry of the import.
    pub after: PriceEntry,
}

/// A model that was not imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedModel {
    /// Its name in the table.
    pub model: String,
    /// The reason.
    pub why: String,
}

/// Parses a table in the format of `model_prices_and_context_window.json` and compares it with a book. `date` is the
/// date on which the table was fetched, such as `2026-11-21`; the table itself has no dates.
///
/// - Only the modes `chat`, `completion`, `responses` and `embedding` are imported; others are skipped.
/// - The provider's prefix is removed from the name of a model, such as `groq/` from `groq/llama-3.3-70b-versatile`.
/// - Prices are read with 15 significant digits, the precision of a float; further digits are noise. The result is
///   rounded up to whole pico-dollars per token.
/// - A model is refused when a price is above $1,000 per million tokens, negative, or zero. It is also refused when it
///   has prices per request, second or search, because prices per token do not limit these costs.
/// - If there are several prices for one thing, the highest is used: of output and reasoning, of input and cache
///   writes, of all tiers above the lowest threshold, and of two entries for one model.
/// - The tokenizer and the maximum of tokens for an image are copied from the book, because the table has none. So is
///   `reasoning` for a model that is in the book, because the table defines it differently.
///
/// # Errors
/// - [`BookError::Syntax`] when the text is not a JSON object or has a duplicate member.
/// - [`BookError::Date`] when `date` is not a date.
pub fn import_litellm(json: &str, base: &PriceBook, date: &str) -> Result<PriceImport, BookError> {
    if !is_date(date) {
        return Err(BookError::Date(date.to_owned()));
    }
    if let Err(MemberFault::Twice(twice)) = canonical::members_once(json.as_bytes()) {
        return Err(BookError::Syntax(format!("duplicate member `{}`", twice.pointer)));
    }
    let table: Map<String, Value> =
        serde_json::from_str(json).map_err(|cause| BookError::Syntax(cause.to_string()))?;
    // Two entries of one model are merged in the order of their names, so the order must not depend on the JSON map.
    let table: BTreeMap<String, Value> = table.into_iter().collect();
    let mut taken: BTreeMap<(String, String), PriceEntry> = BTreeMap::new();
    let mut refused = Vec::new();
    let mut skipped = 0;
    for (name, value) in table {
        match read_model(&name, &value, base, date) {
            ImportedModel::Skipped => skipped += 1,
            ImportedModel::Refused(why) => refused.push(RefusedModel { model: name, why }),
            ImportedModel::Taken(entry) => match taken.entry((entry.provider.clone(), entry.model.clone())) {
                Slot::Vacant(slot) => {
                    slot.insert(*entry);
                }
                Slot::Occupied(mut slot) if slot.get().operation == entry.operation => {
                    let merged = dearest_of(slot.get(), &entry);
                    slot.insert(merged);
                }
                Slot::Occupied(_) => {
                    let why = "another entry for this model has a different mode".to_owned();
                    refused.push(RefusedModel { model: name, why });
                }
            },
        }
    }
    let mut import = PriceImport {
        toml: String::new(),
        added: Vec::new(),
        changed: Vec::new(),
        unchanged: 0,
        refused,
        skipped,
    };
    let mut entries = Vec::with_capacity(taken.len());
    for entry in taken.into_values() {
        match base.find(&entry.provider, &entry.model) {
            None => {
                import.added.push(entry.clone());
                entries.push(entry);
            }
            Some(before) if same_figures(before, &entry) => {
                import.unchanged += 1;
                entries.push(before.clone());
            }
            Some(before) => {
                import.changed.push(ChangedPrice { before: before.clone(), after: entry.clone() });
                entries.push(entry);
            }
        }
    }
    import.toml = write_overlay(&entries);
    Ok(import)
}

/// Returns whether two entries differ at most in their source and date.
fn same_figures(one: &PriceEntry, other: &PriceEntry) -> bool {
    let figures =
        |entry: &PriceEntry| PriceEntry { source: String::new(), date: String::new(), ..entry.clone() };
    figures(one) == figures(other)
}

/// Merges two entries of one model into one with the higher of each price.
fn dearest_of(one: &PriceEntry, other: &PriceEntry) -> PriceEntry {
    let long_of = |rates: &Rates, above: u64| {
        rates.long.unwrap_or(LongRates {
            above,
            input: rates.input,
            cached_input: rates.cached_input,
            cache_write: rates.cache_write,
            output: rates.output,
        })
    };
    let (a, b) = (&one.rates, &other.rates);
    let above = [a.long, b.long].into_iter().flatten().map(|long| long.above).min();
    let long = above.map(|above| {
        let (x, y) = (long_of(a, above), long_of(b, above));
        LongRates {
            above,
            input: x.input.max(y.input),
            cached_input: x.cached_input.max(y.cached_input),
            cache_write: x.cache_write.max(y.cache_write),
            output: x.output.max(y.output),
        }
    });
    PriceEntry {
        rates: Rates {
            input: a.input.max(b.input),
            cached_input: a.cached_input.max(b.cached_input),
            cache_write: a.cache_write.max(b.cache_write),
            output: a.output.max(b.output),
            long,
        },
        max_output: one.max_output.zip(other.max_output).map(|(x, y)| x.max(y)),
        reasoning: one.reasoning || other.reasoning,
        ..one.clone()
    }
}

#[cfg(test)]
mod tests;
