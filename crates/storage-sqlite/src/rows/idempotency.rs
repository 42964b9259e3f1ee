//! Table of idempotency keys.

use std::collections::HashMap;

use registry_core::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};
use storage::{IdempotencyTx, Recalled, Remembered, StoreError, stored_answer_bytes};

use crate::columns::{lenient, to_i64};
use crate::errors::OrStore as _;
use crate::rows::quota;
use crate::writer::tx::{JobTx, UsageChange};

impl IdempotencyTx for JobTx<'_> {
    fn recall(&mut self, caller: &str, operation: &str, key: &str) -> Result<Option<Recalled>, StoreError> {
        self.read(|conn| recall(conn, caller, operation, key))
    }

    fn remember(&mut self, what: Remembered<'_>) -> Result<(), StoreError> {
        let replaced = self.run(|conn| remember(conn, what).or_store())?;
        let rows = i64::from(replaced.is_none());
        let grown = to_i64(stored_answer_bytes(&what)).saturating_sub(replaced.unwrap_or(0));
        self.count(what.caller, &UsageChange::idempotency(rows, grown));
        Ok(())
    }

    fn forget_idempotency(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let (gone, given_back) = self.run(|conn| forget(conn, before, limit).or_store())?;
        for (caller, change) in given_back {
            self.count(&caller, &change);
        }
        Ok(gone)
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
            row: format!("{caller} {operation} {key}"),
            problem: "not 32 bytes".to_owned(),
        }),
    }
}

/// Stores a key; returns the counted bytes of what it replaced, `None` when it is new.
fn remember(conn: &Connection, what: Remembered<'_>) -> rusqlite::Result<Option<i64>> {
    const INSERT: &str = "INSERT INTO idempotency (caller, operation, key, fingerprint, outcome, at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (caller, operation, key) DO NOTHING";
    const UPDATE: &str = "UPDATE idempotency SET fingerprint = ?4, outcome = ?5, at = ?6 \
         WHERE caller = ?1 AND operation = ?2 AND key = ?3";
    let Remembered { caller, operation, key, fingerprint, outcome, at } = what;
    let at = at.to_string();
    let values = params![caller, operation, key, fingerprint, outcome, at];
    if conn.prepare_cached(INSERT)?.execute(values)? == 1 {
        return Ok(None);
    }
    let counted = quota::counted_idempotency(conn, caller, operation, key)?;
    conn.prepare_cached(UPDATE)?.execute(values)?;
    Ok(Some(counted))
}

/// Maximum bytes of outcomes that are deleted at once: freeing their pages takes time of the writer.
const FORGOTTEN_BYTES: i64 = 1024 * 1024;

/// Deletes keys; returns how many, and the bytes that each caller gets back.
fn forget(
    conn: &Connection,
    before: Timestamp,
    limit: u32,
) -> rusqlite::Result<(u64, HashMap<String, UsageChange>)> {
    // The length of the outcome is read without the outcome.
    let old = format!(
        "SELECT rowid, caller, {} FROM idempotency WHERE at < ?1 ORDER BY at LIMIT ?2",
        quota::IDEMPOTENCY_BYTES
    );
    let mut statement = conn.prepare_cached(&old)?;
    let old = statement.query_map(params![before.to_string(), limit], |row| {
        Ok((row.get::<_, i64>(0)?, lenient::string(row, 1)?.unwrap_or_default(), row.get::<_, i64>(2)?))
    })?;
    let old: Vec<(i64, String, i64)> = old.collect::<Result<_, _>>()?;
    let mut delete = conn.prepare_cached("DELETE FROM idempotency WHERE rowid = ?1")?;
    let (mut gone, mut bytes, mut given_back) = (0, 0_i64, HashMap::<String, UsageChange>::new());
    for (rowid, caller, size) in old {
        if bytes > FORGOTTEN_BYTES {
            break;
        }
        delete.execute([rowid])?;
        bytes = bytes.saturating_add(size);
        given_back.entry(caller).or_default().add(&UsageChange::idempotency(-1, size.saturating_neg()));
        gone += 1;
    }
    Ok((gone, given_back))
}
