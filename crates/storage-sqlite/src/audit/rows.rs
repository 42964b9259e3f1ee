//! Rebuilds records from the columns of the audit log, and keeps checkpoints.

use std::borrow::Cow;

use audit::{Actor, RECORD_VERSION, Record, StoredRow};
use registry_core::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use storage::SealedCheckpoint;

use crate::columns::{lenient, to_i64};

/// The columns that [`stored_row`] reads, in its order.
pub(crate) const COLUMNS: &str = "id, seq, v, event, timestamp, request_id, actor, api_key, agent_id, ip, method, \
     route, path, status_code, outcome, count, body_bytes, body_kept, body_sha256, detail, body, leaf, chain";

/// Rebuilds a row. A column that this program would not have written just so leaves the row without a leaf, so
/// that verification stops at it: the record alone could not tell.
pub(crate) fn stored_row(row: &Row<'_>) -> rusqlite::Result<StoredRow> {
    let mut strict = Strict { row, odd: false };
    let v = strict.number::<u8>(2)?.unwrap_or_default();
    let sealed = v >= RECORD_VERSION;
    let record = Record {
        v,
        event: event(strict.text(3)?.unwrap_or_default()),
        timestamp: strict.time(4)?,
        request_id: strict.text(5)?,
        actor: strict.actor(6)?,
        api_key: strict.text(7)?,
        agent_id: strict.text(8)?,
        ip: strict.text(9)?,
        method: strict.text(10)?,
        route: strict.text(11)?,
        path: strict.text(12)?,
        status_code: strict.number(13)?,
        outcome: strict.text(14)?.unwrap_or_default(),
        count: strict.number(15)?.unwrap_or_default(),
        body_bytes: strict.number(16)?.unwrap_or_default(),
        body_kept: strict.flag(17)?,
        body_sha256: strict.text(18)?,
        detail: strict.text(19)?,
        body: lenient::string(row, 20)?,
    };
    let odd = strict.odd && sealed;
    Ok(StoredRow {
        id: row.get(0)?,
        seq: lenient::integer(row, 1)?.and_then(|seq| u64::try_from(seq).ok()),
        record,
        leaf: if odd { Vec::new() } else { blob(row, 21)? },
        chain: blob(row, 22)?,
    })
}

struct Strict<'r> {
    row: &'r Row<'r>,
    odd: bool,
}

impl Strict<'_> {
    fn text(&mut self, index: usize) -> rusqlite::Result<Option<String>> {
        if let ValueRef::Text(bytes) = self.row.get_ref(index)?
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            return Ok(Some(text.to_owned()));
        }
        let other = lenient::string(self.row, index)?;
        self.odd |= other.is_some();
        Ok(other)
    }

    fn number<T: TryFrom<i64>>(&mut self, index: usize) -> rusqlite::Result<Option<T>> {
        let found = self.row.get_ref(index)?;
        let number = match found {
            ValueRef::Integer(number) => T::try_from(number).ok(),
            ValueRef::Null | ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_) => None,
        };
        self.odd |= number.is_none() && !matches!(found, ValueRef::Null);
        Ok(number)
    }

    fn flag(&mut self, index: usize) -> rusqlite::Result<bool> {
        let number = self.number::<u8>(index)?;
        self.odd |= !matches!(number, Some(0 | 1));
        Ok(number == Some(1))
    }

    fn time(&mut self, index: usize) -> rusqlite::Result<Timestamp> {
        let text = self.text(index)?.unwrap_or_default();
        let time = Timestamp::parse_lenient(&text).unwrap_or(Timestamp::EPOCH);
        self.odd |= time.to_string() != text;
        Ok(time)
    }

    fn actor(&mut self, index: usize) -> rusqlite::Result<Actor> {
        let actor = self.text(index)?.as_deref().and_then(Actor::parse);
        self.odd |= actor.is_none();
        Ok(actor.unwrap_or(Actor::Anonymous))
    }
}

/// The words that this program writes need no allocation.
fn event(text: String) -> Cow<'static, str> {
    use audit::event::{GENESIS, OUTSIDE_CHANGE, REFUSALS, REQUEST, RETENTION, TOOL};
    let known = [REQUEST, GENESIS, REFUSALS, OUTSIDE_CHANGE, RETENTION, TOOL];
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
    // One that can't be read is as good as none: verification then starts further back.
    Ok(found.and_then(|(next_seq, chain)| Some(SealedCheckpoint { next_seq, chain: chain? })))
}
