//! Codemods: fixes of Python sources that ruff can't make, on a lossless syntax tree.
//!
//! A codemod acts only on the findings that it is given. Its input and output are texts. A fix is a list of byte
//! edits, so that everything outside of them stays as it was. The crate has no files and starts no programs. A source
//! that does not parse is an error. A finding that can't be fixed safely is skipped with the reason.

mod call_in_default;
mod class_attribute;
mod import_star;
mod insertion;
mod job;
mod parser_limits;
mod plan;
mod positions;
mod reraise;
mod task_reference;
#[cfg(test)]
mod tests;
mod tree;
mod unused_import;

use std::fmt;
use std::ops::Range;

/// A finding to fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodemodTarget {
    /// The rule, such as `F401`.
    pub code: String,
    /// What the linter says; some rules name their subject only here.
    pub message: String,
    /// The row where it begins, from 1. Rows end at LF, CR LF or CR.
    pub row: u32,
    /// The column where it begins, in characters, from 1.
    pub column: u32,
    /// The row where it ends.
    pub end_row: u32,
    /// The column where it ends: the first place after it.
    pub end_column: u32,
}

/// The fixes there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codemod {
    /// F401: takes an unused import out, an alias or one name of many included.
    UnusedImport,
    /// F403: names what a star import is used for. Reads F405 findings for the names.
    ImportStar,
    /// RUF012: annotates a mutable class attribute as `ClassVar`.
    MutableClassAttribute,
    /// B904: adds `from` to a raise inside an except clause.
    ReraiseFrom,
    /// B008: moves a call out of an argument default.
    CallInDefault,
    /// RUF006: keeps a reference to a task.
    TaskReference,
}

/// One change: these bytes become that text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceEdit {
    /// Which bytes go.
    pub range: Range<usize>,
    /// What stands there afterwards.
    pub text: String,
}

/// What a codemod did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fixed {
    /// The source afterwards; the same as before when nothing was fixed. It parses.
    pub source: String,
    /// The targets (by their place in the list) that were fixed.
    pub fixed: Vec<usize>,
    /// The targets that were left alone, and why.
    pub skipped: Vec<(usize, String)>,
}

/// A source that does not parse: it is left alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the source does not parse: {0}")]
pub struct Unparsable(pub String);

impl Codemod {
    /// Every codemod, in the order in which they run.
    pub const ALL: [Self; 6] = [
        Self::ImportStar,
        Self::UnusedImport,
        Self::MutableClassAttribute,
        Self::ReraiseFrom,
        Self::CallInDefault,
        Self::TaskReference,
    ];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnusedImport => "unused-import",
            Self::ImportStar => "import-star",
            Self::MutableClassAttribute => "mutable-class-attribute",
            Self::ReraiseFrom => "reraise-from",
            Self::CallInDefault => "call-in-default",
            Self::TaskReference => "task-reference",
        }
    }

    /// The rule whose findings it fixes.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnusedImport => "F401",
            Self::ImportStar => "F403",
            Self::MutableClassAttribute => "RUF012",
            Self::ReraiseFrom => "B904",
            Self::CallInDefault => "B008",
            Self::TaskReference => "RUF006",
        }
    }

    /// Further rules whose findings it reads.
    #[must_use]
    pub const fn also_reads(self) -> &'static [&'static str] {
        match self {
            Self::ImportStar => &["F405"],
            Self::UnusedImport
            | Self::MutableClassAttribute
            | Self::ReraiseFrom
            | Self::CallInDefault
            | Self::TaskReference => &[],
        }
    }

    /// What it does, in a line.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::UnusedImport => "removes unused imports",
            Self::ImportStar => "names what a star import is used for",
            Self::MutableClassAttribute => "annotates mutable class attributes as ClassVar",
            Self::ReraiseFrom => "adds `from` to a raise in an except clause",
            Self::CallInDefault => "moves calls out of argument defaults",
            Self::TaskReference => "keeps a reference to a background task",
        }
    }

    /// The codemod of a name or a code.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == text || one.code() == text)
    }

    /// Fixes what can be fixed safely. Targets of other codes are skipped.
    ///
    /// # Errors
    /// [`Unparsable`] when the source is not Python that can be read.
    pub fn fix(self, source: &str, targets: &[CodemodTarget]) -> Result<Fixed, Unparsable> {
        plan::run(self, source, targets)
    }
}

impl fmt::Display for Codemod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
