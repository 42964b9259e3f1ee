//! Checks of one `[[provider]]`, and the providers that are configured without a file.

use std::collections::BTreeSet;

use registry_core::{BaseUrl, BaseUrlFault};

use super::fields::{is_name, is_variable, number};
use super::raw::RawProvider;
use super::{ConfigError, LlmConfig, ProviderConfig, ProviderKind};
use crate::PriceBook;

const CONNECT_MS: u64 = 2000;
const FIRST_BYTE_MS: u64 = 60_000;
const IDLE_MS: u64 = 60_000;
const TOTAL_MS: u64 = 600_000;
/// The largest time limit, in milliseconds: one hour.
const MOST_MS: u64 = 3_600_000;

const OPENAI_URL: &str = "https://api.openai.com/v1";
const OPENAI_MODEL: &str = "gpt-4o-mini";
const GROQ_URL: &str = "https://api.groq.com/openai/v1";
const GROQ_MODEL: &str = "llama-3.3-70b-versatile";

/// Marker that `OPENAI_API_KEY` is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenaiKey<'a> {
    /// The value of `OPENAI_BASE_URL`; `None` for the address of OpenAI.
    pub base_url: Option<&'a str>,
}

/// Marker that `GROQ_API_KEY` is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GroqKey;

impl LlmConfig {
    /// Returns the configuration for an installation without a file. Each key that is set makes a provider with all
    /// models that the price book lists under its name. Without a key there is no provider. Another base URL changes
    /// the address of the provider, but not its prices.
    ///
    /// # Errors
    /// [`ConfigError::Provider`] when the base URL is invalid, or the book lists no model of a provider.
    pub fn from_keys(
        book: &PriceBook,
        openai: Option<OpenaiKey<'_>>,
        groq: Option<GroqKey>,
    ) -> Result<Self, ConfigError> {
        let mut providers = Vec::new();
        let mut default_model = None;
        if let Some(key) = openai {
            let url = key.base_url.unwrap_or(OPENAI_URL);
            providers.push(listed(book, "openai", url, "OPENAI_API_KEY")?);
            default_model = Some(OPENAI_MODEL.to_owned());
        }
        if groq.is_some() {
            providers.push(listed(book, "groq", GROQ_URL, "GROQ_API_KEY")?);
            default_model.get_or_insert(GROQ_MODEL.to_owned());
        }
        Ok(Self { providers, default_model, ..Self::default() })
    }
}

impl ProviderConfig {
    /// Makes a provider that needs no key, with the default time limits. Its prices are those that the price book lists
    /// under its name.
    ///
    /// # Errors
    /// [`ConfigError::Provider`] when the name, the base URL or the models are invalid.
    pub fn new<M: Into<String>>(
        name: impl Into<String>,
        kind: ProviderKind,
        base_url: impl Into<String>,
        models: impl IntoIterator<Item = M>,
    ) -> Result<Self, ConfigError> {
        read_provider(RawProvider {
            name: name.into(),
            kind,
            base_url: base_url.into(),
            api_key_env: None,
            models: models.into_iter().map(Into::into).collect(),
            priced_as: None,
            max_tokens_field: None,
            connect_timeout_ms: None,
            first_byte_timeout_ms: None,
            idle_timeout_ms: None,
            total_timeout_ms: None,
        })
    }

    /// Sets the environment variable that holds the API key of the provider.
    ///
    /// # Errors
    /// [`ConfigError::Provider`] when the text is not the name of a variable. It may be a key that was pasted by
    /// mistake, so the error does not repeat it.
    pub fn key_from(self, variable: impl Into<String>) -> Result<Self, ConfigError> {
        let variable = variable.into();
        match check_variable(&variable) {
            Ok(()) => Ok(Self { api_key_env: Some(variable), ..self }),
            Err(what) => Err(ConfigError::Provider { name: self.name, what }),
        }
    }
}

