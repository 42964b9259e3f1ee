//! Settings from the environment: the only module of this program that reads it.
//!
//! The server's address comes from the environment or a flag, never from a `.env` file: the program runs inside
//! checked-out repositories, and the `.env` of a stranger's branch could send the key to another server. Settings
//! that name no server are read from `.env` as the server reads them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use instance::PepperSource;
use outbound::{GitHub, GitHubError};
use policy_client::{Builder, Error, blocking};
use source_tree::Launcher;

use cli_support::{Failure, environment};

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
            Some(text.with_context(what).map_err(Failure::trouble)?)
        }
        None => variable("T4_ADMIN_TOKEN")?,
    };
    let token = token.filter(|token| !token.trim().is_empty()).ok_or_else(|| {
        Failure::trouble(anyhow!(
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
        other => Failure::trouble(other),
    }
}

/// The working directory, without links.
pub fn here() -> Result<PathBuf, Failure> {
    let here = environment::working_directory();
    here.context("the working directory can't be entered").map_err(Failure::trouble)
}

/// What starts git and linters in the tree around a folder: without T4's own variables.
pub fn launcher(folder: &Path) -> Launcher {
    Launcher::new(folder, environment::variables())
}

/// The folder for what is gone when the program ends (`TMPDIR`).
pub fn temporary() -> PathBuf {
    environment::temporary()
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

/// GitHub's token: `GITHUB_TOKEN`, else `GH_TOKEN`. From the environment alone: a `.env` of a checked-out tree could make
/// somebody act as somebody else.
pub fn github_token() -> Result<Option<String>, Failure> {
    for name in ["GITHUB_TOKEN", "GH_TOKEN"] {
        if let Some(token) = of_process(name)?.filter(|token| !token.trim().is_empty()) {
            return Ok(Some(token));
        }
    }
    Ok(None)
}

/// The client of GitHub's API at an address, which needs a token.
pub fn github(api: &str) -> Result<GitHub, Failure> {
    let token = github_token()?.ok_or_else(|| {
        Failure::trouble(anyhow!("this takes a token of GitHub: set GITHUB_TOKEN (or GH_TOKEN)"))
    })?;
    GitHub::new(api, &token).map_err(github_failure)
}

/// An address or a token that can't be used is wrong usage; the rest could not be decided.
pub fn github_failure(error: GitHubError) -> Failure {
    match error {
        GitHubError::Address { .. } | GitHubError::Token | GitHubError::Call { .. } => Failure::usage(error),
        other => Failure::trouble(other),
    }
}

/// A variable of the environment.
fn of_process(name: &str) -> Result<Option<String>, Failure> {
    environment::variable(name).map_err(|_| Failure::usage(anyhow!("{name} is not UTF-8")))
}

/// A variable that is set and not empty, in the environment or else in `.env`.
fn variable(name: &str) -> Result<Option<String>, Failure> {
    let value = match of_process(name)? {
        Some(value) => Some(value),
        None => {
            environment::variable_of_dotenv(name).context("`.env` can't be read").map_err(Failure::trouble)?
        }
    };
    Ok(value.filter(|value| !value.is_empty()))
}
