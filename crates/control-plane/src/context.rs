//! Context of a use case: the caller, the time, and the audit draft of the request.

use api_keys::{KeyRecord, QuotaLimits, ScopeSet};
use audit::OwnedDraft;
use registry_core::{AgentId, KeyId, Owner, Timestamp};

use crate::auth::KeyRights;
use crate::quotas::Quotas;

/// Agent whose key was checked. Only [`crate::authenticate_agent`] creates one, and a transaction that has checked
/// the key again.
#[derive(Debug, Clone)]
pub struct AgentCaller(pub(crate) KeyRights);

impl AgentCaller {
    /// Returns the key id.
    #[must_use]
    pub fn key_id(&self) -> &KeyId {
        &self.0.key.key_id
    }

    /// Returns the agent.
    #[must_use]
    pub fn agent_id(&self) -> &AgentId {
        &self.0.key.agent_id
    }

    /// Returns the owner of the key.
    #[must_use]
    pub fn owner(&self) -> Option<&Owner> {
        self.0.key.owner.as_ref()
    }

    /// Returns the key's quotas, given the server's defaults.
    pub(crate) fn quotas(&self, defaults: QuotaLimits) -> Quotas<'_> {
        Quotas { key_id: self.key_id(), limits: self.key().quotas.over(defaults) }
    }

    /// Returns the key as it was last read.
    pub(crate) fn key(&self) -> &KeyRecord {
        &self.0.key
    }

    /// Returns the rights of the key.
    #[must_use]
    pub fn scopes(&self) -> &ScopeSet {
        &self.0.key.scopes
    }
}

/// Admin. Only [`crate::auth::authenticate_admin`] creates one, or a tool that works on the database file.
#[derive(Debug, Clone, Copy)]
pub struct AdminCaller(pub(crate) ());

impl AdminCaller {
    /// Creates the admin that a person with access to the database file is: `admin-keys` on the same machine.
    #[must_use]
    pub fn by_file_access() -> Self {
        Self(())
    }
}

/// One operation: caller, time, and draft.
#[derive(Debug)]
pub struct OpContext<C> {
    /// The caller.
    pub caller: C,
    /// Wall-clock time of the request; the only time that the use case sees.
    pub now: Timestamp,
    /// Monotonic time of the request, in microseconds.
    pub at_micros: u64,
    /// Draft of the record. A write takes it; when the operation ends without a write, it returns to its slot.
    pub draft: OwnedDraft,
}

/// Name of an admin for idempotency keys.
pub(crate) const ADMIN: &str = "admin";
