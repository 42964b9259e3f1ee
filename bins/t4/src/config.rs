//! Settings from the environment: the one place of this program that reads it.
//!
//! A `.env` file is not read. These commands run inside checked-out repositories, and a `.env` from a stranger's
//! branch could name a server to send the key to.

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
