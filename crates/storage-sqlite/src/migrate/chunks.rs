//! Rewriting of the original service's tables, a few rows at a time.

use std::collections::HashMap;

use registry_core::Timestamp;
use rusqlite::{Connection, Row, params};

use crate::columns::lenient;

/// Number of rows that are in memory at once.
pub(crate) const CHUNK: i64 = 1000;

/// Key id for each key that was stored in clear.
pub(crate) type KnownKeys = HashMap<String, String>;

/// Runs a query with the parameters (`after`, `limit`) repeatedly; `each` returns the row's key.
pub(crate) fn in_chunks(
    conn: &Connection,
    sql: &str,
    mut each: impl FnMut(&Row<'_>) -> rusqlite::Result<i64>,
) -> rusqlite::Result<()> {
    let mut after = i64::MIN;
    loop {
        // The rows are changed while they are read, so the keys of each chunk are determined first.
        let keys: Vec<i64> = conn
            .prepare_cached(&format!("SELECT * FROM ({sql})"))?
            .query_map(params![after, CHUNK], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let Some(last) = keys.last().copied() else { return Ok(()) };
        let mut one = conn.prepare_cached(sql)?;
        for key in keys {
            one.query_row(params![key.saturating_sub(1), 1], &mut each)?;
        }
        after = last;
    }
}

/// Returns the column in the registry's form when it is a time, otherwise unchanged.
pub(crate) fn normal_time(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<String>> {
    let text = lenient::string(row, index)?;
    Ok(text.map(|text| Timestamp::parse_lenient(&text).map_or(text, |time| time.to_string())))
}
