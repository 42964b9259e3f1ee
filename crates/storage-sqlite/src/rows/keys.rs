//! Writes to keys, and the reads that writes and views share.

use api_keys::{KeyRecord, pico_to_dollars};
use registry_core::{KeyId, Owner};
use rusqlite::{Connection, OptionalExtension as _, Statement, params};
use storage::{KeyView, StoreError};

use crate::columns::to_i64;
use crate::errors::OrStore as _;
use crate::readers::Snapshot;
use crate::rows::key_rows::{self, COLUMNS};

impl KeyView for Snapshot<'_> {
    fn key(&self, id: &KeyId) -> Result<Option<KeyRecord>, StoreError> {
        get(self.conn, id).or_store()
    }

    fn keys(&self, after: Option<&KeyId>, limit: u32) -> Result<Vec<KeyRecord>, StoreError> {
        let listed = || -> rusqlite::Result<Vec<KeyRecord>> {
            // Rows without a MAC are left out here already, so that a page is full.
            let sql = format!(
                "SELECT {COLUMNS} FROM api_keys WHERE key > ?1 AND length(mac) = 64 ORDER BY key LIMIT ?2"
            );
            let mut statement = self.conn.prepare_cached(&sql)?;
            let rows = statement.query_map(params![after.map_or("", KeyId::as_str), limit], key_rows::key)?;
            rows.filter_map(Result::transpose).collect()
        };
        listed().or_store()
    }
}

pub(crate) fn get(conn: &Connection, id: &KeyId) -> rusqlite::Result<Option<KeyRecord>> {
    // Written out, because this runs for requests.
    const SQL: &str = "SELECT key, agent_id, owner, scopes, roles, created_at, expires_at, revoked, mac, \
         previous_mac, previous_until, nonce, daily_limit_pico, daily_used_pico, used_on, time_zone, \
         rate_per_minute, version, modified_at, daily_limit FROM api_keys WHERE key = ?1";
    Ok(conn.prepare_cached(SQL)?.query_row([id.as_str()], key_rows::key).optional()?.flatten())
}

pub(crate) fn insert(conn: &Connection, key: &KeyRecord) -> rusqlite::Result<bool> {
    const SQL: &str = "INSERT INTO api_keys (key, agent_id, owner, scopes, roles, created_at, expires_at, revoked, \
         mac, previous_mac, previous_until, nonce, daily_limit_pico, daily_used_pico, used_on, time_zone, \
         rate_per_minute, version, modified_at, daily_limit, daily_used) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21) \
         ON CONFLICT (key) DO NOTHING";
    let mut statement = conn.prepare_cached(SQL)?;
    bind(&mut statement, key)?;
    Ok(statement.raw_execute()? == 1)
}

pub(crate) fn update(conn: &Connection, key: &KeyRecord) -> rusqlite::Result<bool> {
    const SQL: &str = "UPDATE api_keys SET agent_id = ?2, owner = ?3, scopes = ?4, roles = ?5, created_at = ?6, \
         expires_at = ?7, revoked = ?8, mac = ?9, previous_mac = ?10, previous_until = ?11, nonce = ?12, \
         daily_limit_pico = ?13, daily_used_pico = ?14, used_on = ?15, time_zone = ?16, rate_per_minute = ?17, \
         version = ?18, modified_at = ?19, daily_limit = ?20, daily_used = ?21 \
         WHERE key = ?1 AND version = ?18 - 1";
    let mut statement = conn.prepare_cached(SQL)?;
    bind(&mut statement, key)?;
    Ok(statement.raw_execute()? == 1)
}

/// What a key has spent on a day. The trigger that counts versions looks at the other columns alone.
pub(crate) fn put_usage(conn: &Connection, id: &KeyId, day: &str, used_pico: i64) -> rusqlite::Result<bool> {
    const SQL: &str =
        "UPDATE api_keys SET daily_used = ?2, daily_used_pico = ?3, used_on = ?4 WHERE key = ?1";
    let used = params![id.as_str(), pico_to_dollars(used_pico), used_pico, day];
    Ok(conn.prepare_cached(SQL)?.execute(used)? == 1)
}

fn bind(statement: &mut Statement<'_>, key: &KeyRecord) -> rusqlite::Result<()> {
    statement.raw_bind_parameter(1, key.key_id.as_str())?;
    statement.raw_bind_parameter(2, key.agent_id.as_str())?;
    statement.raw_bind_parameter(3, key.owner.as_ref().map(Owner::as_str))?;
    statement.raw_bind_parameter(4, key.scopes.to_string())?;
    statement.raw_bind_parameter(5, key_rows::roles_text(&key.roles))?;
    statement.raw_bind_parameter(6, key.created_at.to_string())?;
    statement.raw_bind_parameter(7, key.expires_at.map(|time| time.to_string()))?;
    statement.raw_bind_parameter(8, key.revoked)?;
    statement.raw_bind_parameter(9, key.mac.to_hex())?;
    statement.raw_bind_parameter(10, key.previous_mac.as_ref().map(|(mac, _)| mac.to_hex()))?;
    statement.raw_bind_parameter(11, key.previous_mac.as_ref().map(|(_, until)| until.to_string()))?;
    statement.raw_bind_parameter(12, key.nonce.as_ref().map(<[u8; 16]>::as_slice))?;
    statement.raw_bind_parameter(13, key.daily_limit_pico_usd)?;
    statement.raw_bind_parameter(14, key.daily_used_pico_usd)?;
    statement.raw_bind_parameter(15, key.used_on.as_deref())?;
    statement.raw_bind_parameter(16, key.time_zone.as_deref())?;
    statement.raw_bind_parameter(17, key.rate_per_minute)?;
    statement.raw_bind_parameter(18, to_i64(key.version))?;
    statement.raw_bind_parameter(19, key.modified_at.to_string())?;
    // For people and their queries; the pico-dollars are the truth.
    statement.raw_bind_parameter(20, pico_to_dollars(key.daily_limit_pico_usd))?;
    statement.raw_bind_parameter(21, pico_to_dollars(key.daily_used_pico_usd))
}
