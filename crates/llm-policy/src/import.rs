//! Prices from the widely used `model_prices_and_context_window.json`.

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

/// What an import came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceImport {
    /// Every price that was taken, as a file for [`PriceBook::with_overlay`], sorted by provider and model. The
    /// same input gives the same bytes.
    pub toml: String,
    /// Models that the book did not have.
    pub added: Vec<PriceEntry>,
    /// Models that the book has otherwise.
    pub changed: Vec<ChangedPrice>,
    /// How many models the book has with the very same figures; they keep their source and date.
    pub unchanged: usize,
    /// Models that were left out because their figures can't be believed or do not bound a call.
    pub refused: Vec<RefusedModel>,
    /// How many entries are of no use here: other modes than text and embeddings, and the sample.
    pub skipped: usize,
}

/// A model whose figures are new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedPrice {
    /// What the book says.
    pub before: PriceEntry,
    /// What the import says.
    pub after: PriceEntry,
}

/// A model that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedModel {
    /// Its name in the file.
    pub model: String,
    /// Why.
    pub why: String,
}

/// Reads a table of the `model_prices_and_context_window.json` form and compares it with a book. `date` is the
/// day on which the table was fetched, as `2026-11-21`: the table has none.
///
/// - Only the modes `chat`, `completion`, `responses` and `embedding` are taken; others are skipped.
/// - The provider's name in front of a model's (`groq/llama-3.3-70b-versatile`) is taken off.
/// - Prices are read with 15 significant digits, which is what a float holds: more of them are noise. What is no
///   whole number of pico-dollars per token is rounded up.
/// - A price above $1,000 per million tokens, below zero, or of zero refuses the model. So do prices per request,
///   second or search, because a price per token does not bound them.
/// - Of several prices for one thing the dearest is taken: of output and reasoning, of input and a write to the
///   cache, of the tiers above the lowest bound, of two entries for one model.
/// - The tokenizer, the bound of an image and, for a model that the book knows, `reasoning` stay as the book has
///   them: the table does not have them, or not with the same meaning.
///
/// # Errors
/// [`BookError::Syntax`] when the text is not a JSON object or names a member twice, [`BookError::Date`] when the date is none.
pub fn import_litellm(json: &str, base: &PriceBook, date: &str) -> Result<PriceImport, BookError> {
    if !is_date(date) {
        return Err(BookError::Date(date.to_owned()));
    }
    if let Err(MemberFault::Twice(twice)) = canonical::members_once(json.as_bytes()) {
        return Err(BookError::Syntax(format!("`{}` comes twice", twice.pointer)));
    }
    let table: Map<String, Value> =
        serde_json::from_str(json).map_err(|cause| BookError::Syntax(cause.to_string()))?;
    // Sorted, whatever order the map keeps: two entries of one model are merged in it.
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
                    let why = "another entry has the same name and another mode".to_owned();
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

/// Whether two entries differ at most in who said it and when.
fn same_figures(one: &PriceEntry, other: &PriceEntry) -> bool {
    let figures =
        |entry: &PriceEntry| PriceEntry { source: String::new(), date: String::new(), ..entry.clone() };
    figures(one) == figures(other)
}

/// One entry that bounds both.
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
