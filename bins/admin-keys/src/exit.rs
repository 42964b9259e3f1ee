//! How a command ends.

use std::process::ExitCode;

use crate::out;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    error: anyhow::Error,
}

impl Failure {
    /// There is no such key: exit code 1. The text that named it is not repeated, because it may be a secret.
    pub fn no_such_key() -> Self {
        Self { code: 1, error: anyhow::anyhow!("there is no such key; `admin-keys list` shows the key ids") }
    }

    /// The command line, or a value in it, makes no sense: exit code 2.
    pub fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 2, error: error.into() }
    }

    /// A file, the network, the server or the credentials stood in the way: exit code 3.
    pub fn trouble(error: impl Into<anyhow::Error>) -> Self {
        Self { code: 3, error: error.into() }
    }
}

/// Tells what went wrong, if anything, and gives the exit code.
pub fn code(end: Result<(), Failure>) -> ExitCode {
    match end {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            out::say(&format!("admin-keys: {:#}", failure.error));
            ExitCode::from(failure.code)
        }
    }
}
