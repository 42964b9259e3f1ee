//! Runs codemods over a tree: plans what they would change, writes it with a snapshot of what was there, and looks
//! whether it did what it should.

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

/// The rule that tells a name that is used and not there: a fix must not bring one.
pub(crate) const UNDEFINED: &str = "F821";
/// What a source that does not parse is found as.
pub(crate) const SYNTAX: &str = "invalid-syntax";

/// What is asked.
#[derive(Debug, Clone)]
pub struct CodemodQuestion {
    /// Files and folders, from the root; empty takes those of the settings.
    pub paths: Vec<String>,
    /// The codemods to run; empty runs all of them.
    pub only: Vec<Codemod>,
    /// Whether to fix findings too that are waived, or whose annotation says that they stay.
    pub include_accepted: bool,
    /// The day for which waivers are read.
    pub today: time::Date,
}

/// What would be changed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CodemodPlan {
    /// The files that have findings a codemod is for, sorted.
    pub files: Vec<CodemodFile>,
    /// The files that could not be read as Python: they are left alone.
    pub unparsable: Vec<UnparsableFile>,
    /// The linter and its version.
    pub tool: String,
    /// What the linter said beside its findings.
    pub warnings: Vec<String>,
}

/// One file.
#[derive(Debug, Clone, Serialize)]
pub struct CodemodFile {
    /// Its name from the root.
    pub file: String,
    /// What was fixed.
    pub fixed: Vec<Fix>,
    /// What was left alone.
    pub skipped: Vec<Skip>,
    /// How many annotations answer for nothing any more, now that their findings are fixed.
    pub stale: usize,
    /// What stands there.
    #[serde(skip)]
    pub before: String,
    /// What is to stand there.
    #[serde(skip)]
    pub after: String,
    /// How many findings of each rule there may be afterwards.
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
    /// The row of the finding, as the file stood when the codemod came to it.
    pub row: u32,
    /// What the linter says.
    pub message: String,
}

/// A finding that is left alone.
#[derive(Debug, Clone, Serialize)]
pub struct Skip {
    /// The codemod's name.
    pub codemod: &'static str,
    /// The rule.
    pub code: String,
    /// The row of the finding, as the file stood when the codemod came to it.
    pub row: u32,
    /// What the linter says.
    pub message: String,
    /// Why it was left alone.
    pub reason: String,
}

/// A file that could not be read as Python.
#[derive(Debug, Clone, Serialize)]
pub struct UnparsableFile {
    /// Its name from the root.
    pub file: String,
    /// Why.
    pub problem: String,
}

impl CodemodPlan {
    /// The files that change.
    pub fn changed(&self) -> impl Iterator<Item = &CodemodFile> {
        self.files.iter().filter(|file| file.before != file.after)
    }

    /// How many findings are fixed.
    #[must_use]
    pub fn fixed(&self) -> usize {
        self.files.iter().map(|file| file.fixed.len()).sum()
    }

    /// How many findings are left alone.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.files.iter().map(|file| file.skipped.len()).sum()
    }

    /// How many annotations answer for nothing any more.
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
