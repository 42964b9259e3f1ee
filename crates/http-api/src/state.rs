//! What every handler can reach.

use std::sync::Arc;

use api_keys::Scope;
use control_plane::Services;
use http_kit::{HttpSettings, RouteDescription, RouteGuard, ServerState};
use llm_gate::Gate;
use prometheus::Registry;

use crate::app::routes;
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
}

impl HttpState {
    /// The state of a server without providers.
    ///
    /// # Errors
    /// When a metric can't be registered, which is a fault of the program.
    pub fn new(services: Arc<Services>, settings: HttpSettings) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let metrics = ServerMetrics::new(&registry)?;
        let mut server = ServerState::new(Arc::clone(&services), routes(), settings, &registry)?;
        let llm = metrics.llm();
        server.refusals = Some(Box::new(move |route: &RouteDescription, code| {
            if route.guard == RouteGuard::Agent(Scope::LlmCall) {
                llm.refused(code);
            }
        }));
        Ok(Self { server: Arc::new(server), services, metrics, gate: None })
    }
}
