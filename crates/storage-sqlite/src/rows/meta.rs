//! Table of facts about the database as a whole.

use registry_core::Entropy;
use rusqlite::{Connection, OptionalExtension as _, params};

/// Check value of the pepper that the keys were hashed under.
pub(crate) const PEPPER_CHECK: &str = "pepper_check";
/// Name of the audit log.
pub(crate) const LOG_ID: &str = "log_id";
/// Owner of the schema.
pub(crate) const SCHEMA_OWNER: &str = "schema_owner";
/// Set between the adoption of a database and the removal of what it left on free pages.
pub(crate) const SCRUB: &str = "scrub_pending";
/// Reason why writes are stopped, until an operator accepts the database as it is.
pub(crate) const STOPPED: &str = "writes_stopped";
/// Written to test whether writing works again.
pub(crate) const PROBE: &str = "write_probe";

pub(crate) fn get(conn: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    conn.prepare_cached("SELECT value FROM meta WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

pub(crate) fn set(conn: &Connection, name: &str, value: &str) -> rusqlite::Result<()> {
    let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2";
    conn.execute(sql, params![name, value]).map(drop)
}

pub(crate) fn remove(conn: &Connection, name: &str) -> rusqlite::Result<()> {
    conn.execute("DELETE FROM meta WHERE name = ?1", [name]).map(drop)
}

/// Creates a name for a new audit log.
pub(crate) fn mint_log_id(entropy: &dyn Entropy) -> String {
    let mut bytes = [0_u8; 16];
    entropy.fill(&mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}
