//! Use cases of T4, in a folder for each resource. Each write has a file; the reads of a resource share one.
//!
//! This crate owns what happens, in which order, and who may do it. It has no HTTP and no SQL. Callers arrive as
//! [`OpContext`]s, which only [`authenticate_agent`] and [`authenticate_admin`] create, and data goes through the
//! traits of `storage`. Reads are plain functions; the HTTP layer decides on which thread they run.

mod audit;
mod auth;
mod context;
mod error;
mod idempotency;
mod intents;
pub mod jobs;
mod keys;
mod llm;
mod page;
mod probes;
mod quotas;
mod services;
mod stored;

pub use api_keys::{MAX_QUOTA, QuotaLimits};

pub use crate::audit::{
    AuditMode, Recorder, SnapshotReader, list_audit, verify_audit, verify_log, verify_tail,
};
pub use auth::{
    AdminToken, AdminTokenError, AdmittedCaller, KeyCache, KnownKey, RefusedCaller, StaticKeyError,
    StaticKeys, authenticate_admin, authenticate_agent, authenticate_settling_agent,
};
pub use context::{AdminCaller, AgentCaller, OpContext};
pub use error::ServiceError;
pub use idempotency::Idempotency;
pub use intents::{
    CreatedIntent, VersionedItem, create_batch, create_intent, delete_intent, get_intent, list_by_file,
    list_by_owner, list_intents, list_stale, pre_pr_check, small_list_by_file, small_list_by_owner,
    small_list_stale, summarize, update_intent,
};
pub use keys::{create_key, list_keys, revoke_key, rotate_key, update_key};
pub use llm::{
    AbandonedHolds, CallSlot, CallSlots, LlmRules, LocalLedger, PossibleCall, RunningCalls, Whose,
    create_hold, list_holds, list_usage, quota, release_hold, settle_hold, summarize_usage,
};
pub use page::{CursorKey, ListPage, ListText, PageRequest};
pub use probes::readiness;
pub use services::{AuditServices, AuthServices, LlmServices, ServiceSettings, Services};
