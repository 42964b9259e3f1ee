//! Bodies of the simple model call (`/llm/chat`) and of the status of providers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::LlmUsage;

/// Provider as agents see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProviderView {
    /// Name.
    pub name: String,
    /// Protocol.
    pub kind: String,
    /// Models that agents may call.
    pub models: Vec<String>,
    /// `closed` (calls are sent), `open` (it failed too often and is not called) or `half_open` (one call tests it).
    pub breaker: String,
}

/// Whether model calls can be made, and to which providers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LlmStatus {
    /// Whether there is a provider.
    pub configured: bool,
    /// Model of a call that names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_default: Option<String>,
    /// Version of the price book.
    pub price_version: String,
    /// Providers.
    pub providers: Vec<ProviderView>,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LlmMessage {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// Text.
    pub content: String,
}

/// Simple model call: a prompt, or messages.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LlmChat {
    /// Prompt; either this or `messages`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Conversation; either this or `prompt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<LlmMessage>>,
    /// Model; the server's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Temperature, 0 to 2; 0 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 2)]
    pub temperature: Option<f64>,
    /// Maximum output, in tokens; filled in when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000_000_000_u64)]
    pub max_tokens: Option<u64>,
}

/// Answer to a simple model call.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LlmAnswer {
    /// The answer.
    pub text: String,
    /// Model that was called.
    pub model: String,
    /// Provider that answered.
    pub provider: String,
    /// Call id.
    pub call_id: String,
    /// Reason why the answer ended: `stop`, `length` and others of the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// `max_tokens` that was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// Tokens that it used.
    pub usage: LlmUsage,
    /// Cost, in dollars.
    pub cost_usd: f64,
    /// Cost, in pico-dollars.
    pub cost_pico_usd: i64,
    /// What is left of the tightest budget, in dollars.
    pub budget_remaining_usd: f64,
}
