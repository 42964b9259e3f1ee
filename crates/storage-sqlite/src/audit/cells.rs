//! Columns of a sealed row, defined once for writing it, reading it and detecting changes.

use audit::{Record, StoredCell};
use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::columns::{looks_numeric, to_i64};

/// Number of columns of a row.
pub(crate) const COUNT: usize = 23;

macro_rules! columns {
    () => {
        "id, seq, v, event, timestamp, request_id, actor, api_key, agent_id, ip, method, route, path, status_code, \
         outcome, count, body_bytes, body_kept, body_sha256, detail, body, leaf, chain"
    };
}

/// All columns, in the order of [`cells`].
pub(crate) const COLUMNS: &str = columns!();

/// Statement that writes a row from the values of [`cells`].
pub(crate) const INSERT: &str = concat!(
    "INSERT INTO audit_log (",
    columns!(),
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)"
);

/// Statement that reads at most `?2` rows with an id from `?1` on, from the table itself and not by an index.
pub(crate) const ROWS_FROM: &str =
    concat!("SELECT ", columns!(), " FROM audit_log NOT INDEXED WHERE id >= ?1 ORDER BY id LIMIT ?2");

/// Position of a record in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SealedPlace<'a> {
    pub(crate) id: i64,
    pub(crate) seq: i64,
    /// Time of the record, as text.
    pub(crate) time: &'a str,
    pub(crate) leaf: &'a [u8],
    pub(crate) chain: &'a [u8],
}

/// Returns the value of each column of a sealed record.
pub(crate) fn cells<'a>(record: &'a Record, place: &SealedPlace<'a>) -> [ValueRef<'a>; COUNT] {
    let text = |text: &'a str| ValueRef::Text(text.as_bytes());
    let text_or_null = |value: &'a Option<String>| value.as_deref().map_or(ValueRef::Null, text);
    let number = |number: u64| ValueRef::Integer(to_i64(number));
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
    } = record;
    [
        ValueRef::Integer(place.id),
        ValueRef::Integer(place.seq),
        number(u64::from(*v)),
        text(event),
        text(place.time),
        text_or_null(request_id),
        text(actor.as_str()),
        text_or_null(api_key),
        text_or_null(agent_id),
        text_or_null(ip),
        text_or_null(method),
        text_or_null(route),
        text_or_null(path),
        status_code.map_or(ValueRef::Null, |status| number(u64::from(status))),
        text(outcome),
        number(*count),
        number(*body_bytes),
        number(u64::from(*body_kept)),
        text_or_null(body_sha256),
        text_or_null(detail),
        // The original's column has the type JSON, which SQLite treats as numeric: a text that looks like a number
        // would be stored as a number, and would no longer fit its digest. Bytes are stored as they are.
        match body.as_deref() {
            Some(body) if looks_numeric(body) => ValueRef::Blob(body.as_bytes()),
            Some(body) => text(body),
            None => ValueRef::Null,
        },
        ValueRef::Blob(place.leaf),
        ValueRef::Blob(place.chain),
    ]
}

/// Whether a row has exactly these values.
pub(crate) fn same(row: &Row<'_>, cells: &[ValueRef<'_>; COUNT]) -> rusqlite::Result<bool> {
    for (index, cell) in cells.iter().enumerate() {
        if row.get_ref(index)? != *cell {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the columns of a row in the form of the digest over adopted rows.
pub(crate) fn exact<'r>(row: &'r Row<'_>) -> rusqlite::Result<[StoredCell<'r>; COUNT]> {
    let mut cells = [StoredCell::Null; COUNT];
    for (index, cell) in cells.iter_mut().enumerate() {
        *cell = match row.get_ref(index)? {
            ValueRef::Null => StoredCell::Null,
            ValueRef::Integer(number) => StoredCell::Integer(number),
            ValueRef::Real(number) => StoredCell::Real(number),
            ValueRef::Text(text) => StoredCell::Text(text),
            ValueRef::Blob(bytes) => StoredCell::Blob(bytes),
        };
    }
    Ok(cells)
}
