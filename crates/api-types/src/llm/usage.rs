//! Bodies of usage and of what is left of budgets.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Tokens of a call. `prompt_tokens` includes the cached ones, `completion_tokens` the reasoning ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LlmUsage {
    /// All tokens of the input.
    #[schema(maximum = 1_000_000_000_000_u64)]
    pub prompt_tokens: u64,
    /// Those of the input that came from the provider's cache.
    #[serde(default)]
    #[schema(maximum = 1_000_000_000_000_u64)]
    pub cached_tokens: u64,
    /// Those of the input that were written to the provider's cache.
    #[serde(default)]
    #[schema(maximum = 1_000_000_000_000_u64)]
    pub cache_write_tokens: u64,
    /// All tokens of the output.
    #[serde(default)]
    #[schema(maximum = 1_000_000_000_000_u64)]
    pub completion_tokens: u64,
    /// Those of the output that nobody sees.
    #[serde(default)]
    #[schema(maximum = 1_000_000_000_000_u64)]
    pub reasoning_tokens: u64,
}

/// One attempt of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UsageLineView {
    /// When the call was made.
    pub timestamp: String,
    /// Whose key.
    pub key_id: String,
    /// The agent.
    pub agent_id: String,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The model.
    pub model: String,
    /// The provider's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The call; rows of the original service have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// Which attempt of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The tokens.
    pub usage: LlmUsage,
    /// What they cost, in dollars.
    pub cost_usd: f64,
    /// What they cost, in pico-dollars.
    pub cost_pico_usd: i64,
    /// The version of the price book.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_version: Option<String>,
    /// Where the numbers come from: `provider`, `estimated`, `worst_case` or `reported`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// How the attempt ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Whether more came, or was billed, than was asked for.
    pub overrun: bool,
    /// Whether it was settled after its hold had become an orphan.
    pub late: bool,
}

/// What a group of calls used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UsageTotalView {
    /// The agent, model, owner or day (UTC); empty where a row has none.
    pub group: String,
    /// Attempts that reached a provider.
    pub calls: u64,
    /// Their tokens.
    pub usage: LlmUsage,
    /// What they cost, in dollars.
    pub cost_usd: f64,
    /// What they cost, in pico-dollars.
    pub cost_pico_usd: i64,
    /// Of these, how many a person should look at: estimated, at their worst case, overrun or late.
    pub flagged: u64,
}

/// How a budget stands. Amounts come in dollars for people and in pico-dollars (10⁻¹² $) for programs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BudgetView {
    /// `key`, `agent`, `owner` or `platform`.
    pub scope: String,
    /// Whose.
    pub id: String,
    /// `day`, `week` or `month`.
    pub window: String,
    /// The window, such as `2026-11-21`, `2026-W47` or `2026-11`.
    pub window_id: String,
    /// When it began.
    pub starts_at: String,
    /// When it ends.
    pub ends_at: String,
    /// The limit.
    pub limit_usd: f64,
    /// Settled calls.
    pub used_usd: f64,
    /// Calls under way, at their worst case.
    pub held_usd: f64,
    /// What is left.
    pub remaining_usd: f64,
    /// The limit.
    pub limit_pico_usd: i64,
    /// Settled calls.
    pub used_pico_usd: i64,
    /// Calls under way, at their worst case.
    pub held_pico_usd: i64,
    /// What is left.
    pub remaining_pico_usd: i64,
}

/// Whether a call would run, and what would remain. Asking changes nothing.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct QuotaView {
    /// Whether it would run; absent when no model was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub would_run: Option<bool>,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The most that it could cost, in dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_bound_usd: Option<f64>,
    /// The most that it could cost, in pico-dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_bound_pico_usd: Option<i64>,
    /// The `max_tokens` that it would be sent with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// The provider that would be asked first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Every budget that the caller's calls must fit.
    pub budgets: Vec<BudgetView>,
}

/// What usage is summed up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UsageGroup {
    /// Each agent.
    Agent,
    /// Each model.
    Model,
    /// Each owner; empty for none.
    Owner,
    /// Each day, in UTC.
    Day,
}

impl UsageGroup {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Agent, Self::Model, Self::Owner, Self::Day];

    /// The word of the API and of the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Model => "model",
            Self::Owner => "owner",
            Self::Day => "day",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.as_str() == text)
    }
}
