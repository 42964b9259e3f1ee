//! Set-up of connections, and the statements that begin and end transactions.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

/// Sleep of the busy handler between two attempts. SQLite's own handler backs off up to 100 ms, and a second process
/// then starves.
const NAP: Duration = Duration::from_micros(300);
/// Number of sleeps in five seconds; the system adds some 60 microseconds to each.
const PATIENT_NAPS: i32 = 14_000;
/// Number of sleeps in fifty milliseconds.
const SHORT_NAPS: i32 = 140;

/// Pages of the WAL after which a commit also checkpoints. Below 4,000 the checkpoints cost a third of the rate.
const AUTOCHECKPOINT_PAGES: i64 = 4000;
/// Size to which a WAL file is truncated when it starts over, in bytes.
pub(crate) const WAL_LIMIT_BYTES: u64 = 64 * 1024 * 1024;

fn patient(naps: i32) -> bool {
    nap(naps, PATIENT_NAPS)
}

fn hasty(naps: i32) -> bool {
    nap(naps, SHORT_NAPS)
}

fn nap(so_far: i32, most: i32) -> bool {
    if so_far < most {
        std::thread::sleep(NAP);
    }
    so_far < most
}

/// How long a connection waits for a lock.
#[derive(Clone, Copy)]
pub(crate) enum Patience {
    /// Five seconds.
    Long,
    /// Fifty milliseconds.
    Short,
}

pub(crate) fn set_patience(conn: &Connection, patience: Patience) -> rusqlite::Result<()> {
    match patience {
        Patience::Long => conn.busy_handler(Some(patient)),
        Patience::Short => conn.busy_handler(Some(hasty)),
    }
}

/// Runs a statement without parameters, such as one that begins or ends a transaction.
pub(crate) fn execute(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(sql)?.raw_execute().map(drop)
}

/// Opens a file for writing. The file must exist. Nothing is written yet.
pub(crate) fn open_for_writing(path: &Path) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    set_patience(&conn, Patience::Long)?;
    conn.set_prepared_statement_cache_capacity(128);
    keep_plans(&conn)?;
    Ok(conn)
}

/// Makes a statement keep its plan whatever is bound to it. Otherwise SQLite compares bound values with the constants
/// of partial indexes, and plans a cached statement again whenever they change, which is at every run.
pub(crate) fn keep_plans(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// Sets up a connection for writing. The file becomes a WAL database.
pub(crate) fn set_up_writer(conn: &Connection, max_pages: Option<u32>) -> rusqlite::Result<()> {
    to_wal(conn)?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    // The pages that random keys and the secondary indexes touch between two commits.
    conn.pragma_update(None, "cache_size", -8 * 1024)?;
    // These two return a row.
    conn.query_row(&format!("PRAGMA wal_autocheckpoint = {AUTOCHECKPOINT_PAGES}"), [], |_| Ok(()))?;
    conn.query_row(&format!("PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}"), [], |_| Ok(()))?;
    if let Some(pages) = max_pages {
        conn.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
    }
    Ok(())
}

/// The change to WAL needs the file exclusively for a moment and does not always call the busy handler.
fn to_wal(conn: &Connection) -> rusqlite::Result<()> {
    let mut tries = 0;
    loop {
        let mode = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        let busy = matches!(
            mode.as_ref().map_err(rusqlite::Error::sqlite_error_code),
            Err(Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked))
        );
        if !busy || tries == 50 {
            return mode.map(drop);
        }
        tries += 1;
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sets up a connection of the pool of readers.
pub(crate) fn set_up_reader(conn: &Connection) -> rusqlite::Result<()> {
    set_patience(conn, Patience::Long)?;
    conn.set_prepared_statement_cache_capacity(64);
    keep_plans(conn)?;
    conn.pragma_update(None, "query_only", true)?;
    conn.pragma_update(None, "cache_size", -2 * 1024)?;
    conn.pragma_update(None, "temp_store", "MEMORY")
}

pub(crate) fn reader_flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// Writes the WAL into the database and truncates it. Returns `false` when a reader was in the way.
pub(crate) fn truncate_wal(conn: &Connection) -> rusqlite::Result<bool> {
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| Ok(row.get::<_, i64>(0)? == 0))
}

/// Writes the WAL into the database, so that the next commit begins it again. Returns `false` when a reader was in
/// the way.
pub(crate) fn restart_wal(conn: &Connection) -> rusqlite::Result<bool> {
    conn.query_row("PRAGMA wal_checkpoint(RESTART)", [], |row| Ok(row.get::<_, i64>(0)? == 0))
}
