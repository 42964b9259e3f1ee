//! Runs codemods over a tree.
//!
//! A run has three steps: plan the changes, write them with a snapshot, and check the result with ruff.

mod apply;
mod decisions;
mod plan;

use std::collections::BTreeMap;

use codemods::Codemod;
use serde::Serialize;

use source_tree::snapshot::FileChange;

pub use apply::apply;
pub(crate) use decisions::Decisions;
pub use plan::plan;
pub(crate) use plan::{is_notebook, targets};

/// The command's name in snapshots.
pub const COMMAND: &str = "codemod";

/// The rule for undefined names. A fix must not add such a finding.
pub(crate) const UNDEFINED: &str = "F821";
/// The code of the finding for a source that does not parse.
pub(crate) const SYNTAX: &str = "invalid-syntax";

/// Options of a codemod run.
#[derive(Debug, Clone)]
pub struct CodemodQuestion {
    /// Files and folders, relative to the root; empty for those of the settings.
    pub paths: Vec<String>,
    /// The codemods to run; empty for all of them.
    pub only: Vec<Codemod>,
    /// Whether to fix also findings that are waived, or whose annotation has the status `accepted`.
    pub include_accepted: bool,
    /// The day on which waivers must be valid.
    pub today: time::Date,
}

/// The changes that codemods would make.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CodemodPlan {
    /// The files with findings that a codemod can fix, sorted by name.
    pub files: Vec<CodemodFile>,
    /// The files that could not be read as Python. They are not changed.
    pub unparsable: Vec<UnparsableFile>,
    /// The linter and its version.
    pub tool: String,
    /// The linter's messages, without its findings.
    pub warnings: Vec<String>,
}

/// The changes of one file.
#[derive(Debug, Clone, Serialize)]
pub struct CodemodFile {
    /// The file's name, relative to the root.
    pub file: String,
    /// The findings that are fixed.
    pub fixed: Vec<Fix>,
    /// The findings that are not fixed.
    pub skipped: Vec<Skip>,
    /// The number of annotations that become stale, because their findings are fixed.
    pub stale: usize,
    /// The text before the fixes.
    #[serde(skip)]
    pub before: String,
    /// The text after the fixes.
    #[serde(skip)]
    pub after: String,
    /// The maximum number of findings of each rule after the fixes.
    #[serde(skip)]
    pub(crate) left: BTreeMap<String, usize>,
}

/// A finding that is fixed.
#[derive(Debug, Clone, Serialize)]
pub struct Fix {
    /// The codemod's name.
    pub codemod: &'static str,
    /// The rule.
    pub code: String,
    /// The row of the finding in the text that the codemod read.
    pub row: u32,
    /// The linter's message.
    pub message: String,
}

/// A finding that is not fixed.
#[derive(Debug, Clone, Serialize)]
pub struct Skip {
    /// The codemod's name.
    pub codemod: &'static str,
    /// The rule.
    pub code: String,
    /// The row of the finding in the text that the codemod read.
    pub row: u32,
    /// The linter's message.
    pub message: String,
    /// Why it is not fixed.
    pub reason: String,
}

/// A file that could not be read as Python.
#[derive(Debug, Clone, Serialize)]
pub struct UnparsableFile {
    /// The file's name, relative to the root.
    pub file: String,
    /// Why it could not be read.
    pub problem: String,
}

impl CodemodPlan {
    /// Returns the files that change.
    pub fn changed(&self) -> impl Iterator<Item = &CodemodFile> {
        self.files.iter().filter(|file| file.before != file.after)
    }

    /// Returns the number of findings that are fixed.
    #[must_use]
    pub fn fixed(&self) -> usize {
        self.files.iter().map(|file| file.fixed.len()).sum()
    }

    /// Returns the number of findings that are not fixed.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.files.iter().map(|file| file.skipped.len()).sum()
    }

    /// Returns the number of annotations that become stale.
    #[must_use]
    pub fn stale(&self) -> usize {
        self.files.iter().map(|file| file.stale).sum()
    }

    fn changes(&self) -> Vec<FileChange> {
        let change = |file: &CodemodFile| FileChange {
            file: file.file.clone(),
            before: Some(file.before.clone().into_bytes()),
            after: file.after.clone().into_bytes(),
        };
        self.changed().map(change).collect()
    }
}
