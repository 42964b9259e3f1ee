//! Bodies of the simple model call (`/llm/chat`) and of the status of providers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::LlmUsage;

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
