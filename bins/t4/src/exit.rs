//! How a command ends.

use std::process::ExitCode;

use crate::out;

/// What a check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All is well: exit code 0.
    Fine,
    /// The check says no: exit code 1.
    No,
}

/// Why there is no verdict.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    error: anyhow::Error,
}

impl Failure {
    /// The command line asks for something that makes no sense: exit code 2.
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 2, error: error.into() }
    }

    /// The network, the server, the credentials, git or a file stood in the way: exit code 3.
    pub fn undecided(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 3, error: error.into() }
    }

    /// The same, told with what it means for the whole.
    pub fn context(self, what: String) -> Self {
        Self { code: self.code, error: self.error.context(what) }
    }
}

/// Tells what went wrong, if anything, and gives the exit code.
pub fn code(end: Result<Verdict, Failure>) -> ExitCode {
    match end {
        Ok(Verdict::Fine) => ExitCode::SUCCESS,
        Ok(Verdict::No) => ExitCode::from(1),
        Err(failure) => {
            out::say(&format!("{:#}", failure.error));
            ExitCode::from(failure.code)
        }
    }
}
