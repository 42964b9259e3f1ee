//! Bodies of the key routes for admins.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::intents::given;

/// Scopes as a list, or as one text separated by spaces and commas.
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

/// Body of a new key.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateKey {
    /// Agent that will use it.
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub agent_id: String,
    /// Team or person that answers for the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub owner: Option<String>,
    /// Scopes; the default scopes when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<ScopeList>,
    /// Roles, for policies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
    /// Days until it expires, 1 to 3650; 365 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 3650)]
    pub expires_in_days: Option<i64>,
    /// Daily budget for model calls, in dollars; 100 when absent, 0 allows none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 9_000_000)]
    pub daily_limit: Option<f64>,
    /// IANA time zone of its budget day; UTC when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9/_+-]*$")]
    pub time_zone: Option<String>,
    /// Requests in any 60 seconds; the server's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 10_000_000)]
    pub rate_per_minute: Option<u32>,
    /// Maximum number of intents; the server's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub max_intents: Option<u64>,
    /// Maximum bytes of its intents and of the answers stored for its idempotency keys; the server's default when
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub max_stored_bytes: Option<u64>,
    /// Maximum number of stored idempotency keys; the server's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub max_idempotency_rows: Option<u64>,
    /// Maximum bytes of audit rows that name it in a day of UTC; the server's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub max_audit_bytes_per_day: Option<u64>,
}

/// New key with its secret, shown once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct KeyCreated {
    /// The key itself: shown this once and stored nowhere.
    pub key: String,
    /// The same as for every key.
    #[serde(flatten)]
    pub view: KeyView,
}

/// Key as admins see it, without its secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KeyView {
    /// Key id.
    pub key_id: String,
    /// The agent.
    pub agent_id: String,
    /// Team or person that answers for the agent.
    pub owner: Option<String>,
    /// Scopes.
    pub scopes: Vec<String>,
    /// Roles, for policies.
    pub roles: Vec<String>,
    /// Time of creation.
    pub created_at: String,
    /// Time of expiry.
    pub expires_at: Option<String>,
    /// Whether it was revoked.
    pub revoked: bool,
    /// Daily budget for model calls, in dollars.
    pub daily_limit: f64,
    /// Dollars spent on the day `used_on`.
    pub daily_used: f64,
    /// Day of `daily_used`.
    pub used_on: Option<String>,
    /// IANA time zone of its budget day.
    pub time_zone: Option<String>,
    /// Requests in any 60 seconds; the server's default when null.
    pub rate_per_minute: Option<u32>,
    /// Maximum number of intents; the server's default when null.
    #[serde(default)]
    pub max_intents: Option<u64>,
    /// Maximum bytes of its intents and of the answers stored for its idempotency keys; the server's default when
    /// null.
    #[serde(default)]
    pub max_stored_bytes: Option<u64>,
    /// Maximum number of stored idempotency keys; the server's default when null.
    #[serde(default)]
    pub max_idempotency_rows: Option<u64>,
    /// Maximum bytes of audit rows that name it in a day of UTC; the server's default when null.
    #[serde(default)]
    pub max_audit_bytes_per_day: Option<u64>,
    /// Use of its quotas. Absent in an answer of a server that does not count it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<KeyUsageView>,
    /// Time until which the secret before the last rotation is valid.
    pub previous_secret_until: Option<String>,
}

/// Use of a key's quotas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyUsageView {
    /// Intents.
    pub intents: QuotaUse,
    /// Bytes of its intents and of the answers stored for its idempotency keys.
    pub stored_bytes: QuotaUse,
    /// Idempotency keys.
    pub idempotency_rows: QuotaUse,
    /// Bytes of audit rows of this day of UTC.
    pub audit_bytes_per_day: QuotaUse,
}

/// Use of one quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuotaUse {
    /// Used amount; more than the limit when the limit was lowered.
    pub used: u64,
    /// Limit: the key's or the server's default.
    pub limit: u64,
}

/// Body of a change of a key. Absent members keep their value, null clears it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchKey {
    /// Team or person that answers for the agent.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    pub owner: Option<Option<String>>,
    /// Scopes. Can't be null; an empty list removes every right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<ScopeList>,
    /// Roles, for policies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
    /// Daily budget for model calls, in dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 9_000_000)]
    pub daily_limit: Option<f64>,
    /// IANA time zone of its budget day; null means UTC.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9/_+-]*$")]
    pub time_zone: Option<Option<String>>,
    /// Requests in any 60 seconds; null means the server's default.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 0, maximum = 10_000_000)]
    pub rate_per_minute: Option<Option<u32>>,
    /// Maximum number of intents; null means the server's default.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub max_intents: Option<Option<u64>>,
    /// Maximum bytes of its intents and of the answers stored for its idempotency keys; null means the server's
    /// default.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub max_stored_bytes: Option<Option<u64>>,
    /// Maximum number of stored idempotency keys; null means the server's default.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub max_idempotency_rows: Option<Option<u64>>,
    /// Maximum bytes of audit rows that name it in a day of UTC; null means the server's default.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>, minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pub max_audit_bytes_per_day: Option<Option<u64>>,
}

/// Body of a rotation.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateKey {
    /// How long the old secret stays valid, in seconds; 0 when absent, at most 30 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 2_592_000)]
    pub overlap_seconds: Option<i64>,
}

/// Answer to a revocation.
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
