//! Reading of records from the columns of the audit log, and checkpoints.

use std::borrow::Cow;

use audit::{Actor, LogRow, Record, StoredRow, UnplacedRow};
use registry_core::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use storage::SealedCheckpoint;

use crate::audit::adopt::with_adopted;
use crate::audit::cells::{self, SealedPlace};
use crate::columns::{lenient, to_i64};

/// Passes a row with the columns of [`cells::COLUMNS`].
pub(crate) fn with_row<T>(row: &Row<'_>, show: impl FnOnce(LogRow<'_>) -> T) -> rusqlite::Result<T> {
    if matches!(row.get_ref(1)?, ValueRef::Null) {
        let exact = cells::exact(row)?;
        return with_adopted(row, |adopted| {
            show(LogRow::Unplaced(UnplacedRow { row: *adopted, cells: &exact }))
        });
    }
    Ok(show(LogRow::Placed(&stored_row(row)?)))
}

/// Rebuilds a row with the columns of [`cells::COLUMNS`]. A column that can't be read is left out of the record; the
/// row is then not exact.
pub(crate) fn stored_row(row: &Row<'_>) -> rusqlite::Result<StoredRow> {
    let text = |index| lenient::string(row, index);
    let time = text(4)?.and_then(|time| Timestamp::parse_lenient(&time).ok());
    let record = Record {
        v: number(row, 2)?.unwrap_or_default(),
        event: event(text(3)?.unwrap_or_default()),
        timestamp: time.unwrap_or(Timestamp::EPOCH),
        request_id: text(5)?,
        actor: text(6)?.as_deref().and_then(Actor::parse).unwrap_or(Actor::Anonymous),
        api_key: text(7)?,
        agent_id: text(8)?,
        ip: text(9)?,
        method: text(10)?,
        route: text(11)?,
        path: text(12)?,
        status_code: number(row, 13)?,
        outcome: text(14)?.unwrap_or_default(),
        count: number(row, 15)?.unwrap_or_default(),
        body_bytes: number(row, 16)?.unwrap_or_default(),
        body_kept: number(row, 17)? == Some(1_u8),
        body_sha256: text(18)?,
        detail: text(19)?,
        body: text(20)?,
    };
    let (id, seq) = (row.get(0)?, lenient::integer(row, 1)?);
    let (leaf, chain) = (blob(row, 21)?, blob(row, 22)?);
    let exact = match seq {
        Some(seq) => {
            let time = record.timestamp.to_string();
            let place = SealedPlace { id, seq, time: &time, leaf: &leaf, chain: &chain };
            cells::same(row, &cells::cells(&record, &place))?
        }
        None => false,
    };
    let seq = seq.and_then(|seq| u64::try_from(seq).ok());
    Ok(StoredRow { id, seq, record, leaf, chain, exact })
}

fn number<T: TryFrom<i64>>(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<T>> {
    Ok(lenient::integer(row, index)?.and_then(|number| T::try_from(number).ok()))
}

/// Words that this program writes need no allocation.
fn event(text: String) -> Cow<'static, str> {
    use audit::event::{GENESIS, OUTSIDE_CHANGE, REFUSALS, REQUEST, RETENTION, SCHEMA, TOOL};
    let known = [REQUEST, GENESIS, REFUSALS, OUTSIDE_CHANGE, RETENTION, SCHEMA, TOOL];
    known.into_iter().find(|word| *word == text).map_or(Cow::Owned(text), Cow::Borrowed)
}

fn blob(row: &Row<'_>, index: usize) -> rusqlite::Result<Vec<u8>> {
    Ok(match row.get_ref(index)? {
        ValueRef::Blob(bytes) => bytes.to_vec(),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) => Vec::new(),
    })
}

pub(crate) fn put_checkpoint(
    conn: &Connection,
    checkpoint: &SealedCheckpoint,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO audit_checkpoints (id, next_seq, chain, at) VALUES (1, ?1, ?2, ?3) \
               ON CONFLICT (id) DO UPDATE SET next_seq = ?1, chain = ?2, at = ?3";
    conn.prepare_cached(sql)?
        .execute(params![to_i64(checkpoint.next_seq), checkpoint.chain, at.to_string()])
        .map(drop)
}

pub(crate) fn checkpoint(conn: &Connection) -> rusqlite::Result<Option<SealedCheckpoint>> {
    let found = conn
        .prepare_cached("SELECT next_seq, chain FROM audit_checkpoints WHERE id = 1")?
        .query_row([], |row| Ok((lenient::count(row, 0)?, lenient::bytes::<32>(row, 1)?)))
        .optional()?;
    // A checkpoint that can't be read counts as missing: verification then starts further back.
    Ok(found.and_then(|(next_seq, chain)| Some(SealedCheckpoint { next_seq, chain: chain? })))
}
