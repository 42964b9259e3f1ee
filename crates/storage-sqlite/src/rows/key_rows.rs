//! The columns of a key.

use api_keys::{KeyMac, KeyRecord, ScopeSet, dollars_to_pico};
use registry_core::{AgentId, KeyId, Owner, Timestamp};
use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::columns::lenient;

/// The columns that [`key`] reads, in its order.
pub(crate) const COLUMNS: &str = "key, agent_id, owner, scopes, roles, created_at, expires_at, revoked, mac, \
     previous_mac, previous_until, nonce, daily_limit_pico, daily_used_pico, used_on, time_zone, rate_per_minute, \
     version, modified_at, daily_limit";

/// Reads a key; `None` for a row without a readable MAC, which no secret can fit. Wherever a column can't be read,
/// the key gets less, never more.
pub(crate) fn key(row: &Row<'_>) -> rusqlite::Result<Option<KeyRecord>> {
    let mac = |index| -> rusqlite::Result<Option<KeyMac>> {
        Ok(lenient::text(row, index)?.and_then(|text| KeyMac::from_hex(&text)))
    };
    let Some(current) = mac(8)? else { return Ok(None) };
    let created_at = lenient::time(row, 5)?.unwrap_or(Timestamp::EPOCH);
    let previous = match (mac(9)?, lenient::time(row, 10)?) {
        (Some(mac), Some(until)) => Some((mac, until)),
        (Some(_) | None, _) => None,
    };
    Ok(Some(KeyRecord {
        key_id: KeyId::from_stored(lenient::string(row, 0)?.unwrap_or_default()),
        agent_id: AgentId::from_stored(lenient::string(row, 1)?.unwrap_or_default()),
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
        version: lenient::count(row, 17)?,
        modified_at: lenient::time(row, 18)?.unwrap_or(created_at),
    }))
}

/// The roles as a JSON array, `NULL` for none.
pub(crate) fn roles_text(roles: &[String]) -> Option<String> {
    (!roles.is_empty()).then(|| serde_json::json!(roles).to_string())
}

fn roles(text: Option<&str>) -> Vec<String> {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// No end only where none is written; one that can't be read is over.
fn end(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Timestamp>> {
    let written = !matches!(row.get_ref(index)?, ValueRef::Null);
    Ok(written.then_some(lenient::time(row, index)?.unwrap_or(Timestamp::EPOCH)))
}

/// Whatever a hand may have written there but nothing and zero takes the key back.
fn revoked(row: &Row<'_>, index: usize) -> rusqlite::Result<bool> {
    Ok(!matches!(row.get_ref(index)?, ValueRef::Null | ValueRef::Integer(0)))
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
