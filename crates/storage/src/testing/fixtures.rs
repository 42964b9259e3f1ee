//! Sample intents and keys.

use api_keys::{KeyMac, KeyQuotas, KeyRecord, MAX_QUOTA, ScopeSet};
use registry_core::{AgentId, Intent, IntentId, KeyId, Owner, Status, Timestamp};

/// Point in time, some seconds after a fixed start.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_123_456).plus_seconds(seconds)
}

pub(super) fn id(text: &str) -> IntentId {
    IntentId::from_stored(text.to_owned())
}

/// Intent with a value in every field.
pub(super) fn intent(name: &str) -> Intent {
    Intent {
        id: id(name),
        code: "F821".to_owned(),
        kind: "lint".to_owned(),
        file: Some("src/ä b.py".to_owned()),
        line: Some(7),
        import_text: Some("import x\n\tas y".to_owned()),
        reason_category: Some("plugin".to_owned()),
        reason: Some("it's \"there\"; -- really".to_owned()),
        suggestion: Some("leave it".to_owned()),
        owner: Some(Owner::from_stored("team".to_owned())),
        ticket: Some("T-1".to_owned()),
        eta: Some("2026-12-31".to_owned()),
        status: Status::Planned,
        stored_status: None,
        created_at: at(0),
        modified_at: at(1),
        resolved_at: None,
        raw: Some(r#"{"a":[1,2,{"b":null}]}"#.to_owned()),
        agent_id: Some(AgentId::from_stored("agent".to_owned())),
        version: 1,
    }
}

/// Intent with only the required fields.
pub(super) fn bare(name: &str) -> Intent {
    Intent {
        file: None,
        line: None,
        import_text: None,
        reason_category: None,
        reason: None,
        suggestion: None,
        owner: None,
        ticket: None,
        eta: None,
        status: Status::Reserved,
        raw: None,
        agent_id: None,
        modified_at: at(0),
        ..intent(name)
    }
}

pub(super) fn key_id(name: &str) -> KeyId {
    KeyId::from_stored(name.to_owned())
}

/// Key with a value in every field.
pub(super) fn key(name: &str) -> KeyRecord {
    KeyRecord {
        key_id: key_id(name),
        agent_id: AgentId::from_stored("agent".to_owned()),
        owner: Some(Owner::from_stored("team".to_owned())),
        scopes: ScopeSet::from_stored(Some("intents:read llm:*"), false),
        roles: vec!["admin".to_owned(), "on call, nights".to_owned()],
        created_at: at(0),
        expires_at: Some(at(1000)),
        revoked: false,
        mac: KeyMac::from_bytes([1; 32]),
        previous_mac: Some((KeyMac::from_bytes([2; 32]), at(5))),
        nonce: Some([3; 16]),
        daily_limit_pico_usd: 9_000_000_000_000_000_000,
        daily_used_pico_usd: 1,
        used_on: Some("2026-01-31".to_owned()),
        time_zone: Some("Europe/Berlin".to_owned()),
        rate_per_minute: Some(u32::MAX),
        quotas: KeyQuotas {
            max_intents: Some(0),
            max_stored_bytes: Some(MAX_QUOTA),
            max_idempotency_rows: None,
            max_audit_bytes_per_day: Some(7),
        },
        version: 1,
        modified_at: at(2),
    }
}
