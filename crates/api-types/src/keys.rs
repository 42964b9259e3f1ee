//! Bodies of the admins' key routes.

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
    /// Until when the secret before the last rotation still works.
    pub previous_secret_until: Option<String>,
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
