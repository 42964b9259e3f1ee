//! The routes of model calls: OpenAI's own below `v1`, a simple surface beside it, and the ledger for agents that
//! call a provider themselves.

mod admin_summary;
mod admin_usage;
mod amount;
mod body_memory;
mod call;
mod chat;
mod failure;
mod filter;
mod holds;
mod metrics;
mod quota;
mod status;
mod summary;
mod usage;
mod v1;

pub use body_memory::Room;
pub(crate) use metrics::LlmMetrics;
pub(crate) use v1::{OpenaiErrorBody, speaks_openai};

use crate::endpoint::Endpoint;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    let mut all = v1::endpoints();
    all.extend([
        status::endpoint(),
        chat::endpoint(),
        quota::endpoint(),
        usage::endpoint(),
        summary::endpoint(),
        admin_usage::endpoint(),
        admin_summary::endpoint(),
    ]);
    all.extend(holds::endpoints());
    all
}
