//! How a command ends.

use std::process::ExitCode;

use crate::out;

/// What a check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandVerdict {
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
    /// What was asked for is not there: exit code 1.
    pub fn missing(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 1, error: error.into() }
    }

    /// The command line, or a value in it, asks for something that makes no sense: exit code 2.
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 2, error: error.into() }
    }

    /// The network, the server, the credentials, git or a file stood in the way: exit code 3.
    pub fn trouble(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 3, error: error.into() }
    }

    /// The same, told with what it means for the whole.
    #[must_use]
    pub fn context(self, what: String) -> Self {
        Self { code: self.code, error: self.error.context(what) }
    }
}

/// Tells what went wrong in a program, if anything, and gives the exit code.
#[must_use]
pub fn code(program: &str, end: Result<CommandVerdict, Failure>) -> ExitCode {
    match end {
        Ok(CommandVerdict::Fine) => ExitCode::SUCCESS,
        Ok(CommandVerdict::No) => ExitCode::from(1),
        Err(failure) => {
            out::say(&format!("{program}: {:#}", failure.error));
            ExitCode::from(failure.code)
        }
    }
}
