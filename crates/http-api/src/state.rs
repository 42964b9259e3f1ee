//! State that every handler can reach.

use std::sync::Arc;

use control_plane::Services;
use http_kit::ServerState;
use llm_gate::Gate;

use crate::metrics::ServerMetrics;

/// State that every handler can reach.
pub struct HttpState {
    /// State that the layers share.
    pub server: Arc<ServerState>,
    /// Services of the use cases.
    pub services: Arc<Services>,
    /// Metrics of the store, the audit log and model calls.
    pub metrics: ServerMetrics,
    /// Gate to the providers; `None` when there are none. The gate's observer is [`ServerMetrics::call_observer`].
    pub gate: Option<Gate>,
    /// Text of the OpenAPI document.
    pub(crate) document: String,
}
