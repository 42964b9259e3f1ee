//! Error of an operation on a source tree or by the gate.

use std::io;
use std::path::{Path, PathBuf};

/// Why something could not be done. The text says what to do about it where that is not evident.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked for makes no sense (exit code 2).
    #[error("{0}")]
    Usage(String),
    /// A file stood in the way.
    #[error("`{}` {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What could not be done, such as `can't be read`.
        problem: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
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
        let path = path.to_owned();
        move |source| Self::File { path, problem, source }
    }

    /// A waiver file, a setting, an output that is not what it should be.
    pub fn unreadable(what: impl Into<String>, problem: impl std::fmt::Display) -> Self {
        Self::Unreadable { what: what.into(), problem: problem.to_string() }
    }

    /// Whether the caller can mend it on the command line.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Usage(_))
    }
}
