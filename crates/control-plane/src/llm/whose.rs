//! Whose calls are shown.

use registry_core::AgentId;

/// Whose calls are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// An agent's own, with all its keys.
    Agent(AgentId),
    /// Everybody's; for admins.
    Everybody,
}
