//! Bodies of requests and answers, the table of error codes, and conversions to the types of `registry-core`.
//!
//! This crate owns shapes, not rules: a rule that needs more than the syntax of one field is in `registry-core` or in
//! the use case. Every answer type can also be read, so that clients and tests share it.

mod audit;
mod error;
mod health;
mod intent_row;
mod intents;
mod keys;
mod llm;
mod object;
mod pre_pr;

pub use audit::{AuditRow, AuditVerdict, FirstBadRow};
pub use error::{Code, ErrorBody, ErrorDetail};
pub use health::{CheckState, Health, Readiness};
pub use intent_row::IntentRowView;
pub use intents::{
    CreateBatch, CreateIntent, Deleted, IntentCreated, IntentView, Intents, MAX_BATCH, PatchIntent,
    SummaryView,
};
pub use keys::{
    CreateKey, KeyCreated, KeyUsageView, KeyView, PatchKey, QuotaUse, Revoked, RotateKey, ScopeList,
};
pub use llm::{
    BudgetView, CreateHold, HoldView, LlmAnswer, LlmChat, LlmMessage, LlmRates, LlmStatus, LlmUsage,
    OpenHoldView, ProviderView, QuotaView, ReleaseHold, Released, SettleHold, SettledView, UsageGroup,
    UsageLineView, UsageTotalView,
};
pub use object::Object;
pub use pre_pr::{
    MAX_PRE_PR_BYTES, MAX_PRE_PR_CODES, MAX_PRE_PR_FILES, MAX_PRE_PR_PAIRS, PrePrCheck, PrePrResult,
};
