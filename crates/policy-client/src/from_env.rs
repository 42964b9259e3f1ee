//! The agents' environment: the one place of this crate that reads it.

use crate::{Builder, Client, Error, blocking};

/// The variable that names the registry's base URL.
pub const BASE_URL_VARIABLE: &str = "T4_INTENT_API";
/// The variable that holds the agent's key.
pub const API_KEY_VARIABLE: &str = "T4_API_KEY";

impl Builder {
    /// Settings with `T4_INTENT_API` and `T4_API_KEY` where those are set and not empty; what is set on the
    /// builder afterwards wins. No file is read: a `.env` of a checked-out repository could send the key to a
    /// stranger's server.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`] or [`Error::UnusableSecret`] when a variable is not UTF-8.
    ///
    /// ```no_run
    /// # fn example() -> Result<(), policy_client::Error> {
    /// let client = policy_client::Builder::from_env()?.base_url("http://127.0.0.1:8001").build()?;
    /// # drop(client); Ok(())
    /// # }
    /// ```
    pub fn from_env() -> Result<Self, Error> {
        let not_utf8 = Error::InvalidUrl { problem: "in `T4_INTENT_API` is not UTF-8" };
        let url = read(BASE_URL_VARIABLE, not_utf8)?;
        let key = read(API_KEY_VARIABLE, Error::UnusableSecret { what: "API key in `T4_API_KEY`" })?;
        let builder = Self::default();
        let builder = if let Some(url) = url { builder.base_url(url) } else { builder };
        Ok(if let Some(key) = key { builder.api_key(key) } else { builder })
    }
}

impl Client {
    /// A client from `T4_INTENT_API` (default `http://127.0.0.1:8001`) and `T4_API_KEY`.
    ///
    /// # Errors
    /// As [`Builder::from_env`] and [`Builder::build`].
    ///
    /// ```no_run
    /// # fn example() -> Result<(), policy_client::Error> {
    /// let client = policy_client::Client::from_env()?;
    /// # drop(client); Ok(())
    /// # }
    /// ```
    pub fn from_env() -> Result<Self, Error> {
        Builder::from_env()?.build()
    }
}

impl blocking::Client {
    /// A client from `T4_INTENT_API` (default `http://127.0.0.1:8001`) and `T4_API_KEY`.
    ///
    /// # Errors
    /// As [`Builder::from_env`] and [`Builder::build_blocking`].
    ///
    /// ```no_run
    /// # fn example() -> Result<(), policy_client::Error> {
    /// let client = policy_client::blocking::Client::from_env()?;
    /// # drop(client); Ok(())
    /// # }
    /// ```
    pub fn from_env() -> Result<Self, Error> {
        Builder::from_env()?.build_blocking()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place of the crate that reads the environment"
)]
fn read(name: &str, not_utf8: Error) -> Result<Option<String>, Error> {
    match std::env::var_os(name) {
        None => Ok(None),
        Some(value) => match value.into_string() {
            Ok(text) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
            Err(_) => Err(not_utf8),
        },
    }
}
