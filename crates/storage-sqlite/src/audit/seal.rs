//! Sealer: assigns the records of a transaction their places in the log, just before the commit.
//!
//! The head is read from the table inside the transaction, so that several processes can write one log.

use std::fmt::Write as _;

use audit::{GENESIS_CHAIN, Leafed, LogHead, Record, SealedBatch};
use canonical::Digest;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, params};
use storage::StoreError;

use crate::audit::cells::{self, COUNT, SealedPlace};
use crate::columns::{lenient, to_i64};
use crate::errors::OrStore as _;

const LAST: &str = "SELECT id, seq, chain FROM audit_log ORDER BY id DESC LIMIT 1";
const LAST_PLACED: &str = "SELECT seq, chain FROM audit_log WHERE typeof(seq) = 'integer' AND seq >= 0 \
                           ORDER BY id DESC LIMIT 1";
/// Query for the largest id that was ever assigned: SQLite stores it for tables that never reuse an id.
const LAST_ID: &str = "SELECT max((SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'audit_log'), \
                       (SELECT coalesce(max(id), 0) FROM audit_log))";

/// Returns the end of a log whose last row is the last row of the table.
///
/// # Errors
/// [`StoreError::AuditBroken`] when the last row of the table is not part of the log.
pub(crate) fn head(conn: &Connection) -> Result<LogHead, StoreError> {
    let last = conn
        .prepare_cached(LAST)
        .and_then(|mut statement| {
            statement
                .query_row([], |row| {
                    Ok((row.get(0)?, lenient::integer(row, 1)?, lenient::bytes::<32>(row, 2)?))
                })
                .optional()
        })
        .or_store()?;
    let Some((id, seq, link)) = last else {
        return Err(StoreError::AuditBroken("the audit log is empty".to_owned()));
    };
    let (Some(seq), Some(link)) = (seq.and_then(|seq| u64::try_from(seq).ok()), link) else {
        let what = format!("row {id} at the end of the audit log was not written by T4");
        return Err(StoreError::AuditBroken(what));
    };
    Ok(LogHead::behind(id, seq, Digest::from_bytes(link)))
}

/// Returns the end of a log whose table may have other rows too: those of the original service before its first row,
/// and those that another program added after its last.
fn head_of_any(conn: &Connection) -> rusqlite::Result<LogHead> {
    let id = conn.query_row(LAST_ID, [], |row| row.get(0))?;
    let last = conn
        .query_row(LAST_PLACED, [], |row| Ok((lenient::count(row, 0)?, lenient::bytes::<32>(row, 1)?)))
        .optional()?;
    Ok(match last {
        None => LogHead::empty(id),
        Some((seq, link)) => LogHead::behind(id, seq, link.map_or(GENESIS_CHAIN, Digest::from_bytes)),
    })
}

/// Whether the row that was the end of the log still exists with the same chain value.
pub(crate) fn is_there(conn: &Connection, end: &LogHead) -> Result<bool, StoreError> {
    let link = conn
        .prepare_cached("SELECT chain FROM audit_log WHERE id = ?1")
        .and_then(|mut statement| {
            statement.query_row([end.id], |row| lenient::bytes::<32>(row, 0)).optional()
        })
        .or_store()?;
    Ok(link.flatten().is_some_and(|link| link == *end.chain.as_bytes()))
}

/// Returns the end of a log that should be right; where it is not, the end after which new rows can be added.
pub(crate) fn head_or_any(conn: &Connection) -> Result<LogHead, StoreError> {
    head(conn).or_else(|error| match error {
        StoreError::AuditBroken(_) => head_of_any(conn).or_store(),
        other => Err(other),
    })
}

/// Returns the next sequence number, whatever else is in the table.
pub(crate) fn next_seq(conn: &Connection) -> rusqlite::Result<u64> {
    let last = conn.prepare_cached(LAST_PLACED)?.query_row([], |row| lenient::count(row, 0)).optional()?;
    Ok(last.map_or(0, |seq| seq.saturating_add(1)))
}

/// Writes sealed records.
pub(crate) fn write(conn: &Connection, batch: &SealedBatch<'_>) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached(cells::INSERT).or_store()?;
    each(batch, |_, row| {
        for (index, cell) in row.iter().enumerate() {
            let cell = ToSqlOutput::Borrowed(*cell);
            statement.raw_bind_parameter(index + 1, cell).or_store()?;
        }
        statement.raw_execute().map(drop).or_store()
    })
}

/// Seals one record after the end of the log and writes it, outside the writer.
pub(crate) fn append(conn: &Connection, head: LogHead, record: Record) -> Result<(), StoreError> {
    write(conn, &SealedBatch::new(head, &[Leafed::new(record)]))
}

/// Verifies that the rows after the start of a batch are exactly its records: a trigger may have removed or changed
/// some, or added others.
///
/// # Errors
/// [`StoreError::AuditBroken`] for the first difference.
pub(crate) fn confirm(conn: &Connection, batch: &SealedBatch<'_>) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached(cells::ROWS_FROM).or_store()?;
    let first = batch.start().id.saturating_add(1);
    let mut rows = statement.query(params![first, i64::MAX]).or_store()?;
    let differs = |id: i64| {
        let what = format!("row {id} of the audit log was not kept as it was written");
        Err(StoreError::AuditBroken(what))
    };
    each(batch, |id, sealed| match rows.next().or_store()? {
        Some(row) if cells::same(row, sealed).or_store()? => Ok(()),
        _ => differs(id),
    })?;
    match rows.next().or_store()? {
        None => Ok(()),
        Some(_) => differs(batch.end().id.saturating_add(1)),
    }
}

/// Passes the id and the columns of each row.
fn each(
    batch: &SealedBatch<'_>,
    mut show: impl FnMut(i64, &[ValueRef<'_>; COUNT]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    // One buffer for all rows: this runs for every request.
    let mut time = String::with_capacity(27);
    for row in batch.rows() {
        time.clear();
        // Writing to a `String` can't fail.
        let _ = write!(time, "{}", row.leafed.record.timestamp);
        let place = SealedPlace {
            id: row.id,
            seq: to_i64(row.seq),
            time: &time,
            leaf: row.leafed.leaf.as_bytes(),
            chain: row.chain.as_bytes(),
        };
        show(row.id, &cells::cells(&row.leafed.record, &place))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
