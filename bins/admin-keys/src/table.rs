//! Tables for people, at most 80 columns wide.

use api_types::{KeyView, QuotaUse};
use cli_support::table::{Column, Lines, fields, lay_out_ruled};
use registry_core::Timestamp;

/// Every key on a line, or a few.
pub fn list(keys: &[KeyView], now: Timestamp) -> String {
    if keys.is_empty() {
        return "No keys yet: make one with `admin-keys create --agent-id A`.\n".to_owned();
    }
    // Names may break over lines; what is copied or compared does not.
    let columns = [
        Column::Whole("Key id"),
        Column::Text("Agent"),
        Column::Text("Owner"),
        Column::Whole("State"),
        Column::Whole("Expires"),
        Column::Whole("USD/day"),
    ];
    let rows = keys.iter().map(|key| {
        vec![
            Lines::from(key.key_id.as_str()),
            Lines::from(key.agent_id.as_str()),
            Lines::from(key.owner.as_deref().unwrap_or("-")),
            Lines::from(state(key, now)),
            Lines::from(key.expires_at.as_deref().map_or("never", day)),
            Lines::from(key.daily_limit.to_string()),
        ]
    });
    lay_out_ruled(&columns, rows.collect())
}

/// One key, a line or a few for each of its values.
pub fn show(key: &KeyView, now: Timestamp) -> String {
    let or = |value: &Option<String>, other: &str| value.clone().unwrap_or_else(|| other.to_owned());
    let list = |words: &[String]| if words.is_empty() { "none".to_owned() } else { words.join(" ") };
    let rate = key.rate_per_minute.map_or("the server's default".to_owned(), |rate| rate.to_string());
    let used = match &key.used_on {
        Some(day) => format!("{} USD on {day}", key.daily_used),
        None => "nothing yet".to_owned(),
    };
    let mut lines = vec![
        ("Key id", key.key_id.clone()),
        ("Agent", key.agent_id.clone()),
        ("Owner", or(&key.owner, "none")),
        ("State", state(key, now).to_owned()),
        ("Scopes", list(&key.scopes)),
        ("Roles", list(&key.roles)),
        ("Created", key.created_at.clone()),
        ("Expires", or(&key.expires_at, "never")),
        ("Daily limit", format!("{} USD", key.daily_limit)),
        ("Used", used),
        ("Time zone", or(&key.time_zone, "UTC")),
        ("Requests per minute", rate),
        ("Old secret works until", or(&key.previous_secret_until, "there is none")),
    ];
    if let Some(usage) = &key.usage {
        let of = |QuotaUse { used, limit }: QuotaUse| format!("{used} of {limit}");
        lines.extend([
            ("Intents", of(usage.intents)),
            ("Stored bytes", of(usage.stored_bytes)),
            ("Idempotency keys", of(usage.idempotency_rows)),
            ("Audit bytes today", of(usage.audit_bytes_per_day)),
        ]);
    }
    fields(lines)
}

/// The day of an RFC 3339 time.
pub fn day(time: &str) -> &str {
    time.split_once('T').map_or(time, |(day, _)| day)
}

fn state(key: &KeyView, now: Timestamp) -> &'static str {
    let end = key.expires_at.as_deref().map(Timestamp::parse_lenient);
    match end {
        _ if key.revoked => "revoked",
        Some(Ok(end)) if now >= end => "expired",
        _ => "active",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use api_types::KeyUsageView;

    const MOST: u64 = (1 << 53) - 1;

    fn key(expires_at: &str) -> KeyView {
        KeyView {
            key_id: "t4_000000000001".to_owned(),
            agent_id: "an-agent-with-a-long-name-".repeat(7),
            owner: Some("ein Team mit\u{202e} langem Namen 漢字".repeat(5)),
            scopes: ["intents:read", "intents:write", "llm:call"]
                .repeat(5)
                .into_iter()
                .map(str::to_owned)
                .collect(),
            roles: vec![],
            created_at: "2026-01-01T00:00:00.000000Z".to_owned(),
            expires_at: Some(expires_at.to_owned()),
            revoked: false,
            daily_limit: 8_999_999.123_456,
            daily_used: 0.000_000_01,
            used_on: Some("2026-01-02".to_owned()),
            time_zone: None,
            rate_per_minute: None,
            max_intents: None,
            max_stored_bytes: None,
            max_idempotency_rows: None,
            max_audit_bytes_per_day: None,
            usage: Some(KeyUsageView {
                intents: QuotaUse { used: 3, limit: MOST },
                stored_bytes: QuotaUse { used: MOST, limit: MOST },
                idempotency_rows: QuotaUse { used: 0, limit: MOST },
                audit_bytes_per_day: QuotaUse { used: 0, limit: MOST },
            }),
            previous_secret_until: None,
        }
    }

    #[test]
    fn a_table_is_at_most_80_columns_wide_and_the_key_id_stays_whole() {
        let now = Timestamp::EPOCH;
        let key = key("2027-01-01T00:00:00.000000Z");
        for text in [list(&[key.clone(), key.clone()], now), show(&key, now)] {
            for line in text.lines() {
                let wide = line.chars().filter(|c| ('\u{4e00}'..'\u{a000}').contains(c)).count();
                assert!(line.chars().count() + wide <= 80, "{line}");
            }
            assert!(text.contains("t4_000000000001") && !text.contains('\u{202e}'), "{text}");
            assert!(text.contains("2027-01-01") && text.contains("8999999.123456"), "{text}");
        }
    }

    #[test]
    fn a_key_is_expired_from_its_last_moment_on_and_revoked_before_that() {
        let end = Timestamp::parse("2027-01-01T00:00:00Z").unwrap();
        let key = key(&end.to_string());
        assert_eq!(state(&key, end.plus_micros(-1)), "active");
        assert_eq!(state(&key, end), "expired");
        assert_eq!(state(&KeyView { revoked: true, ..key }, end), "revoked");
    }
}
