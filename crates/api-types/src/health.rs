//! Bodies of the health and readiness probes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Answer of `/health`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    pub status: String,
    /// Clock of the server.
    pub time: String,
    /// Version of the server.
    pub version: String,
}

/// State of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckState {
    /// It works.
    Ok,
    /// It works with restrictions.
    Degraded,
    /// It does not work.
    Failing,
}

/// Answer of `/readyz`: whether the server can serve requests.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// The worst state of the checks.
    pub status: CheckState,
    /// Checks that are not ok, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<String>,
}
