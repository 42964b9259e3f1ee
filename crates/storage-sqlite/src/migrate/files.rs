//! Migration of the files of intents to their normal form. Before step 8 they were kept as they arrived.

use registry_core::normal_path;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

/// Step that introduces the normal form; files of older versions are rewritten.
pub(super) const STEP: i64 = 8;

/// Number of rows that are in memory at once.
const CHUNK: i64 = 1000;

/// Rewrites files that are not in their normal form, inside the caller's transaction. Ids and times do not change.
/// The version rises by one, as for every change, and the counts of the creator's key stay exact.
pub(super) fn normalise(conn: &Connection) -> rusqlite::Result<()> {
    let mut after = i64::MIN;
    while let Some(Chunk { last, renamed }) = chunk(conn, after)? {
        for row in renamed {
            rewrite(conn, &row)?;
        }
        after = last;
    }
    Ok(())
}

struct Chunk {
    last: i64,
    renamed: Vec<RenamedFile>,
}

struct RenamedFile {
    rowid: i64,
    file: String,
    /// Number of bytes that the normal form is longer.
    growth: i64,
}

fn chunk(conn: &Connection, after: i64) -> rusqlite::Result<Option<Chunk>> {
    const SQL: &str = "SELECT rowid, file FROM intents WHERE rowid > ?1 ORDER BY rowid LIMIT ?2";
    let mut statement = conn.prepare_cached(SQL)?;
    let mut rows = statement.query(params![after, CHUNK])?;
    let mut chunk = None;
    while let Some(row) = rows.next()? {
        let rowid = row.get(0)?;
        let Chunk { last, renamed } = chunk.get_or_insert(Chunk { last: rowid, renamed: Vec::new() });
        *last = rowid;
        // A person may have written something else, which no path equals.
        let ValueRef::Text(bytes) = row.get_ref(1)? else { continue };
        let Ok(file) = std::str::from_utf8(bytes) else { continue };
        let normal = normal_path(file);
        if normal != file {
            let length = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
            let growth = length(&normal) - length(file);
            renamed.push(RenamedFile { rowid, file: normal.into_owned(), growth });
        }
    }
    Ok(chunk)
}

fn rewrite(conn: &Connection, row: &RenamedFile) -> rusqlite::Result<()> {
    const FILE: &str = "UPDATE intents SET file = ?2, version = version + 1 WHERE rowid = ?1";
    const COUNT: &str = "UPDATE key_usage SET intent_bytes = MAX(intent_bytes + ?2, 0) \
         WHERE key_id = (SELECT created_by_key FROM intents WHERE rowid = ?1)";
    conn.prepare_cached(FILE)?.execute(params![row.rowid, row.file])?;
    conn.prepare_cached(COUNT)?.execute(params![row.rowid, row.growth]).map(drop)
}
