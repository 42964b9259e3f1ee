//! State that every handler and layer of a server can reach.

use std::sync::Arc;

use api_types::Code;
use control_plane::Services;
use prometheus::Registry;

use crate::address::Cidr;
use crate::connection::{ConnectionCounts, ConnectionLimits};
use crate::description::RouteDescription;
use crate::memory::{DEFAULT_MEMORY_MIB, MemoryBudget};
use crate::metrics::HttpMetrics;
use crate::routes::Routes;
use crate::shares::Shares;

/// Settings of a server.
#[derive(Debug, Clone, Default)]
pub struct HttpSettings {
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<Cidr>,
    /// Whether all callers may read `/metrics`.
    pub metrics_public: bool,
    /// Memory for callers' data, in MiB; at least [`DEFAULT_MEMORY_MIB`].
    pub memory_mib: Option<u32>,
    /// Maximum number of connections.
    pub connections: ConnectionLimits,
    /// Version of the program, for `/health` and the build metric.
    pub version: String,
}

/// Observer of errors: receives the code of each error and the description of its route.
pub type RefusalObserver = Box<dyn Fn(&RouteDescription, Code) + Send + Sync>;

/// State that every handler and layer of a server can reach.
pub struct ServerState {
    /// Services of the use cases.
    pub services: Arc<Services>,
    /// Routes.
    pub routes: Routes,
    /// Metrics of requests.
    pub metrics: HttpMetrics,
    /// Settings.
    pub settings: HttpSettings,
    /// Additional counter of errors.
    pub refusals: Option<RefusalObserver>,
    pub(crate) shares: Shares,
    pub(crate) memory: MemoryBudget,
    pub(crate) connections: ConnectionCounts,
}

impl ServerState {
    /// Creates the state of a server with these routes, and registers its metrics in `registry`.
    ///
    /// # Errors
    /// When a metric can't be registered, which is a fault of the program.
    pub fn new(
        services: Arc<Services>,
        routes: Routes,
        settings: HttpSettings,
        registry: &Registry,
    ) -> Result<Self, prometheus::Error> {
        let metrics = HttpMetrics::new(registry, &settings.version)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let shares = Shares::new(services.store.readers(), cores);
        let memory = MemoryBudget::new(settings.memory_mib.unwrap_or(DEFAULT_MEMORY_MIB));
        let connections = ConnectionCounts::new(settings.connections, settings.trusted_proxies.clone());
        Ok(Self { services, routes, metrics, settings, refusals: None, shares, memory, connections })
    }

    /// Updates the figures of the server itself.
    pub fn refresh_metrics(&self) {
        self.metrics.refresh(&self.memory, &self.connections);
    }
}
