//! Who asks, when, and the open record of the request: the first argument of every use case.

use std::sync::Arc;

use api_keys::{KeyRecord, QuotaLimits, ScopeSet};
use audit::Draft;
use registry_core::{AgentId, KeyId, Owner, Timestamp};

use crate::quotas::Quotas;

/// An agent whose key was checked. Only [`crate::authenticate_agent`] makes one. The key's record is shared with the
/// cache: nothing of it is copied for a request.
#[derive(Debug, Clone)]
pub struct AgentCaller(pub(crate) Arc<KeyRecord>);

impl AgentCaller {
    /// The key's public name.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.0.key_id
    }

    /// The agent.
    #[must_use]
    pub fn agent_id(&self) -> &AgentId {
        &self.0.agent_id
    }

    /// Who answers for it.
    #[must_use]
    pub fn owner(&self) -> Option<&Owner> {
        self.0.owner.as_ref()
    }

    /// Its quotas, on a server with these defaults.
    pub(crate) fn quotas(&self, defaults: QuotaLimits) -> Quotas {
        Quotas { key_id: self.0.key_id.clone(), limits: self.0.quotas.over(defaults) }
    }

    /// What it may do.
    #[must_use]
    pub fn scopes(&self) -> &ScopeSet {
        &self.0.scopes
    }
}

/// Somebody who showed the admin token. Only [`crate::auth::authenticate_admin`] makes one, or a tool that works on
/// the database file itself.
#[derive(Debug, Clone, Copy)]
pub struct AdminCaller(pub(crate) ());

impl AdminCaller {
    /// The right of whoever may open the database file: `admin-keys` on the same machine.
    #[must_use]
    pub fn by_file_access() -> Self {
        Self(())
    }
}

/// One operation: who, when, and its open record.
#[derive(Debug)]
pub struct OpContext<C> {
    /// Who asks.
    pub caller: C,
    /// Wall-clock time of the request; the only time that the use case sees.
    pub now: Timestamp,
    /// Monotonic time of the request in microseconds.
    pub at_micros: u64,
    /// The open record.
    pub draft: Draft,
}

/// The name of an admin in the memory of idempotency keys.
pub(crate) const ADMIN: &str = "admin";
