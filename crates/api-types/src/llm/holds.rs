//! Bodies of holds, for agents that call a provider themselves.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::LlmUsage;

/// Body of a hold, for a call that the agent will make itself: its worst case is held.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateHold {
    /// Call id, unique for the key: 1 to 64 letters, digits, `_` and `-`; minted when absent. The same body again
    /// returns the same hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    pub call_id: Option<String>,
    /// Number of the attempt, from 1; 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub attempt: Option<u32>,
    /// `chat` (when absent) or `embeddings`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Provider under whose name the price book lists the model.
    #[schema(min_length = 1, max_length = 200)]
    pub provider: String,
    /// Model.
    #[schema(min_length = 1, max_length = 200)]
    pub model: String,
    /// Upper bound of the input, in tokens.
    #[schema(maximum = 1_000_000_000_000_u64)]
    pub input_tokens: u64,
    /// `max_tokens` of each answer; when absent, it is filled in and must be sent as answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000_000_000_u64)]
    pub max_tokens: Option<u64>,
    /// Number of answers (`n`); 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 128)]
    pub choices: Option<u32>,
    /// Lease of the hold, in seconds; 600 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 2, maximum = 3600)]
    pub lease_seconds: Option<u32>,
}

/// Prices in pico-dollars (10⁻¹² $) per token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LlmRates {
    /// Input.
    pub input: u64,
    /// Input from the provider's cache.
    pub cached_input: u64,
    /// Input written to the provider's cache.
    pub cache_write: u64,
    /// Output.
    pub output: u64,
    /// Number of input tokens above which the `long_` prices apply to the whole call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_above: Option<u64>,
    /// Input of a long call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_input: Option<u64>,
    /// Cached input of a long call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_cached_input: Option<u64>,
    /// Input of a long call written to the cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_cache_write: Option<u64>,
    /// Output of a long call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_output: Option<u64>,
}

/// A hold: the call may be made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HoldView {
    /// Its name among the holds of the key, for settle and release.
    pub hold_id: String,
    /// The call.
    pub call_id: String,
    /// Which attempt of it.
    pub attempt: u32,
    /// The `max_tokens` that must be sent with the call; absent where there is no output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// What is held, in dollars.
    pub held_usd: f64,
    /// What is held, in pico-dollars.
    pub held_pico_usd: i64,
    /// What the tightest budget allows besides, in dollars.
    pub remaining_usd: f64,
    /// What the tightest budget allows besides, in pico-dollars.
    pub remaining_pico_usd: i64,
    /// The version of the price book.
    pub price_version: String,
    /// Prices of the settlement.
    pub rates: LlmRates,
    /// Time at which the hold is settled at its worst case unless the agent settles it.
    pub lease_until: String,
}

/// Body of a settlement: what a call used.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettleHold {
    /// Numbers of the provider; when absent, the call is settled at its worst case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<LlmUsage>,
    /// Whether the agent counted the numbers because the provider returned none.
    #[serde(default)]
    pub estimated: bool,
    /// How the call ended: `ok` (when absent), `provider_error`, `timeout`, `broken`, `bad_answer` or `client_gone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// HTTP status of the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 100, maximum = 599)]
    pub provider_status: Option<u16>,
    /// Provider's id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub provider_request_id: Option<String>,
    /// Time from sending the request to the first byte, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte_micros: Option<u64>,
    /// Time from sending the request to the end, in microseconds.
    #[serde(default)]
    pub total_micros: u64,
}

/// Settled hold.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SettledView {
    /// Hold id.
    pub hold_id: String,
    /// Cost, in dollars.
    pub cost_usd: f64,
    /// Cost, in pico-dollars.
    pub cost_pico_usd: i64,
    /// Tokens.
    pub usage: LlmUsage,
    /// `provider`, `estimated`, `worst_case` or `reported`.
    pub source: String,
    /// Whether more was delivered or billed than was asked for.
    pub overrun: bool,
    /// What is left of the tightest budget, in dollars.
    pub remaining_usd: f64,
    /// What is left of the tightest budget, in pico-dollars.
    pub remaining_pico_usd: i64,
}

/// Body of a release: why the request surely never reached the provider.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseHold {
    /// `not_sent` (when absent) or `not_connected`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Answer to a release.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Released {
    /// Always true.
    pub released: bool,
}

/// Open hold, or an orphan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OpenHoldView {
    /// Hold id.
    pub hold_id: String,
    /// Key id.
    pub key_id: String,
    /// The agent.
    pub agent_id: String,
    /// Name of the provider.
    pub provider: String,
    /// Model.
    pub model: String,
    /// Held amount, in dollars; an orphan's amount was settled.
    pub held_usd: f64,
    /// Held amount, in pico-dollars.
    pub held_pico_usd: i64,
    /// Time of creation.
    pub created_at: String,
    /// Time at which it becomes an orphan.
    pub lease_until: String,
    /// Whether it was settled at its worst case because its lease had ended.
    pub orphaned: bool,
}
