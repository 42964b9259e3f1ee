//! Bodies of the audit routes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A row of the audit log.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditRow {
    /// Number of the row in the table.
    pub id: i64,
    /// Sequence number in the sealed log; null for rows of the original service.
    pub seq: Option<u64>,
    /// `request`, `tool`, `refusals`, `outside_change`, `genesis` or `retention`.
    pub event: String,
    /// Time at which the request arrived.
    pub timestamp: String,
    /// Request id.
    pub request_id: Option<String>,
    /// `anonymous`, `agent`, `admin` or `system`.
    pub actor: String,
    /// Key id, never a secret.
    pub api_key: Option<String>,
    /// The agent.
    pub agent_id: Option<String>,
    /// Address of the client.
    pub ip: Option<String>,
    /// HTTP method.
    pub method: Option<String>,
    /// Template of the route.
    pub route: Option<String>,
    /// Path with ids, redacted.
    pub path: Option<String>,
    /// HTTP status.
    pub status_code: Option<u16>,
    /// `ok`, or the error code.
    pub outcome: String,
    /// Number of requests that the row stands for.
    pub count: u64,
    /// Length of the body in bytes.
    pub body_bytes: u64,
    /// SHA-256 of the redacted body.
    pub body_sha256: Option<String>,
    /// The redacted body, when it was kept.
    pub body: Option<String>,
    /// Further facts of the event, as JSON text.
    pub detail: Option<String>,
    /// Leaf of the row, hexadecimal.
    pub leaf: Option<String>,
}

/// Result of a verification of the audit log.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditVerdict {
    /// Whether every row that was read is right.
    pub ok: bool,
    /// Number of sealed rows that were read.
    pub checked: u64,
    /// Number of rows of the original service, which precede the sealed ones.
    pub adopted: u64,
    /// Next sequence number.
    pub next_seq: u64,
    /// Head of the chain, hexadecimal: keep it elsewhere to notice a truncated log.
    pub head: String,
    /// First wrong row.
    pub first_bad: Option<FirstBadRow>,
}

/// Row that does not verify.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FirstBadRow {
    /// Number of the row in the table.
    pub id: i64,
    /// Sequence number that the row states.
    pub seq: Option<u64>,
    /// What is wrong with it.
    pub reason: String,
}
