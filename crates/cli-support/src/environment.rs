//! The environment of a process and the `.env` of its working directory: the one place where programs read them.
//!
//! What is read, and where a variable may come from, is said in `config.rs` of each program.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, ErrorKind, Read as _};
use std::path::PathBuf;

use anyhow::Context as _;

use crate::dotenv;

/// How much of a `.env` that may be a stranger's is read.
const LARGEST: u64 = 1 << 20;

/// The variables of a program that runs in a folder of its own: those of the process over those of `.env`.
#[derive(Debug, Default)]
pub struct Environment(HashMap<String, String>);

impl Environment {
    /// Reads both. Variables that are not UTF-8 are left out.
    ///
    /// # Errors
    /// When there is a `.env` that can't be read.
    #[expect(clippy::disallowed_methods, reason = "this file is where the environment is read")]
    pub fn read() -> anyhow::Result<Self> {
        let mut all = match std::fs::read_to_string(".env") {
            Ok(text) => dotenv::parse(&text),
            Err(error) if error.kind() == ErrorKind::NotFound => HashMap::new(),
            Err(error) => return Err(error).context("`.env` can't be read"),
        };
        all.extend(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        );
        Ok(Self(all))
    }

    /// These variables and no others.
    #[must_use]
    pub fn of(variables: HashMap<String, String>) -> Self {
        Self(variables)
    }

    /// A variable that is set and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).filter(|value| !value.is_empty()).cloned()
    }
}

/// A variable of the process alone.
///
/// # Errors
/// With its value when that is not UTF-8.
#[expect(clippy::disallowed_methods, reason = "this file is where the environment is read")]
pub fn variable(name: &str) -> Result<Option<String>, OsString> {
    std::env::var_os(name).map(OsString::into_string).transpose()
}

/// The variables of the process, for what it starts.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this file is where the environment is read")]
pub fn variables() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}

/// A variable of a `.env` that may be a stranger's: a link to a device would never end.
///
/// # Errors
/// When there is one that can't be read, or that is no ordinary file.
pub fn variable_of_dotenv(name: &str) -> io::Result<Option<String>> {
    let read = || {
        if !std::fs::metadata(".env")?.is_file() {
            return Err(io::Error::other("it is no ordinary file"));
        }
        let mut text = String::new();
        std::fs::File::open(".env")?.take(LARGEST).read_to_string(&mut text)?;
        Ok(text)
    };
    match read() {
        Ok(text) => Ok(dotenv::parse(&text).remove(name)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The working directory, without links.
///
/// # Errors
/// When it can't be entered.
pub fn working_directory() -> io::Result<PathBuf> {
    std::env::current_dir().and_then(|here| here.canonicalize())
}

/// The folder for what is gone when the program ends (`TMPDIR`).
#[must_use]
pub fn temporary() -> PathBuf {
    std::env::temp_dir()
}
