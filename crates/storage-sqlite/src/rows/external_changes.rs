//! What the triggers noticed.

use rusqlite::{Connection, Row};
use storage::{OutsideChange, OutsideTx, StoreError};

use crate::columns::lenient;
use crate::errors::OrStore as _;
use crate::writer::batch::JobTx;

impl OutsideTx for JobTx<'_> {
    fn take_outside_changes(&mut self, limit: u32) -> Result<Vec<OutsideChange>, StoreError> {
        self.run(|conn| take(conn, limit).or_store())
    }
}

fn change(row: &Row<'_>) -> rusqlite::Result<OutsideChange> {
    Ok(OutsideChange {
        table: lenient::string(row, 0)?.unwrap_or_default(),
        key: lenient::string(row, 1)?.unwrap_or_default(),
        kind: lenient::string(row, 2)?.unwrap_or_default(),
        at: lenient::string(row, 3)?.unwrap_or_default(),
    })
}

/// The changes that wait, oldest first.
pub(crate) fn waiting(conn: &Connection, limit: u32) -> rusqlite::Result<Vec<OutsideChange>> {
    conn.prepare_cached("SELECT table_name, key, kind, at FROM outside_changes ORDER BY id LIMIT ?1")?
        .query_map([limit], change)?
        .collect()
}

/// Takes the oldest changes away.
fn take(conn: &Connection, limit: u32) -> rusqlite::Result<Vec<OutsideChange>> {
    const SQL: &str =
        "DELETE FROM outside_changes WHERE id IN (SELECT id FROM outside_changes ORDER BY id LIMIT ?1)";
    let taken = waiting(conn, limit)?;
    conn.prepare_cached(SQL)?.execute([limit])?;
    Ok(taken)
}
