//! Routes of model calls: OpenAI's routes below `v1`, a simple route, and the ledger for agents that call a provider
//! themselves.

mod call;
mod chat;
mod failure;
mod holds;
mod metrics;
mod quota;
mod status;
mod usage;
mod v1;

pub(crate) use metrics::LlmMetrics;
pub(crate) use v1::{OPENAI_ERRORS, OPENAI_PATHS};

use http_kit::Endpoint;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    let mut all = call::endpoints();
    all.extend([
        v1::models_endpoint(),
        status::endpoint(),
        chat::endpoint(),
        quota::endpoint(),
        usage::own_list_endpoint(),
        usage::own_sum_endpoint(),
        usage::all_list_endpoint(),
        usage::all_sum_endpoint(),
    ]);
    all.extend(holds::endpoints());
    all
}
