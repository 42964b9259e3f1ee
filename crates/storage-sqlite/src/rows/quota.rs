//! Table `key_usage`: counts for quotas, and how a stored row is counted.

use registry_core::{IntentId, KeyId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use storage::{DayUsage, KeyUsage, QuotaReads, StoreError};

use crate::columns::{lenient, to_i64};
use crate::errors::OrStore as _;
use crate::readers::Snapshot;

/// SQL of what a stored intent counts, equal to [`storage::stored_intent_bytes`] for any row. The migration and its
/// triggers use the same words.
const INTENT_BYTES: &str = "(128 + ifnull(octet_length(id), 0) + ifnull(octet_length(code), 0) \
     + ifnull(octet_length(type), 0) + ifnull(octet_length(file), 0) + ifnull(octet_length(import_text), 0) \
     + ifnull(octet_length(reason_category), 0) + ifnull(octet_length(reason), 0) \
     + ifnull(octet_length(suggestion), 0) + ifnull(octet_length(owner), 0) + ifnull(octet_length(ticket), 0) \
     + ifnull(octet_length(eta), 0) + ifnull(octet_length(status), 0) + ifnull(octet_length(raw), 0) \
     + ifnull(octet_length(agent_id), 0))";

/// SQL of what an idempotency key counts, equal to [`storage::stored_answer_bytes`].
pub(crate) const IDEMPOTENCY_BYTES: &str =
    "(128 + octet_length(operation) + octet_length(key) + octet_length(outcome))";

impl QuotaReads for Snapshot<'_> {
    fn key_usage(&self, key: &KeyId) -> Result<KeyUsage, StoreError> {
        usage(self.conn, key.as_str()).or_store()
    }
}

/// Reads what a key has stored, as of the start of the transaction's batch.
pub(crate) fn usage(conn: &Connection, key: &str) -> rusqlite::Result<KeyUsage> {
    const SQL: &str = "SELECT intents, intent_bytes, idempotency_rows, idempotency_bytes, audit_day, audit_bytes \
         FROM key_usage WHERE key_id = ?1";
    let found = conn.prepare_cached(SQL)?.query_row([key], |row| {
        Ok(KeyUsage {
            intents: lenient::count(row, 0)?,
            intent_bytes: lenient::count(row, 1)?,
            idempotency_rows: lenient::count(row, 2)?,
            idempotency_bytes: lenient::count(row, 3)?,
            audit: day_usage(row, 4)?,
        })
    });
    Ok(found.optional()?.unwrap_or_default())
}

fn day_usage(row: &Row<'_>, index: usize) -> rusqlite::Result<DayUsage> {
    let day = lenient::integer(row, index)?.unwrap_or_default();
    Ok(DayUsage { day, bytes: lenient::count(row, index + 1)? })
}

/// Writes what a key has stored.
pub(crate) fn put(conn: &Connection, key: &str, usage: &KeyUsage) -> rusqlite::Result<()> {
    const SQL: &str = "INSERT INTO key_usage (key_id, intents, intent_bytes, idempotency_rows, idempotency_bytes, \
             audit_day, audit_bytes) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
         ON CONFLICT (key_id) DO UPDATE SET intents = ?2, intent_bytes = ?3, idempotency_rows = ?4, \
             idempotency_bytes = ?5, audit_day = ?6, audit_bytes = ?7";
    let mut statement = conn.prepare_cached(SQL)?;
    statement.raw_bind_parameter(1, key)?;
    statement.raw_bind_parameter(2, to_i64(usage.intents))?;
    statement.raw_bind_parameter(3, to_i64(usage.intent_bytes))?;
    statement.raw_bind_parameter(4, to_i64(usage.idempotency_rows))?;
    statement.raw_bind_parameter(5, to_i64(usage.idempotency_bytes))?;
    statement.raw_bind_parameter(6, usage.audit.day)?;
    statement.raw_bind_parameter(7, to_i64(usage.audit.bytes))?;
    statement.raw_execute().map(drop)
}

/// Returns the key that an intent counts for.
pub(crate) fn creator(conn: &Connection, id: &IntentId) -> rusqlite::Result<Option<KeyId>> {
    const SQL: &str = "SELECT created_by_key FROM intents WHERE id = ?1";
    let found =
        conn.prepare_cached(SQL)?.query_row([id.as_str()], |row| lenient::string(row, 0)).optional()?;
    Ok(found.flatten().map(KeyId::from_stored))
}

/// Returns the key that an intent counts for, and its bytes.
pub(crate) fn counted_intent(conn: &Connection, id: &IntentId) -> rusqlite::Result<Option<(String, i64)>> {
    let sql = format!(
        "SELECT created_by_key, {INTENT_BYTES} FROM intents WHERE id = ?1 AND created_by_key IS NOT NULL"
    );
    let read = |row: &Row<'_>| Ok((lenient::string(row, 0)?.unwrap_or_default(), row.get(1)?));
    conn.prepare_cached(&sql)?.query_row([id.as_str()], read).optional()
}

/// Returns the bytes that an idempotency key counts.
pub(crate) fn counted_idempotency(
    conn: &Connection,
    caller: &str,
    operation: &str,
    key: &str,
) -> rusqlite::Result<i64> {
    let sql = format!(
        "SELECT {IDEMPOTENCY_BYTES} FROM idempotency WHERE caller = ?1 AND operation = ?2 AND key = ?3"
    );
    conn.prepare_cached(&sql)?.query_row(params![caller, operation, key], |row| row.get(0))
}

/// Recounts everything.
pub(crate) fn recount(conn: &Connection) -> rusqlite::Result<()> {
    let sql = format!(
        "UPDATE key_usage SET intents = 0, intent_bytes = 0, idempotency_rows = 0, idempotency_bytes = 0;
         INSERT INTO key_usage (key_id, intents, intent_bytes)
             SELECT created_by_key, count(*), sum{INTENT_BYTES} FROM intents
             WHERE created_by_key IS NOT NULL GROUP BY created_by_key
             ON CONFLICT (key_id) DO UPDATE SET intents = excluded.intents, intent_bytes = excluded.intent_bytes;
         INSERT INTO key_usage (key_id, idempotency_rows, idempotency_bytes)
             SELECT caller, count(*), sum{IDEMPOTENCY_BYTES} FROM idempotency WHERE true GROUP BY caller
             ON CONFLICT (key_id) DO UPDATE SET idempotency_rows = excluded.idempotency_rows,
                 idempotency_bytes = excluded.idempotency_bytes;"
    );
    conn.execute_batch(&sql)
}
