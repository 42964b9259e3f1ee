//! The ledger for an agent's own program on the database file.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use api_keys::Scope;
use control_plane::{LocalLedger, ServiceError, authenticate_agent};

use crate::jobs::Jobs;
use crate::open::Instance;

impl Instance {
    /// The ledger of the agent whose key this is. [`start_ledger_jobs`](Self::start_ledger_jobs) keeps its holds
    /// alive while calls run.
    ///
    /// # Errors
    /// 401 for a key that does not hold, 403 without `llm:call`, 429 for the key's limit, 503 for the store.
    pub async fn local_ledger(&self, api_key: &str) -> Result<Arc<LocalLedger>, ServiceError> {
        let services = &self.services;
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let now = services.clock.now();
        let admitted = authenticate_agent(services, Some(api_key), here, Scope::LlmCall, now).await;
        let caller = admitted.map_err(|refused| refused.error)?.caller;
        Ok(LocalLedger::for_agent(services, caller))
    }

    /// Starts the jobs that a program with a ledger needs beside a server, or without one: leases are renewed, and
    /// orphans settled. Alerts are left to a server.
    #[must_use]
    pub fn start_ledger_jobs(&self) -> Jobs {
        Jobs::start_ledger(self)
    }
}
