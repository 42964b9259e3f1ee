//! The columns of an intent.

use registry_core::{AgentId, Intent, IntentId, Owner, Status, Timestamp};
use rusqlite::Row;

use crate::columns;

/// The columns that [`intent`] reads, in its order.
pub(crate) const COLUMNS: &str = "id, code, type, file, line, import_text, reason_category, reason, suggestion, \
     owner, ticket, eta, status, created_at, modified_at, resolved_at, raw, agent_id, version";

/// Which rows can go stale; the words of the partial index `idx_intents_open`.
pub(crate) const OPEN: &str =
    "(status IS NULL OR status NOT IN ('implemented', 'accepted', 'documented', 'expired'))";

/// Reads an intent. What an adopted row holds never fails it: a time that can't be read is the epoch.
pub(crate) fn intent(row: &Row<'_>) -> rusqlite::Result<Intent> {
    let status = Status::read(columns::text(row, 12)?.as_deref());
    let created = columns::time(row, 13)?.unwrap_or(Timestamp::EPOCH);
    Ok(Intent {
        id: IntentId::from_stored(columns::string(row, 0)?.unwrap_or_default()),
        code: columns::string(row, 1)?.unwrap_or_default(),
        kind: columns::string(row, 2)?.unwrap_or_default(),
        file: columns::string(row, 3)?,
        line: columns::integer(row, 4)?,
        import_text: columns::string(row, 5)?,
        reason_category: columns::string(row, 6)?,
        reason: columns::string(row, 7)?,
        suggestion: columns::string(row, 8)?,
        owner: columns::string(row, 9)?.map(Owner::from_stored),
        ticket: columns::string(row, 10)?,
        eta: columns::string(row, 11)?,
        status: status.status,
        stored_status: status.stored,
        created_at: created,
        modified_at: columns::time(row, 14)?.unwrap_or(created),
        resolved_at: columns::time(row, 15)?,
        raw: columns::string(row, 16)?,
        agent_id: columns::string(row, 17)?.map(AgentId::from_stored),
        version: columns::count(row, 18)?,
    })
}
