//! Table of intents: writes, the read that writes and views share, and the columns of a row.

mod coverage;

use std::borrow::Cow;
use std::collections::BTreeSet;

use registry_core::{AgentId, Coverage, Intent, IntentId, IntentRow, KeyId, Owner, Status, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, Statement};
use storage::{Inserted, IntentTx, StoreError, stored_intent_bytes};

use crate::columns::{lenient, looks_numeric, to_i64};
use crate::errors::OrStore as _;
use crate::rows::quota;
use crate::writer::tx::{JobTx, UsageChange};

impl IntentTx for JobTx<'_> {
    fn intent(&mut self, id: &IntentId) -> Result<Option<Intent>, StoreError> {
        self.read(|conn| get(conn, id).or_store())
    }

    fn insert_intent(
        &mut self,
        intent: &Intent,
        creation: &[u8; 32],
        creator: Option<&KeyId>,
    ) -> Result<Inserted, StoreError> {
        let inserted = self.run(|conn| insert(conn, intent, creation, creator).or_store())?;
        if inserted == Inserted::Yes
            && let Some(creator) = creator
        {
            self.count(creator.as_str(), &UsageChange::intent(1, to_i64(stored_intent_bytes(intent))));
        }
        Ok(inserted)
    }

    fn update_intent(&mut self, intent: &Intent, creator: Option<&KeyId>) -> Result<bool, StoreError> {
        let counted = self.read(|conn| quota::counted_intent(conn, &intent.id).or_store())?;
        let updated = self.run(|conn| update(conn, intent, creator).or_store())?;
        if updated {
            let bytes = to_i64(stored_intent_bytes(intent));
            match (counted, creator) {
                (Some((creator, before)), _) => {
                    self.count(&creator, &UsageChange::intent(0, bytes.saturating_sub(before)));
                }
                (None, Some(creator)) => self.count(creator.as_str(), &UsageChange::intent(1, bytes)),
                (None, None) => {}
            }
        }
        Ok(updated)
    }

    fn delete_intent(&mut self, id: &IntentId) -> Result<bool, StoreError> {
        let counted = self.read(|conn| quota::counted_intent(conn, id).or_store())?;
        let deleted = self.run(|conn| delete(conn, id).or_store())?;
        if deleted && let Some((creator, before)) = counted {
            self.count(&creator, &UsageChange::intent(-1, before.saturating_neg()));
        }
        Ok(deleted)
    }

    fn coverage(&mut self, file: &str, codes: &BTreeSet<String>) -> Result<Coverage, StoreError> {
        self.read(|conn| coverage::coverage(conn, file, codes).or_store())
    }
}

/// Columns that [`read_intent`] reads, in its order.
macro_rules! columns {
    () => {
        "id, code, type, file, line, import_text, reason_category, reason, suggestion, owner, ticket, eta, status, \
         created_at, modified_at, resolved_at, raw, agent_id, version"
    };
}

/// Query of whole intents, made at compile time: lists are read thousands of times a second.
macro_rules! select {
    ($rule:literal) => {
        concat!("SELECT ", $crate::rows::intents::columns!(), " FROM intents WHERE ", $rule)
    };
}
pub(crate) use {columns, select};

/// Columns that [`read_intent`] reads, in its order.
pub(crate) const COLUMNS: &str = columns!();

/// Condition for rows that can go stale; the words of the partial index `idx_intents_open`.
pub(crate) const OPEN: &str = "(status IS NULL OR (status <> 'implemented' AND status <> 'accepted' \
     AND status <> 'documented' AND status <> 'expired'))";

/// Reads an intent. An adopted row never fails, whatever it holds: a time that can't be read becomes the epoch.
pub(crate) fn read_intent(row: &Row<'_>) -> rusqlite::Result<Intent> {
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

/// Borrows an intent from its row, with the same content as [`read_intent`].
pub(crate) fn borrow_intent<'r>(row: &'r Row<'_>) -> rusqlite::Result<IntentRow<'r>> {
    let time = |index| -> rusqlite::Result<Option<Cow<'r, str>>> {
        Ok(lenient::text(row, index)?.and_then(Timestamp::normal_text))
    };
    let created = time(13)?.unwrap_or(Cow::Borrowed(EPOCH));
    Ok(IntentRow {
        id: lenient::text(row, 0)?.unwrap_or_default(),
        code: lenient::text(row, 1)?.unwrap_or_default(),
        kind: lenient::text(row, 2)?.unwrap_or_default(),
        file: lenient::text(row, 3)?,
        line: lenient::integer(row, 4)?,
        import_text: lenient::text(row, 5)?,
        reason_category: lenient::text(row, 6)?,
        reason: lenient::text(row, 7)?,
        suggestion: lenient::text(row, 8)?,
        owner: lenient::text(row, 9)?,
        ticket: lenient::text(row, 10)?,
        eta: lenient::text(row, 11)?,
        status: lenient::text(row, 12)?.unwrap_or(Cow::Borrowed(Status::Reserved.as_str())),
        modified_at: time(14)?.unwrap_or_else(|| created.clone()),
        created_at: created,
        resolved_at: time(15)?,
        raw: lenient::text(row, 16)?,
        agent_id: lenient::text(row, 17)?,
        version: lenient::count(row, 18)?,
    })
}

