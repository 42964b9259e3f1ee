//! Who asks, when, and the open record of the request: the first argument of every use case.

use api_keys::ScopeSet;
use audit::Draft;
use registry_core::{AgentId, KeyId, Owner, Timestamp};

/// An agent whose key was checked. Only [`crate::authenticate_agent`] makes one.
#[derive(Debug, Clone)]
pub struct AgentCaller {
    /// The key's public name.
    pub key_id: KeyId,
    /// The agent.
    pub agent_id: AgentId,
    /// Who answers for it.
    pub owner: Option<Owner>,
    /// What it may do.
    pub scopes: ScopeSet,
}

/// Somebody who showed the admin token. Only [`crate::authenticate_admin`] makes one, or a tool that works on
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
