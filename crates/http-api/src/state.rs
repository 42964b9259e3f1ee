//! State that every handler can reach.

use std::sync::Arc;

use control_plane::Services;
use http_kit::ServerState;
use llm_gate::Gate;

use crate::metrics::ServerMetrics;

/// What every handler can reach.
pub struct HttpState {
    /// What the layers share.
    pub server: Arc<ServerState>,
    /// The use cases' services.
    pub services: Arc<Services>,
    /// The metrics of the store, the audit log and model calls.
    pub metrics: ServerMetrics,
    /// The way to the providers of models; `None` when there are none. The gate's observer is
    /// [`ServerMetrics::call_observer`].
    pub gate: Option<Gate>,
    /// The text of the OpenAPI document.
    pub(crate) document: String,
}