/// Checks the name of an environment variable. The error does not repeat the text: it may be a key that was pasted by
/// mistake, and errors are logged.
fn check_variable(variable: &str) -> Result<(), String> {
    if is_variable(variable) {
        return Ok(());
    }
    Err(format!(
        "`api_key_env` must be the name of an environment variable in capitals, not the key itself; got {} bytes that \
         are not such a name",
        variable.len()
    ))
}

/// Returns a provider with all models that the book lists under its name.
fn listed(book: &PriceBook, name: &str, url: &str, key: &str) -> Result<ProviderConfig, ConfigError> {
    let models = book.entries().filter(|entry| entry.provider == name).map(|entry| entry.model.clone());
    ProviderConfig::new(name, ProviderKind::Openai, url, models)?.key_from(key)
}

/// Checks a provider and fills in its defaults.
pub fn read_provider(raw: RawProvider) -> Result<ProviderConfig, ConfigError> {
    let name = raw.name.clone();
    checked(raw).map_err(|what| ConfigError::Provider { name, what })
}

fn checked(raw: RawProvider) -> Result<ProviderConfig, String> {
    if !is_name(&raw.name) {
        return Err("`name` must be 1 to 64 letters, digits, `.`, `_` and `-`".to_owned());
    }
    let priced_as = raw.priced_as.unwrap_or_else(|| raw.name.clone());
    if !is_name(&priced_as) {
        return Err("`priced_as` must be 1 to 64 letters, digits, `.`, `_` and `-`".to_owned());
    }
    let base_url = BaseUrl::parse(&raw.base_url).map_err(|fault| {
        format!(
            "`base_url` must be an address such as `{OPENAI_URL}`; this one {}{}",
            fault.problem(),
            if fault == BaseUrlFault::Credentials { " (name the key in `api_key_env`)" } else { "" }
        )
    })?;
    raw.api_key_env.as_deref().map_or(Ok(()), check_variable)?;
    let mut seen = BTreeSet::new();
    for model in &raw.models {
        if model.is_empty() || model.len() > 256 || model.chars().any(|c| c.is_control() || c.is_whitespace())
        {
            return Err(format!("`models` must list names of models, got `{}`", model.escape_debug()));
        }
        if !seen.insert(model) {
            return Err(format!("`models` lists `{model}` twice"));
        }
    }
    if raw.models.is_empty() {
        return Err("`models` is empty; it must list the models that agents may call".to_owned());
    }
    let max_tokens_field = match raw.max_tokens_field {
        Some(field) if MAX_TOKENS_FIELDS.contains(&field.as_str()) => field,
        Some(field) => {
            let [old, new] = MAX_TOKENS_FIELDS;
            return Err(format!(
                "`max_tokens_field` must be `{old}` or `{new}`, got `{}`",
                field.escape_debug()
            ));
        }
        // OpenAI's newer models refuse the old name, while most compatible providers know only the old one.
        None if base_url.host() == "api.openai.com" => "max_completion_tokens".to_owned(),
        None => "max_tokens".to_owned(),
    };
    let time = |field: &str, value, standard| {
        number(value, standard, 1, MOST_MS).map_err(|what| format!("`{field}` {what}"))
    };
    Ok(ProviderConfig {
        name: raw.name,
        kind: raw.kind,
        base_url,
        api_key_env: raw.api_key_env,
        models: raw.models,
        priced_as,
        max_tokens_field,
        connect_timeout_ms: time("connect_timeout_ms", raw.connect_timeout_ms, CONNECT_MS)?,
        first_byte_timeout_ms: time("first_byte_timeout_ms", raw.first_byte_timeout_ms, FIRST_BYTE_MS)?,
        idle_timeout_ms: time("idle_timeout_ms", raw.idle_timeout_ms, IDLE_MS)?,
        total_timeout_ms: time("total_timeout_ms", raw.total_timeout_ms, TOTAL_MS)?,
    })
}

/// The names of the request field that limits the output.
const MAX_TOKENS_FIELDS: [&str; 2] = ["max_tokens", "max_completion_tokens"];
