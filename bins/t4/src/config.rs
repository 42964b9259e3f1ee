//! Settings from the environment: the one place of this program that reads it.
//!
//! Commands that talk to a server read no `.env` file. They run inside checked-out repositories, and a `.env` from a
//! stranger's branch could name a server to send the key to. Commands on the database file send nothing anywhere
//! and read it as the server does.

use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::Context as _;
use instance::{PepperSource, dotenv};
use policy_client::{Builder, Error, blocking};

use crate::exit::Failure;

/// The registry's client: `T4_API_KEY`, and `T4_INTENT_API` unless `api` names the server.
pub fn registry(api: Option<&str>) -> Result<blocking::Client, Failure> {
    let builder = Builder::from_env().map_err(failure)?;
    let builder = if let Some(url) = api { builder.base_url(url) } else { builder };
    builder.build_blocking().map_err(failure)
}

/// What the caller can mend on the command line is wrong usage; the rest could not be decided.
pub fn failure(error: Error) -> Failure {
    match error {
        Error::InvalidUrl { .. } | Error::InvalidArgument { .. } | Error::TooMany { .. } => {
            Failure::usage(error)
        }
        other => Failure::undecided(other),
    }
}

/// The database file: the flag, else `T4_DB`, else the usual place.
pub fn database(flag: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let usual = || PathBuf::from("reports/todos/intent_registry.db");
    Ok(match flag {
        Some(path) => path,
        None => variable("T4_DB")?.map_or_else(usual, PathBuf::from),
    })
}

/// The key pepper: the flag, else `T4_KEY_PEPPER_FILE` or `T4_KEY_PEPPER`, else the file beside the database.
pub fn pepper(flag: Option<PathBuf>) -> Result<PepperSource, Failure> {
    if let Some(path) = flag {
        return Ok(PepperSource::File(path));
    }
    if let Some(path) = variable("T4_KEY_PEPPER_FILE")? {
        return Ok(PepperSource::File(PathBuf::from(path)));
    }
    Ok(variable("T4_KEY_PEPPER")?.map_or(PepperSource::Beside, PepperSource::Text))
}

/// A variable that is set and not empty, in the environment or else in `.env`.
#[expect(clippy::disallowed_methods, reason = "this file is where the environment is read")]
fn variable(name: &str) -> Result<Option<String>, Failure> {
    let value = match std::env::var_os(name) {
        Some(value) => {
            let text = value.into_string().map_err(|_| anyhow::anyhow!("{name} is not UTF-8"));
            Some(text.map_err(Failure::usage)?)
        }
        None => match std::fs::read_to_string(".env") {
            Ok(text) => dotenv::parse(&text).remove(name),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error).context("`.env` can't be read").map_err(Failure::undecided),
        },
    };
    Ok(value.filter(|value| !value.is_empty()))
}
