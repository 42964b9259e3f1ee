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
    /// Input tokens that came from the provider's cache.
    #[serde(default)]
    #[schema(maximum = 1_000_000_000_000_u64)]
    pub cached_tokens: u64,
    /// Input tokens that were written to the provider's cache.
    #[serde(default)]
    #[schema(maximum = 1_000_000_000_000_u64)]
    pub cache_write_tokens: u64,
    /// All tokens of the output.
    #[serde(default)]
    #[schema(maximum = 1_000_000_000_000_u64)]
    pub completion_tokens: u64,
    /// Output tokens of hidden reasoning.
    #[serde(default)]
    #[schema(maximum = 1_000_000_000_000_u64)]
    pub reasoning_tokens: u64,
}

/// Usage of one attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UsageLineView {
    /// Time of the call.
    pub timestamp: String,
    /// Key id.
    pub key_id: String,
    /// The agent.
    pub agent_id: String,
    /// Owner of the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Model.
    pub model: String,
    /// Name of the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Call id; rows of the original service have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// Number of the attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Tokens.
    pub usage: LlmUsage,
    /// Cost, in dollars.
    pub cost_usd: f64,
    /// Cost, in pico-dollars.
    pub cost_pico_usd: i64,
    /// Version of the price book.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_version: Option<String>,
    /// Source of the numbers: `provider`, `estimated`, `worst_case` or `reported`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// How the attempt ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Whether more was delivered or billed than was asked for.
    pub overrun: bool,
    /// Whether it was settled after its hold had become an orphan.
    pub late: bool,
}

/// Sum of usage of one group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UsageTotalView {
    /// Agent, model, owner or day (UTC); empty where a row has none.
    pub group: String,
    /// Number of attempts that reached a provider.
    pub calls: u64,
    /// Tokens of these attempts.
    pub usage: LlmUsage,
    /// Cost, in dollars.
    pub cost_usd: f64,
    /// Cost, in pico-dollars.
    pub cost_pico_usd: i64,
    /// Number of attempts that need attention: estimated, at their worst case, overrun or late.
    pub flagged: u64,
}

/// State of a budget. Amounts are in dollars for people and in pico-dollars (10⁻¹² $) for programs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BudgetView {
    /// `key`, `agent`, `owner` or `platform`.
    pub scope: String,
    /// Key id, agent or owner.
    pub id: String,
    /// `day`, `week` or `month`.
    pub window: String,
    /// Window, such as `2026-11-21`, `2026-W47` or `2026-11`.
    pub window_id: String,
    /// Beginning of the window.
    pub starts_at: String,
    /// End of the window.
    pub ends_at: String,
    /// Limit.
    pub limit_usd: f64,
    /// Settled calls.
    pub used_usd: f64,
    /// Open holds, at their worst case.
    pub held_usd: f64,
    /// What is left.
    pub remaining_usd: f64,
    /// Limit.
    pub limit_pico_usd: i64,
    /// Settled calls.
    pub used_pico_usd: i64,
    /// Open holds, at their worst case.
    pub held_pico_usd: i64,
    /// What is left.
    pub remaining_pico_usd: i64,
}

/// Whether a call would be admitted, and what would remain. The question changes nothing.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct QuotaView {
    /// Whether the call would be admitted; absent when no model was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub would_run: Option<bool>,
    /// Reason why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Worst-case cost, in dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_bound_usd: Option<f64>,
    /// Worst-case cost, in pico-dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_bound_pico_usd: Option<i64>,
    /// `max_tokens` that would be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// Provider that would be called first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Every budget that the caller's calls must fit.
    pub budgets: Vec<BudgetView>,
}

/// Grouping of sums of usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UsageGroup {
    /// By agent.
    Agent,
    /// By model.
    Model,
    /// By owner; empty for none.
    Owner,
    /// By day, in UTC.
    Day,
}

impl UsageGroup {
    /// All groupings.
    pub const ALL: [Self; 4] = [Self::Agent, Self::Model, Self::Owner, Self::Day];

    /// Word of the API and of the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Model => "model",
            Self::Owner => "owner",
            Self::Day => "day",
        }
    }

    /// Parses the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.as_str() == text)
    }
}
