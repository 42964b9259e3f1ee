//! Bodies of the LLM routes that are not compatible with OpenAI's.

mod chat;
mod holds;
mod usage;

pub use chat::{LlmAnswer, LlmChat, LlmMessage, LlmStatus, ProviderView};
pub use holds::{
    CreateHold, HoldView, LlmRates, OpenHoldView, ReleaseHold, Released, SettleHold, SettledView,
};
pub use usage::{BudgetView, LlmUsage, QuotaView, UsageGroup, UsageLineView, UsageTotalView};
