//! Bodies of the LLM routes beside the OpenAI-compatible ones.

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

/// A call that the agent will make itself: its worst case is held.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateHold {
    /// The name of the call, 1 to 64 letters, digits, `_` and `-`; minted when absent. The same body again gives the
    /// same hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    pub call_id: Option<String>,
    /// Which attempt of the call, from 1; 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub attempt: Option<u32>,
    /// `chat` (when absent) or `embeddings`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The provider under whose name the price book lists the model.
    #[schema(min_length = 1, max_length = 200)]
    pub provider: String,
    /// The model.
    #[schema(min_length = 1, max_length = 200)]
    pub model: String,
    /// An upper bound of the input, in tokens.
    #[schema(maximum = 1_000_000_000_000_u64)]
    pub input_tokens: u64,
    /// The `max_tokens` of each answer; when absent it is filled in and must be sent as answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000_000_000_u64)]
    pub max_tokens: Option<u64>,
    /// How many answers (`n`); 1 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 128)]
    pub choices: Option<u32>,
    /// How long the hold lives, in seconds; 600 when absent.
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
    /// Input tokens above which the `long_` prices hold for the whole call.
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
    /// Its name, for settle and release.
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
    /// The prices of the settlement.
    pub rates: LlmRates,
    /// When the hold is settled at its worst case unless the agent settles it.
    pub lease_until: String,
}

/// What a call used.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettleHold {
    /// The provider's own numbers; when absent the call is settled at its worst case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<LlmUsage>,
    /// Whether the numbers were counted by the agent because the provider gave none.
    #[serde(default)]
    pub estimated: bool,
    /// How the call ended: `ok` (when absent), `provider_error`, `timeout`, `broken`, `bad_answer` or `client_gone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// The provider's HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 100, maximum = 599)]
    pub provider_status: Option<u16>,
    /// The provider's own name of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub provider_request_id: Option<String>,
    /// From the request's departure to the first byte, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte_micros: Option<u64>,
    /// From the request's departure to the end, in microseconds.
    #[serde(default)]
    pub total_micros: u64,
}

/// A settled hold.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SettledView {
    /// Its name.
    pub hold_id: String,
    /// What the call cost, in dollars.
    pub cost_usd: f64,
    /// What the call cost, in pico-dollars.
    pub cost_pico_usd: i64,
    /// What it used.
    pub usage: LlmUsage,
    /// `provider`, `estimated`, `worst_case` or `reported`.
    pub source: String,
    /// Whether more came, or was billed, than was asked for.
    pub overrun: bool,
    /// What the tightest budget allows now, in dollars.
    pub remaining_usd: f64,
    /// What the tightest budget allows now, in pico-dollars.
    pub remaining_pico_usd: i64,
}

/// Why a hold is given back: the request surely never reached the provider.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseHold {
    /// `not_sent` (when absent) or `not_connected`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A hold that was given back.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Released {
    /// Always true.
    pub released: bool,
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

/// A call under way, or an orphan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OpenHoldView {
    /// Its name.
    pub hold_id: String,
    /// Whose key.
    pub key_id: String,
    /// The agent.
    pub agent_id: String,
    /// The provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// What is held, in dollars; an orphan's was settled.
    pub held_usd: f64,
    /// What is held, in pico-dollars.
    pub held_pico_usd: i64,
    /// When it was made.
    pub created_at: String,
    /// When it becomes an orphan.
    pub lease_until: String,
    /// Whether it was settled at its worst case because nobody settled it in time.
    pub orphaned: bool,
}

/// A provider as agents see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProviderView {
    /// Its name.
    pub name: String,
    /// Its protocol.
    pub kind: String,
    /// What agents may ask for.
    pub models: Vec<String>,
    /// `closed` (calls go there), `open` (it failed too often and is left alone) or `half_open` (one call tries).
    pub breaker: String,
}

/// Whether calls can be made, and where they would go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LlmStatus {
    /// Whether there is a provider.
    pub configured: bool,
    /// The model of a call that names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_default: Option<String>,
    /// The version of the price book.
    pub price_version: String,
    /// The providers.
    pub providers: Vec<ProviderView>,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LlmMessage {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// The text.
    pub content: String,
}

/// A simple call: a prompt, or messages.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LlmChat {
    /// What to answer; either this or `messages`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// A conversation; either this or `prompt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<LlmMessage>>,
    /// The model; the server's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// 0 to 2; 0 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 2)]
    pub temperature: Option<f64>,
    /// The most output, in tokens; filled in when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000_000_000_u64)]
    pub max_tokens: Option<u64>,
}

/// The answer to a simple call.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LlmAnswer {
    /// The answer.
    pub text: String,
    /// The model that was asked.
    pub model: String,
    /// The provider that answered.
    pub provider: String,
    /// The call.
    pub call_id: String,
    /// Why the answer ended: `stop`, `length` and others of the provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// The `max_tokens` that was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// What it used.
    pub usage: LlmUsage,
    /// What it cost, in dollars.
    pub cost_usd: f64,
    /// What it cost, in pico-dollars.
    pub cost_pico_usd: i64,
    /// What the tightest budget allows now, in dollars.
    pub budget_remaining_usd: f64,
}
