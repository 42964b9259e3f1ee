//! Configuration of model calls: the providers, routes, limits and budgets in the file that `T4_LLM_CONFIG` names.

mod error;
mod fields;
mod parse;
mod provider;
mod raw;

use crate::usage::words;
use crate::{BudgetScope, WindowKind, Zone};
pub use error::ConfigError;
pub(crate) use parse::toml_problem;
pub use provider::{GroqKey, OpenaiKey};
use registry_core::BaseUrl;

words! {
    /// The protocol that a provider speaks.
    ProviderKind {
        /// The OpenAI API, which many other providers offer as well.
        Openai = "openai",
        /// The Anthropic Messages API.
        Anthropic = "anthropic",
    }
}

/// The contents of the file, with defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LlmConfig {
    /// The providers; names are unique.
    pub providers: Vec<ProviderConfig>,
    /// The fallbacks of models.
    pub routes: Vec<RouteConfig>,
    /// The limits of calls.
    pub limits: CallLimits,
    /// Budgets in addition to the `daily_limit` of each key.
    pub budgets: Vec<BudgetRule>,
    /// The model of a call that names none (`POST /llm/chat`): `[defaults] model`, or else the first model of the
    /// first provider.
    pub default_model: Option<String>,
    /// Whether the audit log keeps prompts, redacted and truncated (`[audit] keep_prompts`); off by default.
    pub keep_prompts: bool,
}

/// One provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderConfig {
    /// Its name: 1 to 64 letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// Its protocol.
    pub kind: ProviderKind,
    /// Its base URL.
    pub base_url: BaseUrl,
    /// The environment variable that holds its API key; `None` for a provider that needs no key.
    pub api_key_env: Option<String>,
    /// The models that agents may call.
    pub models: Vec<String>,
    /// The provider whose prices in the price book apply (`priced_as`); by default `name`.
    pub priced_as: String,
    /// The request field that limits the output (`max_tokens_field`). The default is `max_completion_tokens` for
    /// `api.openai.com` and `max_tokens` for all others.
    pub max_tokens_field: String,
    /// The time limit for connecting, in milliseconds (`connect_timeout_ms`, default 2,000).
    pub connect_timeout_ms: u64,
    /// The time limit for the first byte of an answer, in milliseconds (`first_byte_timeout_ms`, default 60,000).
    pub first_byte_timeout_ms: u64,
    /// The time limit between two reads of an answer, in milliseconds (`idle_timeout_ms`, default 60,000).
    pub idle_timeout_ms: u64,
    /// The time limit for a whole attempt, in milliseconds (`total_timeout_ms`, default 600,000).
    pub total_timeout_ms: u64,
}

/// The fallbacks of a model, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteConfig {
    /// The model.
    pub model: String,
    /// The names of providers that list the model. They are tried in this order.
    pub to: Vec<String>,
}

/// Limits of model calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallLimits {
    /// The maximum of output tokens for one choice (`max_tokens`, default 4,096).
    pub max_tokens: u64,
    /// The maximum of concurrent calls of one key (`concurrent_calls_per_key`, default 16).
    pub concurrent_calls_per_key: u32,
    /// How long the rest of an answer is read after its caller has disconnected (`drain_seconds`, default 30).
    pub drain_seconds: u32,
    /// The lease of a hold, which the server renews during the attempt (`lease_seconds`, default 60, at least 2).
    pub lease_seconds: u32,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self { max_tokens: 4096, concurrent_calls_per_key: 16, drain_seconds: 30, lease_seconds: 60 }
    }
}

/// A budget of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetRule {
    /// The party whose spending is limited. Never a key: its budget is its `daily_limit`.
    pub scope: BudgetScope,
    /// The agent or the owner. `*` gives each of them a separate account. For the platform it is always `*`, and there
    /// is one account.
    pub id: String,
    /// The kind of window.
    pub window: WindowKind,
    /// The time zone of the window.
    pub zone: Zone,
    /// The limit, in pico-dollars.
    pub limit_pico_usd: i64,
}

#[cfg(test)]
mod tests;
