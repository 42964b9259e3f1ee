//! The price book: what a token of each model costs, with the source and the date of every figure.

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

/// The book as it is built in.
const BUILTIN: &str = include_str!("builtin.toml");

/// How a model cuts text into tokens, where that is public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// `o200k_base`: OpenAI's models since gpt-4o.
    O200k,
    /// `cl100k_base`: OpenAI's gpt-4 and its embedding models of the third generation.
    Cl100k,
}

/// What one model of one provider costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PriceEntry {
    /// The provider.
    pub provider: String,
    /// The model, by the provider's own name for it.
    pub model: String,
    /// What the model does.
    pub operation: Operation,
    /// Its prices, in pico-dollars per token.
    pub rates: Rates,
    /// Whether it costs nothing. Then, and only then, all prices are zero.
    pub free: bool,
    /// Who says so: the name or the address of a price page.
    pub source: String,
    /// The day of the figures, as `2026-11-21`.
    pub date: String,
    /// Its tokenizer; `None` where it is not known, so that its input is bounded by bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
    /// The most input tokens that one image can come to; `None` where that is not known, so that images are
    /// refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_tokens: Option<u64>,
    /// The most output tokens of one answer, by the provider's own limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output: Option<u64>,
    /// Whether it thinks in output tokens that are billed and not shown, and takes no temperature.
    pub reasoning: bool,
}

/// A file of prices that can't be taken. Nothing of it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// It is not TOML, or not JSON where that is expected.
    #[error("the prices can't be read: {0}")]
    Syntax(String),
    /// It is not a list of `[[price]]` tables.
    #[error("{0}; a file of prices takes `[[price]]` tables and nothing else")]
    Shape(String),
    /// One entry is wrong.
    #[error("price of {entry}: {what}")]
    Entry {
        /// The provider and the model, or the number of the table.
        entry: String,
        /// What is wrong, and what is taken.
        what: String,
    },
    /// The day of an import is no date.
    #[error("`{0}` is no date; it takes a day such as `2026-11-21`")]
    Date(String),
    /// The version can't be computed.
    #[error("the version of the price book can't be computed: {0}")]
    Version(String),
}

/// All prices, sorted by provider and model. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct PriceBook(Arc<BookContents>);

#[derive(Debug)]
struct BookContents {
    version: String,
    entries: Entries,
}

/// By provider, then by model, so that a look-up needs no owned key.
type Entries = BTreeMap<String, BTreeMap<String, PriceEntry>>;

static BUILTIN_BOOK: LazyLock<PriceBook> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the text is part of the program and read by a test")]
    PriceBook::seal(Entries::new(), BUILTIN).expect("the built-in prices can be read")
});

impl PriceBook {
    /// The prices that are built in.
    #[must_use]
    pub fn builtin() -> Self {
        BUILTIN_BOOK.clone()
    }

    /// This book with the entries of a file (`T4_PRICES`) laid over it. An entry of the file takes the place of
    /// the whole entry of the same provider and model.
    ///
    /// The file has one table `[[price]]` for each model: `provider`, `model`, `operation` (`chat` unless it is
    /// `embeddings`), `input_usd_per_mtok`, `output_usd_per_mtok`, `cached_input_usd_per_mtok`,
    /// `cache_write_usd_per_mtok` (these two cost as much as input unless they are there), `long` (`above`, in
    /// input tokens, and the same four prices), `source`, `date`, `free`, `encoding`, `image_tokens`,
    /// `max_output`, `reasoning`. Prices are dollars per million tokens, as a number or as text, and taken by
    /// their decimal digits; what is no whole number of pico-dollars per token is rounded up.
    ///
    /// # Errors
    /// [`BookError`], which names the entry: a field that is not known or missing, a price below zero or above
    /// $1,000 per million tokens, a price of zero without `free = true`, a model that is there twice.
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

    /// The book's version: the first 12 hexadecimal digits of the SHA-256 of its entries as canonical JSON. It
    /// changes if and only if an entry does.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// The entry of a provider's model.
    #[must_use]
    pub fn find(&self, provider: &str, model: &str) -> Option<&PriceEntry> {
        self.0.entries.get(provider)?.get(model)
    }

    /// Every entry, sorted by provider and model.
    pub fn entries(&self) -> impl Iterator<Item = &PriceEntry> {
        self.0.entries.values().flat_map(BTreeMap::values)
    }
}

#[cfg(test)]
mod tests;
