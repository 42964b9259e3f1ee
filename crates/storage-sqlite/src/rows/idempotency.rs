//! The memory of idempotency keys.

use registry_core::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use storage::{IdempotencyTx, Recalled, Remembered, StoreError};

use crate::columns::lenient;
use crate::errors::OrStore as _;
use crate::writer::batch::JobTx;

impl IdempotencyTx for JobTx<'_> {
    fn recall(&mut self, caller: &str, operation: &str, key: &str) -> Result<Option<Recalled>, StoreError> {
        self.read(|conn| recall(conn, caller, operation, key))
    }

    fn remember(&mut self, what: Remembered<'_>) -> Result<(), StoreError> {
        self.run(|conn| remember(conn, what).or_store())
    }

    fn forget_idempotency(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.run(|conn| forget(conn, before, limit).or_store())
    }
}

fn recall(
    conn: &Connection,
    caller: &str,
    operation: &str,
    key: &str,
) -> Result<Option<Recalled>, StoreError> {
    const SQL: &str = "SELECT fingerprint, outcome FROM idempotency \
                       WHERE caller = ?1 AND operation = ?2 AND key = ?3";
    let found = conn
        .prepare_cached(SQL)
        .and_then(|mut statement| {
            let read = |row: &rusqlite::Row<'_>| {
                Ok((lenient::bytes::<32>(row, 0)?, lenient::string(row, 1)?.unwrap_or_default()))
            };
            statement.query_row(params![caller, operation, key], read).optional()
        })
        .or_store()?;
    match found {
        None => Ok(None),
        Some((Some(fingerprint), outcome)) => Ok(Some(Recalled { fingerprint, outcome })),
        Some((None, _)) => Err(StoreError::Corrupt {
            table: "idempotency",
            column: "fingerprint",
            row: format!("{caller} {operation}"),
            problem: "not 32 bytes".to_owned(),
        }),
    }
}

fn remember(conn: &Connection, what: Remembered<'_>) -> rusqlite::Result<()> {
    const SQL: &str = "INSERT INTO idempotency (caller, operation, key, fingerprint, outcome, at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (caller, operation, key) DO UPDATE SET fingerprint = ?4, outcome = ?5, at = ?6";
    let Remembered { caller, operation, key, fingerprint, outcome, at } = what;
    conn.prepare_cached(SQL)?
        .execute(params![caller, operation, key, fingerprint, outcome, at.to_string()])
        .map(drop)
}

/// The most bytes of outcomes that are forgotten at once: freeing their pages takes the writer's time.
const FORGOTTEN_BYTES: u64 = 1024 * 1024;

fn forget(conn: &Connection, before: Timestamp, limit: u32) -> rusqlite::Result<u64> {
    // `octet_length` does not read the text itself.
    const OLD: &str =
        "SELECT rowid, octet_length(outcome) FROM idempotency WHERE at < ?1 ORDER BY at LIMIT ?2";
    let mut statement = conn.prepare_cached(OLD)?;
    let old = statement.query_map(params![before.to_string(), limit], |row| {
        Ok((row.get::<_, i64>(0)?, lenient::count(row, 1)?))
    })?;
    let old: Vec<(i64, u64)> = old.collect::<Result<_, _>>()?;
    let mut delete = conn.prepare_cached("DELETE FROM idempotency WHERE rowid = ?1")?;
    let (mut gone, mut bytes) = (0, 0_u64);
    for (rowid, size) in old {
        if bytes > FORGOTTEN_BYTES {
            break;
        }
        delete.execute([rowid])?;
        bytes = bytes.saturating_add(size);
        gone += 1;
    }
    Ok(gone)
}
