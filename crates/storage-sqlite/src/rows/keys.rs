//! Table of API keys: writes, the reads that writes and views share, and the columns of a row.

use api_keys::{KeyMac, KeyQuotas, KeyRecord, ScopeSet, dollars_to_pico, pico_to_dollars};
use registry_core::{AgentId, KeyId, Owner, Timestamp};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Row, Statement, params};
use storage::{KeyReads, KeyTx, StoreError};

use crate::columns::{lenient, to_i64};
use crate::errors::OrStore as _;
use crate::readers::Snapshot;
use crate::writer::tx::JobTx;

impl KeyTx for JobTx<'_> {
    fn key(&mut self, id: &KeyId) -> Result<Option<KeyRecord>, StoreError> {
        self.read(|conn| get(conn, id).or_store())
    }

    fn keys_moved(&mut self, epoch: u64) -> Result<bool, StoreError> {
        Ok(JobTx::keys_moved(self, epoch))
    }

    fn insert_key(&mut self, key: &KeyRecord) -> Result<bool, StoreError> {
        self.keys_changed = true;
        self.run(|conn| insert(conn, key).or_store())
    }

    fn update_key(&mut self, key: &KeyRecord) -> Result<bool, StoreError> {
        self.keys_changed = true;
        self.run(|conn| update(conn, key).or_store())
    }
}

impl KeyReads for Snapshot<'_> {
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
            let rows = statement.query_map(params![after.map_or("", KeyId::as_str), limit], read_key)?;
            rows.filter_map(Result::transpose).collect()
        };
        listed().or_store()
    }
}

/// Columns that [`read_key`] reads, in its order.
const COLUMNS: &str = "key, agent_id, owner, scopes, roles, created_at, expires_at, revoked, mac, \
     previous_mac, previous_until, nonce, daily_limit_pico, daily_used_pico, used_on, time_zone, rate_per_minute, \
     version, modified_at, daily_limit, max_intents, max_stored_bytes, max_idempotency_rows, max_audit_bytes_per_day";

/// Reads a key; `None` for a row without a readable MAC, which no secret can fit, or without a readable id or agent.
/// Where a column can't be read, the key gets less, never more.
fn read_key(row: &Row<'_>) -> rusqlite::Result<Option<KeyRecord>> {
    let mac = |index| -> rusqlite::Result<Option<KeyMac>> {
        Ok(lenient::text(row, index)?.and_then(|text| KeyMac::from_hex(&text)))
    };
    let Some(current) = mac(8)? else { return Ok(None) };
    let (Some(key_id), Some(agent_id)) = (lenient::string(row, 0)?, lenient::string(row, 1)?) else {
        return Ok(None);
    };
    let created_at = lenient::time(row, 5)?.unwrap_or(Timestamp::EPOCH);
    let previous = match (mac(9)?, lenient::time(row, 10)?) {
        (Some(mac), Some(until)) => Some((mac, until)),
        (Some(_) | None, _) => None,
    };
    Ok(Some(KeyRecord {
        key_id: KeyId::from_stored(key_id),
        agent_id: AgentId::from_stored(agent_id),
        owner: lenient::string(row, 2)?.map(Owner::from_stored),
        scopes: ScopeSet::from_stored(lenient::text(row, 3)?.as_deref(), false),
        roles: roles(lenient::text(row, 4)?.as_deref()),
        created_at,
        expires_at: end(row, 6)?,
        revoked: revoked(row, 7)?,
        mac: current,
        previous_mac: previous,
        nonce: lenient::bytes(row, 11)?,
        daily_limit_pico_usd: limit(row)?,
        daily_used_pico_usd: lenient::integer(row, 13)?.unwrap_or(0),
        used_on: lenient::string(row, 14)?,
        time_zone: lenient::string(row, 15)?,
        rate_per_minute: lenient::integer(row, 16)?.map(|rate| u32::try_from(rate).unwrap_or(0)),
        quotas: KeyQuotas {
            max_intents: quota(row, 20)?,
            max_stored_bytes: quota(row, 21)?,
            max_idempotency_rows: quota(row, 22)?,
            max_audit_bytes_per_day: quota(row, 23)?,
        },
        version: lenient::count(row, 17)?,
        modified_at: lenient::time(row, 18)?.unwrap_or(created_at),
    }))
}

/// Returns the roles as a JSON array, `NULL` for none.
fn roles_text(roles: &[String]) -> Option<String> {
    (!roles.is_empty()).then(|| serde_json::json!(roles).to_string())
}

