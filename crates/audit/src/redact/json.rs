//! Secrets in JSON values.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::REDACTED;
use super::names::is_secret_name;
use super::scan::redact_text;

/// Depth to which JSON text within a JSON string is parsed.
const MAX_EMBEDDED: u8 = 3;

/// Members whose text names what the member `value` holds, as in `{"name":"API_KEY","value":"…"}`.
const NAMING_MEMBERS: [&str; 6] = ["name", "key", "header", "field", "variable", "env"];

/// Replaces every secret in a value: members with a secret name, whatever their type, and in all other texts, names
/// of members included, what [`redact_text`] finds. A text that is JSON itself is searched as JSON.
///
/// It recurses as deep as the value nests; a parsed value nests at most 128 deep.
pub fn redact_json(value: &mut Value) {
    RedactWalk { by_name: true }.value(value, MAX_EMBEDDED);
}

/// Redacts a detail that the server wrote, by shape alone, because its field names are T4's (`key` of a changed row,
/// say).
pub(crate) fn redact_detail(detail: String) -> String {
    match serde_json::from_str::<Value>(&detail) {
        Ok(mut value) => {
            RedactWalk { by_name: false }.value(&mut value, MAX_EMBEDDED);
            value.to_string()
        }
        Err(_) => match redact_text(&detail) {
            Cow::Borrowed(_) => detail,
            Cow::Owned(redacted) => redacted,
        },
    }
}

/// Whether a text is JSON that holds a secret.
pub(super) fn embedded_json_has_secret(text: &str) -> bool {
    parse_embedded(text).is_some_and(|mut value| RedactWalk { by_name: true }.value(&mut value, MAX_EMBEDDED))
}

fn parse_embedded(text: &str) -> Option<Value> {
    text.trim_start().starts_with(['{', '[', '"']).then(|| serde_json::from_str(text).ok()).flatten()
}

#[derive(Clone, Copy)]
struct RedactWalk {
    by_name: bool,
}

impl RedactWalk {
    /// Redacts a value; returns whether anything changed.
    fn value(self, value: &mut Value, embedded: u8) -> bool {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
            Value::String(text) => self.text(text, embedded),
            Value::Array(items) => {
                items.iter_mut().fold(false, |changed, item| self.value(item, embedded) | changed)
            }
            Value::Object(members) => self.object(members, embedded),
        }
    }

    fn text(self, text: &mut String, embedded: u8) -> bool {
        // A JSON text is parsed, not searched: its escapes could hide where a secret begins.
        if let Some(left) = embedded.checked_sub(1)
            && let Some(mut inner) = parse_embedded(text)
            && self.value(&mut inner, left)
        {
            *text = inner.to_string();
            return true;
        }
        match redact_text(text) {
            Cow::Borrowed(_) => false,
            Cow::Owned(redacted) => {
                *text = redacted;
                true
            }
        }
    }

    fn object(self, members: &mut Map<String, Value>, embedded: u8) -> bool {
        let mut changed = false;
        if self.by_name && names_a_secret_value(members) {
            changed |= members.get_mut("value").is_some_and(hide);
        }
        for (name, member) in members.iter_mut() {
            changed |= if self.by_name && is_secret_name(name) {
                hide(member)
            } else {
                self.value(member, embedded)
            };
        }
        if members.keys().any(|name| matches!(redact_text(name), Cow::Owned(_))) {
            let old = std::mem::take(members);
            members.extend(old.into_iter().map(|(name, member)| (redact_text(&name).into_owned(), member)));
            changed = true;
        }
        changed
    }
}

fn names_a_secret_value(members: &Map<String, Value>) -> bool {
    members.contains_key("value")
        && NAMING_MEMBERS
            .iter()
            .any(|name| members.get(*name).and_then(Value::as_str).is_some_and(is_secret_name))
}

fn hide(value: &mut Value) -> bool {
    let changed = value.as_str() != Some(REDACTED);
    if changed {
        *value = Value::from(REDACTED);
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn gives(mut value: Value, expected: &Value) {
        redact_json(&mut value);
        assert_eq!(&value, expected);
        redact_json(&mut value);
        assert_eq!(&value, expected, "redacting twice changes nothing");
    }

    #[test]
    fn a_secret_name_hides_its_value_whatever_its_type() {
        gives(
            json!({"password": "x", "a": [{"api-key": ["x"], "token": {"b": 1}, "secret": 1, "key": null}], "key_id": "k"}),
            &json!({
                "password": REDACTED,
                "a": [{"api-key": REDACTED, "token": REDACTED, "secret": REDACTED, "key": REDACTED}],
                "key_id": "k",
            }),
        );
    }

    #[test]
    fn a_member_that_names_a_secret_hides_the_value_beside_it() {
        gives(
            json!({"env": [{"name": "API_KEY", "value": "x"}, {"name": "PORT", "value": "80"}]}),
            &json!({"env": [{"name": "API_KEY", "value": REDACTED}, {"name": "PORT", "value": "80"}]}),
        );
    }

    #[test]
    fn a_secret_as_a_name_is_hidden_and_its_member_stays() {
        let key = format!("t4_000000000001_{}", "0".repeat(49));
        gives(json!({key: {"a": 1}}), &json!({"t4_000000000001_[redacted]": {"a": 1}}));
    }

    #[test]
    fn json_within_a_text_is_looked_into() {
        let inner = json!({"password": "x", "b": 1}).to_string();
        let hidden = json!({"password": REDACTED, "b": 1}).to_string();
        gives(json!({"raw": inner}), &json!({"raw": hidden}));
        let key = format!("{{\"a\":\"\\n{}\"}}", "x".repeat(43));
        gives(json!([key]), &json!(["{\"a\":\"\\n[redacted]\"}"]));
    }

    #[test]
    fn a_detail_of_our_own_keeps_its_names_but_no_secret() {
        let detail = json!({"key": "row 7", "token": format!("\n{}", "x".repeat(43))}).to_string();
        let expected = json!({"key": "row 7", "token": "\n[redacted]"}).to_string();
        assert_eq!(redact_detail(detail), expected);
        assert_eq!(redact_detail(format!("no json: {}", "x".repeat(43))), "no json: [redacted]");
    }
}
