//! Settings from the environment: the one place of this program that reads it.
//!
//! Where the server is comes from the environment or a flag, never from a `.env` file: the program runs inside
//! checked-out repositories, and a `.env` from a stranger's branch could name a server to send the key to. What names
//! no server is read from it as the server itself does.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use instance::{PepperSource, dotenv};
use policy_client::{Builder, Error, blocking};

use crate::exit::Failure;

/// The registry's client: `T4_API_KEY`, and `T4_INTENT_API` unless `api` names the server.
pub fn registry(api: Option<&str>) -> Result<blocking::Client, Failure> {
    let builder = Builder::from_env().map_err(failure)?;
    let builder = if let Some(url) = api { builder.base_url(url) } else { builder };
    builder.build_blocking().map_err(failure)
}

/// The registry's client of an admin: the token from the file, else `T4_ADMIN_TOKEN`; the server as for
/// [`registry`].
pub fn admin(api: Option<&str>, token_file: Option<&Path>) -> Result<blocking::AdminClient, Failure> {
    let token = match token_file {
        Some(path) => {
            let text = std::fs::read_to_string(path);
            let what = || format!("the token file `{}` can't be read", path.display());
            Some(text.with_context(what).map_err(Failure::undecided)?)
        }
        None => variable("T4_ADMIN_TOKEN")?,
    };
    let token = token.filter(|token| !token.trim().is_empty()).ok_or_else(|| {
        Failure::undecided(anyhow!(
            "this takes the admin token: set T4_ADMIN_TOKEN, or give --admin-token-file"
        ))
    })?;
    let builder = Builder::from_env().map_err(failure)?.admin_token(token);
    let builder = if let Some(url) = api { builder.base_url(url) } else { builder };
    builder.build_admin_blocking().map_err(failure)
}

/// The file of prices that is laid over the built-in ones: the flag, else `T4_PRICES`, else none.
pub fn prices(flag: Option<PathBuf>) -> Result<Option<PathBuf>, Failure> {
    Ok(match flag {
        Some(path) => Some(path),
        None => variable("T4_PRICES")?.map(PathBuf::from),
    })
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
            let text = value.into_string().map_err(|_| anyhow!("{name} is not UTF-8"));
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