fn roles(text: Option<&str>) -> Vec<String> {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// A key never expires only where the column is empty; a time that can't be read has passed.
fn end(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Timestamp>> {
    let written = !matches!(row.get_ref(index)?, ValueRef::Null);
    Ok(written.then_some(lenient::time(row, index)?.unwrap_or(Timestamp::EPOCH)))
}

/// Any value but nothing and zero revokes the key.
fn revoked(row: &Row<'_>, index: usize) -> rusqlite::Result<bool> {
    Ok(!matches!(row.get_ref(index)?, ValueRef::Null | ValueRef::Integer(0)))
}

/// The server's default applies only where nothing is written; what is not a number of rows or bytes is zero.
fn quota(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<u64>> {
    let written = !matches!(row.get_ref(index)?, ValueRef::Null);
    Ok(written.then_some(lenient::count(row, index)?))
}

fn limit(row: &Row<'_>) -> rusqlite::Result<i64> {
    if let Some(pico) = lenient::integer(row, 12)? {
        return Ok(pico);
    }
    Ok(match row.get_ref(19)? {
        ValueRef::Real(dollars) => dollars_to_pico(dollars).unwrap_or(0),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Text(_) | ValueRef::Blob(_) => 0,
    })
}

fn get(conn: &Connection, id: &KeyId) -> rusqlite::Result<Option<KeyRecord>> {
    // Written out, because this runs for requests.
    const SQL: &str = "SELECT key, agent_id, owner, scopes, roles, created_at, expires_at, revoked, mac, \
         previous_mac, previous_until, nonce, daily_limit_pico, daily_used_pico, used_on, time_zone, \
         rate_per_minute, version, modified_at, daily_limit, max_intents, max_stored_bytes, max_idempotency_rows, \
         max_audit_bytes_per_day FROM api_keys WHERE key = ?1";
    Ok(conn.prepare_cached(SQL)?.query_row([id.as_str()], read_key).optional()?.flatten())
}

fn insert(conn: &Connection, key: &KeyRecord) -> rusqlite::Result<bool> {
    const SQL: &str = "INSERT INTO api_keys (key, agent_id, owner, scopes, roles, created_at, expires_at, revoked, \
         mac, previous_mac, previous_until, nonce, daily_limit_pico, daily_used_pico, used_on, time_zone, \
         rate_per_minute, version, modified_at, daily_limit, daily_used, max_intents, max_stored_bytes, \
         max_idempotency_rows, max_audit_bytes_per_day) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
         ?22, ?23, ?24, ?25) \
         ON CONFLICT (key) DO NOTHING";
    let mut statement = conn.prepare_cached(SQL)?;
    bind(&mut statement, key)?;
    Ok(statement.raw_execute()? == 1)
}

fn update(conn: &Connection, key: &KeyRecord) -> rusqlite::Result<bool> {
    const SQL: &str = "UPDATE api_keys SET agent_id = ?2, owner = ?3, scopes = ?4, roles = ?5, created_at = ?6, \
         expires_at = ?7, revoked = ?8, mac = ?9, previous_mac = ?10, previous_until = ?11, nonce = ?12, \
         daily_limit_pico = ?13, daily_used_pico = ?14, used_on = ?15, time_zone = ?16, rate_per_minute = ?17, \
         version = ?18, modified_at = ?19, daily_limit = ?20, daily_used = ?21, max_intents = ?22, \
         max_stored_bytes = ?23, max_idempotency_rows = ?24, max_audit_bytes_per_day = ?25 \
         WHERE key = ?1 AND version = ?18 - 1";
    let mut statement = conn.prepare_cached(SQL)?;
    bind(&mut statement, key)?;
    Ok(statement.raw_execute()? == 1)
}

/// Statement for what a key has spent on a day. The trigger that counts versions looks at the other columns only.
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
    statement.raw_bind_parameter(5, roles_text(&key.roles))?;
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
    // For people and their queries; the pico-dollars are authoritative.
    statement.raw_bind_parameter(20, pico_to_dollars(key.daily_limit_pico_usd))?;
    statement.raw_bind_parameter(21, pico_to_dollars(key.daily_used_pico_usd))?;
    let KeyQuotas { max_intents, max_stored_bytes, max_idempotency_rows, max_audit_bytes_per_day } =
        key.quotas;
    statement.raw_bind_parameter(22, max_intents.map(to_i64))?;
    statement.raw_bind_parameter(23, max_stored_bytes.map(to_i64))?;
    statement.raw_bind_parameter(24, max_idempotency_rows.map(to_i64))?;
    statement.raw_bind_parameter(25, max_audit_bytes_per_day.map(to_i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_read_back_whatever_is_in_them() {
        let given = vec!["admin".to_owned(), "a b,\"c\"".to_owned()];
        assert_eq!(roles(roles_text(&given).as_deref()), given);
        assert_eq!(roles_text(&[]), None);
        assert_eq!(roles(Some("admin")), Vec::<String>::new());
    }
}
