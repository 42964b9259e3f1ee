//! The columns of an intent.

use registry_core::{AgentId, Intent, IntentId, Owner, Status, Timestamp};
use rusqlite::Row;

use crate::columns::lenient;

/// The columns that [`intent`] reads, in its order.
pub(crate) const COLUMNS: &str = "id, code, type, file, line, import_text, reason_category, reason, suggestion, \
     owner, ticket, eta, status, created_at, modified_at, resolved_at, raw, agent_id, version";

/// Which rows can go stale; the words of the partial index `idx_intents_open`.
pub(crate) const OPEN: &str =
    "(status IS NULL OR status NOT IN ('implemented', 'accepted', 'documented', 'expired'))";

/// Reads an intent. What an adopted row holds never fails it: a time that can't be read is the epoch.
pub(crate) fn intent(row: &Row<'_>) -> rusqlite::Result<Intent> {
    let status = Status::read(lenient::text(row, 12)?.as_deref());
    let created = lenient::time(row, 13)?.unwrap_or(Timestamp::EPOCH);
    Ok(Intent {
        id: IntentId::from_stored(lenient::string(row, 0)?.unwrap_or_default()),
        code: lenient::string(row, 1)?.unwrap_or_default(),
        kind: lenient::string(row, 2)?.unwrap_or_default(),
        file: lenient::string(row, 3)?,
        line: lenient::integer(row, 4)?,
        import_text: lenient::string(row, 5)?,
        reason_category: lenient::string(row, 6)?,
        reason: lenient::string(row, 7)?,
        suggestion: lenient::string(row, 8)?,
        owner: lenient::string(row, 9)?.map(Owner::from_stored),
        ticket: lenient::string(row, 10)?,
        eta: lenient::string(row, 11)?,
        status: status.status,
        stored_status: status.stored,
        created_at: created,
        modified_at: lenient::time(row, 14)?.unwrap_or(created),
        resolved_at: lenient::time(row, 15)?,
        raw: lenient::string(row, 16)?,
        agent_id: lenient::string(row, 17)?.map(AgentId::from_stored),
        version: lenient::count(row, 18)?,
    })
}
