//! Providers, routes, limits and budgets: what an operator writes into `T4_LLM_CONFIG`.

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
        /// OpenAI's, or any endpoint that is compatible with it.
        Openai = "openai",
        /// Anthropic Messages.
        Anthropic = "anthropic",
    }
}

/// Everything that the file says, with the defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LlmConfig {
    /// Where calls may go; names are unique.
    pub providers: Vec<ProviderConfig>,
    /// Fallbacks.
    pub routes: Vec<RouteConfig>,
    /// Caps.
    pub limits: CallLimits,
    /// Budgets beside each key's own.
    pub budgets: Vec<BudgetRule>,
    /// The model of a call that names none (`POST /llm/chat`): `[defaults] model`, else the first of the first
    /// provider.
    pub default_model: Option<String>,
    /// Whether prompts are kept in the audit log (`[audit] keep_prompts`), redacted and bounded; off by default.
    pub keep_prompts: bool,
}

/// One endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderConfig {
    /// Its name: 1 to 64 letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// Its protocol.
    pub kind: ProviderKind,
    /// Where it is.
    pub base_url: BaseUrl,
    /// The environment variable that has its key; `None` for an endpoint that wants none.
    pub api_key_env: Option<String>,
    /// What agents may ask for.
    pub models: Vec<String>,
    /// The provider whose prices in the book hold (`priced_as`); its own name by default.
    pub priced_as: String,
    /// The name of the field that bounds the output (`max_tokens_field`): `max_completion_tokens` for
    /// `api.openai.com`, else `max_tokens`, unless the file says otherwise.
    pub max_tokens_field: String,
    /// How long a connection may take, in milliseconds (`connect_timeout_ms`, 2,000).
    pub connect_timeout_ms: u64,
    /// How long the first byte of an answer may take (`first_byte_timeout_ms`, 60,000).
    pub first_byte_timeout_ms: u64,
    /// How long the next byte may take (`idle_timeout_ms`, 60,000).
    pub idle_timeout_ms: u64,
    /// How long all may take (`total_timeout_ms`, 600,000).
    pub total_timeout_ms: u64,
}

/// Ordered fallbacks of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteConfig {
    /// The model.
    pub model: String,
    /// Names of providers that have it, in order.
    pub to: Vec<String>,
}

/// Caps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallLimits {
    /// The most output tokens of one choice (`max_tokens`, 4,096).
    pub max_tokens: u64,
    /// The most calls of one key at a time (`concurrent_calls_per_key`, 16).
    pub concurrent_calls_per_key: u32,
    /// How long the rest of an answer is read after its caller has gone (`drain_seconds`, 30).
    pub drain_seconds: u32,
    /// How long a hold lives unless its server renews it (`lease_seconds`, 60, at least 2).
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
    /// Whose spending; never a key, whose budget is its `daily_limit`.
    pub scope: BudgetScope,
    /// The agent or owner; `*` means each by itself. For the platform it is `*` and one account.
    pub id: String,
    /// The kind of window.
    pub window: WindowKind,
    /// The calendar.
    pub zone: Zone,
    /// The limit, in pico-dollars.
    pub limit_pico_usd: i64,
}

#[cfg(test)]
mod tests;
