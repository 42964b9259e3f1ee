//! What every handler can reach.

use std::sync::Arc;

use control_plane::Services;
use llm_gate::Gate;

use crate::address::Cidr;
use crate::blocking::Shares;
use crate::connection::{ConnectionCounts, ConnectionLimits};
use crate::memory::{DEFAULT_MEMORY_MIB, MemoryBudget};
use crate::metrics::ServerMetrics;

/// What an operator may set of the edge.
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

/// What every handler can reach.
pub struct HttpState {
    /// The use cases' services.
    pub services: Arc<Services>,
    /// The metrics.
    pub metrics: ServerMetrics,
    /// Settings.
    pub settings: HttpSettings,
    /// The way to the providers of models; `None` when there are none. Whoever builds it gives it
    /// [`ServerMetrics::call_observer`].
    pub gate: Option<Gate>,
    /// What callers have shares of.
    pub(crate) shares: Shares,
    pub(crate) memory: MemoryBudget,
    pub(crate) connections: ConnectionCounts,
}

impl HttpState {
    /// The state of a server without providers.
    ///
    /// # Errors
    /// When a metric can't be registered, which is a fault of the program.
    pub fn new(services: Arc<Services>, settings: HttpSettings) -> Result<Self, prometheus::Error> {
        let metrics = ServerMetrics::new(&settings.version)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let shares = Shares::new(services.store.readers(), cores);
        let memory = MemoryBudget::new(settings.memory_mib.unwrap_or(DEFAULT_MEMORY_MIB));
        let connections = ConnectionCounts::new(settings.connections, settings.trusted_proxies.clone());
        Ok(Self { services, metrics, settings, gate: None, shares, memory, connections })
    }
}
