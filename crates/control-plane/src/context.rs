//! Context of a use case: the caller, the time, and the audit draft of the request.

use api_keys::{KeyRecord, QuotaLimits, ScopeSet};
use audit::OwnedDraft;
use registry_core::{AgentId, KeyId, Owner, Timestamp};

use crate::auth::KeyRights;
use crate::quotas::Quotas;

/// An agent whose key was checked. Only [`crate::authenticate_agent`] makes one, and a transaction that has checked the
/// key again.
#[derive(Debug, Clone)]
pub struct AgentCaller(pub(crate) KeyRights);

impl AgentCaller {
    /// The key's public name.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.0.key.key_id
    }

    /// The agent.
    #[must_use]
    pub fn agent_id(&self) -> &AgentId {
        &self.0.key.agent_id
    }

    /// Who answers for it.
    #[must_use]
    pub fn owner(&self) -> Option<&Owner> {
        self.0.key.owner.as_ref()
    }

    /// Its quotas, on a server with these defaults.
    pub(crate) fn quotas(&self, defaults: QuotaLimits) -> Quotas<'_> {
        Quotas { key_id: self.key_id(), limits: self.key().quotas.over(defaults) }
    }

    /// The key as it was read last.
    pub(crate) fn key(&self) -> &KeyRecord {
        &self.0.key
    }

    /// What it may do.
    #[must_use]
    pub fn scopes(&self) -> &ScopeSet {
        &self.0.key.scopes
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
    /// The open record. A write takes it; when the operation ends without one, it goes back to its slot.
    pub draft: OwnedDraft,
}

/// The name of an admin in the memory of idempotency keys.
pub(crate) const ADMIN: &str = "admin";
