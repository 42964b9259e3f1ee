//! The sealer: gives the records of a transaction their places in the log, just before it commits.
//!
//! The head is read from the table inside the transaction, so several processes may write one log.

use std::fmt::Write as _;
use std::sync::Arc;

use audit::{GENESIS_CHAIN, Record, chain};
use canonical::Digest;
use rusqlite::{Connection, OptionalExtension as _, Statement};
use storage::{Leafed, SealedCheckpoint, StoreError};

use crate::columns::lenient::bytes;
use crate::columns::to_i64;
use crate::errors::OrStore as _;

// An index holds texts and blobs behind all numbers; they are no places in the log.
const HEAD: &str = "SELECT seq, chain FROM audit_log \
                    WHERE seq >= 0 AND seq <= 9223372036854775807 ORDER BY seq DESC LIMIT 1";

const INSERT: &str = "INSERT INTO audit_log \
    (timestamp, api_key, agent_id, path, method, status_code, ip, body, v, seq, event, request_id, actor, route, \
     outcome, count, body_bytes, body_kept, body_sha256, detail, leaf, chain) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22)";

/// The place after the last sealed row, and the chain's value there.
pub(crate) fn head(conn: &Connection) -> Result<SealedCheckpoint, StoreError> {
    let last = conn
        .prepare_cached(HEAD)
        .and_then(|mut statement| {
            statement.query_row([], |row| Ok((row.get::<_, i64>(0)?, bytes::<32>(row, 1)?))).optional()
        })
        .or_store()?;
    let Some((seq, chain)) = last else {
        return Ok(SealedCheckpoint { next_seq: 0, chain: *GENESIS_CHAIN.as_bytes() });
    };
    let chain = chain.ok_or_else(|| StoreError::Corrupt {
        table: "audit_log",
        column: "chain",
        row: seq.to_string(),
        problem: "not 32 bytes".to_owned(),
    })?;
    Ok(SealedCheckpoint { next_seq: seq.unsigned_abs().saturating_add(1), chain })
}

/// Writes the records behind the last row of the log, in their order.
pub(crate) fn seal(conn: &Connection, records: &[Arc<Leafed>]) -> Result<(), StoreError> {
    if records.is_empty() {
        return Ok(());
    }
    let head = head(conn)?;
    let (mut seq, mut link) = (head.next_seq, Digest::from_bytes(head.chain));
    let mut statement = conn.prepare_cached(INSERT).or_store()?;
    // One buffer for all: this runs for every request.
    let mut time = String::with_capacity(27);
    for leafed in records {
        link = chain(&link, &Digest::from_bytes(leafed.leaf));
        time.clear();
        // Writing to a text can't fail.
        let _ = write!(time, "{}", leafed.record.timestamp);
        insert(&mut statement, leafed, &time, seq, &link).or_store()?;
        seq = seq.saturating_add(1);
    }
    Ok(())
}

fn insert(
    statement: &mut Statement<'_>,
    leafed: &Leafed,
    time: &str,
    seq: u64,
    link: &Digest,
) -> rusqlite::Result<()> {
    let Record {
        v,
        event,
        timestamp: _,
        request_id,
        actor,
        api_key,
        agent_id,
        ip,
        method,
        route,
        path,
        status_code,
        outcome,
        count,
        body_bytes,
        body_kept,
        body_sha256,
        detail,
        body,
    } = &leafed.record;
    statement.raw_bind_parameter(1, time)?;
    statement.raw_bind_parameter(2, api_key.as_deref())?;
    statement.raw_bind_parameter(3, agent_id.as_deref())?;
    statement.raw_bind_parameter(4, path.as_deref())?;
    statement.raw_bind_parameter(5, method.as_deref())?;
    statement.raw_bind_parameter(6, *status_code)?;
    statement.raw_bind_parameter(7, ip.as_deref())?;
    match body.as_deref() {
        // The original's column has the type JSON, which SQLite takes for a number's: a text that looks like a
        // number would be stored as one, and no longer fit its digest. Bytes are stored as they are.
        Some(body) if looks_numeric(body) => statement.raw_bind_parameter(8, body.as_bytes())?,
        body => statement.raw_bind_parameter(8, body)?,
    }
    statement.raw_bind_parameter(9, *v)?;
    statement.raw_bind_parameter(10, to_i64(seq))?;
    statement.raw_bind_parameter(11, event.as_ref())?;
    statement.raw_bind_parameter(12, request_id.as_deref())?;
    statement.raw_bind_parameter(13, actor.as_str())?;
    statement.raw_bind_parameter(14, route.as_deref())?;
    statement.raw_bind_parameter(15, outcome.as_str())?;
    statement.raw_bind_parameter(16, to_i64(*count))?;
    statement.raw_bind_parameter(17, to_i64(*body_bytes))?;
    statement.raw_bind_parameter(18, *body_kept)?;
    statement.raw_bind_parameter(19, body_sha256.as_deref())?;
    statement.raw_bind_parameter(20, detail.as_deref())?;
    statement.raw_bind_parameter(21, leafed.leaf.as_slice())?;
    statement.raw_bind_parameter(22, link.as_bytes().as_slice())?;
    statement.raw_execute().map(drop)
}

/// Whether SQLite might take a text for a number.
pub(crate) fn looks_numeric(text: &str) -> bool {
    text.bytes().next().is_some_and(|b| b.is_ascii_digit() || b.is_ascii_whitespace() || b"+-.".contains(&b))
}
