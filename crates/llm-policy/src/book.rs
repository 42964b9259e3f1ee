//! The price book: the prices of every model, with the source and the date of each entry.

mod entry;
mod price;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use canonical::{Digest, to_jcs};
use serde::{Deserialize, Serialize};

use crate::{Operation, Rates};
use entry::read_entries;
pub(crate) use entry::{MAX_TOKENS, check_name, is_date};
pub(crate) use price::{Price, PriceError};

/// The built-in prices.
const BUILTIN: &str = include_str!("builtin.toml");

/// A tokenizer that is public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// `o200k_base`: OpenAI's models since gpt-4o.
    O200k,
    /// `cl100k_base`: OpenAI's gpt-4 and its embedding models of the third generation.
    Cl100k,
}

/// The prices and limits of one model of one provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PriceEntry {
    /// The provider.
    pub provider: String,
    /// The provider's name for the model.
    pub model: String,
    /// The operation that the model performs.
    pub operation: Operation,
    /// Its prices, in pico-dollars per token.
    pub rates: Rates,
    /// Whether the model is free. If and only if it is, all prices are zero.
    pub free: bool,
    /// The source of the prices: the name or the address of a price page.
    pub source: String,
    /// The date of the prices, such as `2026-11-21`.
    pub date: String,
    /// Its tokenizer; `None` when it is unknown. The input is then bounded by its length in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// The maximum of input tokens for one image; `None` when it is unknown. Images are then refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_tokens: Option<u64>,
    /// The provider's maximum of output tokens for one answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output: Option<u64>,
    /// Whether the model bills hidden reasoning tokens as output and accepts no temperature.
    pub reasoning: bool,
}

/// Reason why a price file is refused. A refused file changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// The file is not valid TOML, or a table to import is not valid JSON.
    #[error("the prices can't be parsed: {0}")]
    Syntax(String),
    /// The file is not a list of `[[price]]` tables.
    #[error("{0}; a price file has `[[price]]` tables and nothing else")]
    Shape(String),
    /// One entry is invalid.
    #[error("price of {entry}: {what}")]
    Entry {
        /// The provider and the model, or the number of the table in the file.
        entry: String,
        /// The problem, and what is accepted.
        what: String,
    },
    /// The date of an import is invalid.
    #[error("`{0}` is not a date; use a day such as `2026-11-21`")]
    Date(String),
    /// The version of the book can't be computed.
    #[error("the version of the price book can't be computed: {0}")]
    Version(String),
}

/// The prices of all models, sorted by provider and model. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct PriceBook(Arc<BookContents>);

#[derive(Debug)]
struct BookContents {
    version: String,
    entries: Entries,
}

/// Entries by provider, then by model. The nesting allows look-ups with borrowed keys.
type Entries = BTreeMap<String, BTreeMap<String, PriceEntry>>;

static BUILTIN_BOOK: LazyLock<PriceBook> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the text is part of the program, and tests parse it")]
    PriceBook::seal(Entries::new(), BUILTIN).expect("the built-in prices are valid")
});

impl PriceBook {
    /// Returns the built-in price book.
    #[must_use]
    pub fn builtin() -> Self {
        BUILTIN_BOOK.clone()
    }

    /// Returns a copy of this book with the entries of a price file (`T4_PRICES`) added. An entry of the file replaces
    /// the whole entry of the same provider and model.
    ///
    /// The file has one `[[price]]` table for each model, with these fields:
    ///
    /// - `provider`, `model`, `source` and `date`.
    /// - `operation`: `chat` (the default) or `embeddings`.
    /// - `input_usd_per_mtok` and `output_usd_per_mtok`.
    /// - `cached_input_usd_per_mtok` and `cache_write_usd_per_mtok`; both default to the price of input.
    /// - `long`: the prices of calls with more input tokens than `above`. It has `above` and the same four prices.
    /// - `free`, `encoding`, `image_tokens`, `max_output` and `reasoning`, all optional.
    ///
    /// Prices are in dollars per million tokens, as a number or as a string. They are read by their decimal digits and
    /// rounded up to whole pico-dollars per token.
    ///
    /// # Errors
    /// - [`BookError::Syntax`] when the text is not valid TOML.
    /// - [`BookError::Shape`] when it has something other than `[[price]]` tables.
    /// - [`BookError::Entry`] when a field is unknown, missing or invalid, a price is negative or above $1,000 per
    ///   million tokens, a price is zero without `free = true`, or a model has two entries.
    /// - [`BookError::Version`] when the version can't be computed.
    pub fn with_overlay(&self, toml: &str) -> Result<Self, BookError> {
        Self::seal(self.0.entries.clone(), toml)
    }

    fn seal(mut entries: Entries, toml: &str) -> Result<Self, BookError> {
        for entry in read_entries(toml)? {
            entries.entry(entry.provider.clone()).or_default().insert(entry.model.clone(), entry);
        }
        let all: Vec<&PriceEntry> = entries.values().flat_map(BTreeMap::values).collect();
        let value = serde_json::to_value(all).map_err(|cause| BookError::Version(cause.to_string()))?;
        let canonical = to_jcs(&value).map_err(|cause| BookError::Version(cause.to_string()))?;
        let version = Digest::sha256(canonical.as_bytes()).to_string().chars().take(12).collect();
        Ok(Self(Arc::new(BookContents { version, entries })))
    }

    /// Returns the version: the first 12 hexadecimal digits of the SHA-256 of all entries as canonical JSON. It changes
    /// if and only if an entry changes.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// Returns the entry of a model of a provider.
    #[must_use]
    pub fn find(&self, provider: &str, model: &str) -> Option<&PriceEntry> {
        self.0.entries.get(provider)?.get(model)
    }

    /// Returns all entries, sorted by provider and model.
    pub fn entries(&self) -> impl Iterator<Item = &PriceEntry> {
        self.0.entries.values().flat_map(BTreeMap::values)
    }
}

#[cfg(test)]
mod tests;
