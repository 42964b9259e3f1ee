//! Bodies of the key routes for admins.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::intents::given;

/// Scopes as a list, or as one text split at spaces and commas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ScopeList {
    /// `"intents:read intents:write"`.
    Text(String),
    /// `["intents:read", "intents:write"]`.
    List(Vec<String>),
}

impl ScopeList {
    /// One text, split at spaces.
    #[must_use]
    pub fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::List(words) => words.join(" "),
        }
    }
}

/// A new key.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateKey {
    /// The agent that will use it.
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub agent_id: String,
    /// The team or person that answers for the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub owner: Option<String>,
    /// What the key may do; the default grant when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<ScopeList>,
    /// Roles for the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
    /// Days until it expires, 1 to 3650; 365 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 3650)]
    pub expires_in_days: Option<i64>,
    /// What it may spend on LLM calls in a day, in dollars; 100 when absent, 0 means nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 9_000_000)]
    pub daily_limit: Option<f64>,
    /// The IANA zone of its budget day; UTC when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9/_+-]*$")]
    pub time_zone: Option<String>,
    /// Requests in any 60 seconds; the server's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 10_000_000)]
    pub rate_per_minute: Option<u32>,
    /// Intents that it may have at a time; the server's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub max_intents: Option<u64>,
    /// Bytes that its intents and the answers kept for its idempotency keys may take; the server's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub max_stored_bytes: Option<u64>,
    /// Idempotency keys that may be remembered for it at a time; the server's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub max_idempotency_rows: Option<u64>,
    /// Bytes of audit rows that may name it in a day of UTC; the server's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub max_audit_bytes_per_day: Option<u64>,
}

/// A key as it is shown once, with its secret.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct KeyCreated {
    /// The key itself: shown this once and stored nowhere.
    pub key: String,
    /// Everything else of it.
    #[serde(flatten)]
    pub view: KeyView,
}

/// A key as admins see it, never with its secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KeyView {
    /// Its public name.
    pub key_id: String,
    /// The agent.
    pub agent_id: String,
    /// Who answers for the agent.
    pub owner: Option<String>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Roles for the policy.
    pub roles: Vec<String>,
    /// When it was made.
    pub created_at: String,
    /// When it expires.
    pub expires_at: Option<String>,
    /// Whether it was revoked.
    pub revoked: bool,
    /// Dollars a day for LLM calls.
    pub daily_limit: f64,
    /// Dollars used on `used_on`.
    pub daily_used: f64,
    /// The day that `daily_used` is for.
    pub used_on: Option<String>,
    /// The IANA zone of its budget day.
    pub time_zone: Option<String>,
    /// Requests in any 60 seconds; the server's default when null.
    pub rate_per_minute: Option<u32>,
    /// Intents that it may have at a time; the server's default when null.
    #[serde(default)]
    pub max_intents: Option<u64>,
    /// Bytes that its intents and the answers kept for its idempotency keys may take; the server's default when null.
    #[serde(default)]
    pub max_stored_bytes: Option<u64>,
    /// Idempotency keys that may be remembered for it at a time; the server's default when null.
    #[serde(default)]
    pub max_idempotency_rows: Option<u64>,
    /// Bytes of audit rows that may name it in a day of UTC; the server's default when null.
    #[serde(default)]
    pub max_audit_bytes_per_day: Option<u64>,
    /// What it has of its quotas. Absent in an answer of a server that does not count it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<KeyUsageView>,
    /// Until when the secret before the last rotation still works.
    pub previous_secret_until: Option<String>,
}

/// What a key has of its quotas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyUsageView {
    /// Intents.
    pub intents: QuotaUse,
    /// Bytes of its intents and of the answers kept for its idempotency keys.
    pub stored_bytes: QuotaUse,
    /// Idempotency keys.
    pub idempotency_rows: QuotaUse,
    /// Bytes of audit rows of this day of UTC.
    pub audit_bytes_per_day: QuotaUse,
}

/// How much of a quota is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuotaUse {
    /// What is used; more than the limit when that was lowered.
    pub used: u64,
    /// The limit that holds: the key's own or the server's default.
    pub limit: u64,
}

/// A change of a key. Absent fields stay, null clears.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchKey {
    /// Who answers for the agent.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub owner: Option<Option<String>>,
    /// What the key may do. Can't be null; an empty list takes every right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<ScopeList>,
    /// Roles for the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
    /// Dollars a day for LLM calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 9_000_000)]
    pub daily_limit: Option<f64>,
    /// The IANA zone of its budget day; null means UTC.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9/_+-]*$")]
    pub time_zone: Option<Option<String>>,
    /// Requests in any 60 seconds; null means the server's default.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 0, maximum = 10_000_000)]
    pub rate_per_minute: Option<Option<u32>>,
    /// Intents that it may have at a time; null means the server's default.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub max_intents: Option<Option<u64>>,
    /// Bytes that its intents and the answers kept for its idempotency keys may take; null means the server's default.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub max_stored_bytes: Option<Option<u64>>,
    /// Idempotency keys that may be remembered for it at a time; null means the server's default.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub max_idempotency_rows: Option<Option<u64>>,
    /// Bytes of audit rows that may name it in a day of UTC; null means the server's default.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub max_audit_bytes_per_day: Option<Option<u64>>,
}

/// How to rotate.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateKey {
    /// How long the old secret still works, in seconds; 0 when absent, at most 30 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 2_592_000)]
    pub overlap_seconds: Option<i64>,
}

/// The answer to a revocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Revoked {
    /// Always true.
    pub revoked: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_come_as_text_or_as_a_list() {
        for body in [r#"{"agent_id":"a","scopes":"x y"}"#, r#"{"agent_id":"a","scopes":["x","y"]}"#] {
            let create: CreateKey = serde_json::from_str(body).unwrap();
            assert_eq!(create.scopes.unwrap().into_text(), "x y");
        }
    }
}
