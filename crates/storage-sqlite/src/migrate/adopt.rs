//! Adoption of a database of the original service: keys are hashed, secrets leave the file, nothing is dropped.

use api_keys::{Pepper, PresentedKey, ScopeSet};
use audit::Adopted;
use registry_core::Timestamp;
use rusqlite::{Connection, params};
use storage::AdoptReport;

use crate::audit::adopt as adopt_audit;
use crate::columns::lenient;
use crate::migrate::chunks::{KnownKeys, in_chunks, normal_time};
use crate::pragmas;
use crate::rows::meta;

/// Rewrites the rows inside the caller's transaction. Returns what the log's first record must state.
pub(crate) fn adopt(
    conn: &Connection,
    pepper: &Pepper,
    now: Timestamp,
    report: &mut AdoptReport,
) -> rusqlite::Result<Adopted> {
    let known = hash_keys(conn, pepper, now, report)?;
    report.intents = normalise_intents(conn)?;
    adopt_audit::clean(conn, pepper, &known)?;
    adopt_audit::clean_usage(conn, pepper, &known)?;
    let claim = adopt_audit::digest(conn)?;
    report.audit_rows = claim.count;
    Ok(claim)
}

/// Removes what the rewritten rows left on free pages, in the WAL and in its index. It may run again.
pub(crate) fn scrub(conn: &Connection) -> rusqlite::Result<()> {
    conn.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
    conn.execute_batch("VACUUM")?;
    meta::remove(conn, meta::SCRUB)?;
    conn.query_row("PRAGMA secure_delete = OFF", [], |_| Ok(()))?;
    if pragmas::truncate_wal(conn)? {
        return Ok(());
    }
    // A reader of another process holds the old pages: the next start does it again.
    meta::set(conn, meta::SCRUB, "1")
}

fn hash_keys(
    conn: &Connection,
    pepper: &Pepper,
    now: Timestamp,
    report: &mut AdoptReport,
) -> rusqlite::Result<KnownKeys> {
    let mut known = KnownKeys::new();
    let sql = "SELECT rowid, key, scopes, created_at, expires_at, daily_limit, daily_used FROM api_keys \
               WHERE rowid > ?1 ORDER BY rowid LIMIT ?2";
    let write = "UPDATE api_keys SET key = ?2, mac = ?3, scopes = ?4, created_at = ?5, expires_at = ?6, \
                 daily_limit_pico = ?7, daily_used_pico = ?8, version = 1, modified_at = ?9 WHERE rowid = ?1";
    in_chunks(conn, sql, |row| {
        let rowid: i64 = row.get(0)?;
        let text = lenient::string(row, 1)?.unwrap_or_default();
        let identity = PresentedKey::parse(&text).ok().map(|key| key.identify(pepper));
        let (key_id, mac) = if let Some((key_id, mac)) = identity {
            report.keys += 1;
            (key_id.into_string(), Some(mac.to_hex()))
        } else {
            // The key can't be presented, so only its text is lost.
            report.unusable_keys += 1;
            (format!("unusable-{rowid}"), None)
        };
        let scopes = ScopeSet::from_stored(lenient::text(row, 2)?.as_deref(), true).to_string();
        let expires = normal_time(row, 4)?.filter(|text| !text.is_empty());
        let (limit, used) = (lenient::pico(row, 5)?, lenient::pico(row, 6)?);
        let created = normal_time(row, 3)?;
        let now = now.to_string();
        conn.prepare_cached(write)?
            .execute(params![rowid, key_id, mac, scopes, created, expires, limit, used, now])?;
        if !text.is_empty() {
            known.insert(text, key_id);
        }
        Ok(rowid)
    })?;
    Ok(known)
}

/// Converts times to the form that sorts, so that indexes and pages of lists work.
fn normalise_intents(conn: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT rowid, created_at, modified_at, resolved_at, line FROM intents \
               WHERE rowid > ?1 ORDER BY rowid LIMIT ?2";
    let write = "UPDATE intents SET created_at = ?2, modified_at = ?3, resolved_at = ?4, line = ?5, version = 1 \
                 WHERE rowid = ?1";
    let mut count = 0;
    in_chunks(conn, sql, |row| {
        let rowid: i64 = row.get(0)?;
        let created = normal_time(row, 1)?;
        let modified =
            normal_time(row, 2)?.or_else(|| created.clone()).unwrap_or_else(|| Timestamp::EPOCH.to_string());
        let resolved = normal_time(row, 3)?;
        let line = lenient::integer(row, 4)?;
        conn.prepare_cached(write)?.execute(params![rowid, created, modified, resolved, line])?;
        count += 1;
        Ok(rowid)
    })?;
    Ok(count)
}
