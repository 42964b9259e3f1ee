//! Finding of a linter.

use serde::{Deserialize, Serialize};

/// A place in a source file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The row, from 1. Rows end at LF, CR LF or CR, as ruff and SARIF tools count them.
    pub row: u32,
    /// The column in characters, from 1; 0 when the linter names none.
    pub column: u32,
}

/// One finding of a linter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The file, from the root, with `/`.
    pub file: String,
    /// The rule, such as `F401`; `invalid-syntax` for a source that does not parse.
    pub code: String,
    /// What the linter says.
    pub message: String,
    /// Where it begins.
    pub start: Place,
    /// Where it ends (the first place after it). Never before `start`.
    pub end: Place,
    /// Where the rule is explained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Finding {
    /// The last row that the finding touches: one that ends at the first column of a row does not touch that row.
    #[must_use]
    pub fn last_row(&self) -> u32 {
        let last = if self.end.column <= 1 && self.end.row > self.start.row {
            self.end.row - 1
        } else {
            self.end.row
        };
        last.max(self.start.row)
    }
}
