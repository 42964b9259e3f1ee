//! Weight of a code in the quality score.

use std::collections::BTreeMap;

/// Weights by code. The defaults are the original checker's; an unlisted code weighs 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weights {
    by_code: BTreeMap<String, u32>,
}

impl Default for Weights {
    fn default() -> Self {
        let table = [("F821", 3), ("F401", 3), ("B904", 2), ("B008", 2), ("RUF006", 2)];
        Self { by_code: table.into_iter().map(|(code, weight)| (code.to_owned(), weight)).collect() }
    }
}

impl Weights {
    /// The defaults with these laid over them.
    #[must_use]
    pub fn with(mut self, others: impl IntoIterator<Item = (String, u32)>) -> Self {
        self.by_code.extend(others);
        self
    }

    /// What one annotation of this code weighs.
    #[must_use]
    pub fn of(&self, code: &str) -> u32 {
        self.by_code.get(code).copied().unwrap_or(1)
    }
}
