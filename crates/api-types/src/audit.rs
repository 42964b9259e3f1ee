//! Bodies of the audit routes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One row of the audit log.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditRow {
    /// The row's number in the table.
    pub id: i64,
    /// Its place in the sealed log; null for rows of the original service.
    pub seq: Option<u64>,
    /// `request`, `tool`, `refusals`, `outside_change`, `genesis` or `retention`.
    pub event: String,
    /// When the request came.
    pub timestamp: String,
    /// The request's id.
    pub request_id: Option<String>,
    /// `anonymous`, `agent`, `admin` or `system`.
    pub actor: String,
    /// The key's public name, never a secret.
    pub api_key: Option<String>,
    /// The agent.
    pub agent_id: Option<String>,
    /// The client's address.
    pub ip: Option<String>,
    /// HTTP method.
    pub method: Option<String>,
    /// The route's template.
    pub route: Option<String>,
    /// The path with ids, redacted.
    pub path: Option<String>,
    /// HTTP status.
    pub status_code: Option<u16>,
    /// `ok`, or the error code.
    pub outcome: String,
    /// How many requests the row stands for.
    pub count: u64,
    /// The body's length in bytes.
    pub body_bytes: u64,
    /// SHA-256 of the redacted body.
    pub body_sha256: Option<String>,
    /// The redacted body, when it was kept.
    pub body: Option<String>,
    /// More facts of the event, as JSON text.
    pub detail: Option<String>,
    /// The row's leaf, hexadecimal.
    pub leaf: Option<String>,
}

/// Whether the log is whole.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditVerdict {
    /// Whether every row that was looked at is sound.
    pub ok: bool,
    /// How many sealed rows were looked at.
    pub checked: u64,
    /// How many rows of the original service stand before the sealed ones.
    pub adopted: u64,
    /// The place after the last sealed row.
    pub next_seq: u64,
    /// The chain's head, hexadecimal: keep it outside to notice a cut tail.
    pub head: String,
    /// The first bad row.
    pub first_bad: Option<FirstBadRow>,
}

/// A row that does not verify.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FirstBadRow {
    /// The row's number in the table.
    pub id: i64,
    /// Its place in the log, as the row says.
    pub seq: Option<u64>,
    /// What is wrong with it.
    pub reason: String,
}
