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

/// What an operator may set of a server.
#[derive(Debug, Clone, Default)]
pub struct HttpSettings {
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Cidr>,
    /// Whether everybody may read `/metrics`.
    pub metrics_public: bool,
    /// The memory that callers' bytes may take, in MiB; less than [`DEFAULT_MEMORY_MIB`] counts as that.
    pub memory_mib: Option<u32>,
    /// How many connections there may be.
    pub connections: ConnectionLimits,
    /// The program's version, for `/health` and the build metric.
    pub version: String,
}

/// Gets the code of each error, with the description of the route that it comes from.
pub type RefusalObserver = Box<dyn Fn(&RouteDescription, Code) + Send + Sync>;

/// What every handler and layer of a server can reach.
pub struct ServerState {
    /// The use cases' services.
    pub services: Arc<Services>,
    /// The routes.
    pub routes: Routes,
    /// The metrics of requests.
    pub metrics: HttpMetrics,
    /// Settings.
    pub settings: HttpSettings,
    /// Counts errors by more than the server's own metrics do.
    pub refusals: Option<RefusalObserver>,
    pub(crate) shares: Shares,
    pub(crate) memory: MemoryBudget,
    pub(crate) connections: ConnectionCounts,
}

impl ServerState {
    /// The state of a server with these routes, which registers its metrics in `registry`.
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

    /// Brings the figures of the server itself up to date.
    pub fn refresh_metrics(&self) {
        self.metrics.refresh(&self.memory, &self.connections);
    }
}