/// [`Timestamp::EPOCH`] as text.
const EPOCH: &str = "1970-01-01T00:00:00.000000Z";

pub(crate) fn get(conn: &Connection, id: &IntentId) -> rusqlite::Result<Option<Intent>> {
    const SQL: &str = select!("id = ?1");
    conn.prepare_cached(SQL)?.query_row([id.as_str()], read_intent).optional()
}

fn insert(
    conn: &Connection,
    intent: &Intent,
    creation: &[u8; 32],
    creator: Option<&KeyId>,
) -> rusqlite::Result<Inserted> {
    const SQL: &str = "INSERT INTO intents (id, code, type, file, line, import_text, reason_category, reason, \
         suggestion, owner, ticket, eta, status, created_at, modified_at, resolved_at, raw, agent_id, version, creation, \
         created_by_key) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21) \
         ON CONFLICT (id) DO NOTHING";
    let mut statement = conn.prepare_cached(SQL)?;
    bind(&mut statement, intent)?;
    statement.raw_bind_parameter(20, creation.as_slice())?;
    statement.raw_bind_parameter(21, creator.map(KeyId::as_str))?;
    if statement.raw_execute()? == 1 {
        return Ok(Inserted::Yes);
    }
    let sql = format!("SELECT {COLUMNS}, creation FROM intents WHERE id = ?1");
    conn.prepare_cached(&sql)?.query_row([intent.id.as_str()], |row| {
        let existing = Box::new(read_intent(row)?);
        Ok(Inserted::No { existing, creation: lenient::bytes(row, 19)? })
    })
}

fn update(conn: &Connection, intent: &Intent, creator: Option<&KeyId>) -> rusqlite::Result<bool> {
    const SQL: &str = "UPDATE intents SET code = ?2, type = ?3, file = ?4, line = ?5, import_text = ?6, \
         reason_category = ?7, reason = ?8, suggestion = ?9, owner = ?10, ticket = ?11, eta = ?12, status = ?13, \
         created_at = ?14, modified_at = ?15, resolved_at = ?16, raw = ?17, agent_id = ?18, version = ?19, \
         created_by_key = COALESCE(created_by_key, ?20) WHERE id = ?1 AND version = ?19 - 1";
    let mut statement = conn.prepare_cached(SQL)?;
    bind(&mut statement, intent)?;
    statement.raw_bind_parameter(20, creator.map(KeyId::as_str))?;
    Ok(statement.raw_execute()? == 1)
}

/// Binds the first 19 parameters, which both statements share.
fn bind(statement: &mut Statement<'_>, intent: &Intent) -> rusqlite::Result<()> {
    statement.raw_bind_parameter(1, intent.id.as_str())?;
    statement.raw_bind_parameter(2, intent.code.as_str())?;
    statement.raw_bind_parameter(3, intent.kind.as_str())?;
    statement.raw_bind_parameter(4, intent.file.as_deref())?;
    statement.raw_bind_parameter(5, intent.line)?;
    statement.raw_bind_parameter(6, intent.import_text.as_deref())?;
    statement.raw_bind_parameter(7, intent.reason_category.as_deref())?;
    statement.raw_bind_parameter(8, intent.reason.as_deref())?;
    statement.raw_bind_parameter(9, intent.suggestion.as_deref())?;
    statement.raw_bind_parameter(10, intent.owner.as_ref().map(Owner::as_str))?;
    statement.raw_bind_parameter(11, intent.ticket.as_deref())?;
    statement.raw_bind_parameter(12, intent.eta.as_deref())?;
    statement.raw_bind_parameter(13, intent.status_text())?;
    statement.raw_bind_parameter(14, intent.created_at.to_string())?;
    statement.raw_bind_parameter(15, intent.modified_at.to_string())?;
    statement.raw_bind_parameter(16, intent.resolved_at.map(|time| time.to_string()))?;
    match intent.raw.as_deref() {
        // The column's type JSON counts as numeric; see the sealer.
        Some(raw) if looks_numeric(raw) => statement.raw_bind_parameter(17, raw.as_bytes())?,
        raw => statement.raw_bind_parameter(17, raw)?,
    }
    statement.raw_bind_parameter(18, intent.agent_id.as_ref().map(AgentId::as_str))?;
    statement.raw_bind_parameter(19, to_i64(intent.version))
}

fn delete(conn: &Connection, id: &IntentId) -> rusqlite::Result<bool> {
    // The mark tells the trigger that this program deletes.
    let marked =
        conn.prepare_cached("UPDATE intents SET version = -1 WHERE id = ?1")?.execute([id.as_str()])?;
    conn.prepare_cached("DELETE FROM intents WHERE id = ?1")?.execute([id.as_str()])?;
    Ok(marked == 1)
}
