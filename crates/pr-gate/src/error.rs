//! Why something could not be done.

use std::io;
use std::path::Path;

/// Why something could not be done. The text says what to do about it where that is not evident.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked for makes no sense (exit code 2).
    #[error("{0}")]
    Usage(String),
    /// The tree: a file, git or a name stood in the way.
    #[error(transparent)]
    Tree(#[from] source_tree::Error),
    /// A program could not be run, or failed.
    #[error("{program}: {problem}")]
    Program {
        /// Its name.
        program: String,
        /// What it said, or what is missing and how to get it.
        problem: String,
    },
    /// Something that was read is not what it should be.
    #[error("{what}: {problem}")]
    Unreadable {
        /// Which file, or whose output.
        what: String,
        /// What is wrong and what is expected.
        problem: String,
    },
    /// The state of the tree forbids it: nothing was changed.
    #[error("{0}")]
    Refused(String),
}

impl Error {
    /// For `map_err` on what is done to a file.
    pub fn file(path: &Path, problem: &'static str) -> impl FnOnce(io::Error) -> Self {
        let file = source_tree::Error::file(path, problem);
        move |source| Self::Tree(file(source))
    }

    /// A waiver file, a setting, an output that is not what it should be.
    pub fn unreadable(what: impl Into<String>, problem: impl std::fmt::Display) -> Self {
        Self::Unreadable { what: what.into(), problem: problem.to_string() }
    }

    /// Whether the caller can mend it on the command line.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Usage(_) => true,
            Self::Tree(error) => error.is_usage(),
            Self::Program { .. } | Self::Unreadable { .. } | Self::Refused(_) => false,
        }
    }
}
