//! Detail of an audit row: values that were stored and differ from the body, such as new ids, defaults, normalised
//! statuses and paths. The body is kept as it arrived.

use api_types::{CreateIntent, IntentView, KeyView};
use audit::Body;
use canonical::Digest;
use serde_json::{Map, Value, json};

/// What a creator sent for the members that the registry may store differently.
#[derive(Debug, Clone, Default)]
pub(crate) struct SaidOfIntent {
    id: Option<String>,
    kind: Option<String>,
    file: Option<String>,
    status: Option<String>,
}

impl SaidOfIntent {
    pub(crate) fn of(body: &CreateIntent) -> Self {
        let CreateIntent { id, kind, file, status, .. } = body;
        Self { id: id.clone(), kind: kind.clone(), file: file.clone(), status: status.clone() }
    }

    /// Creates it for a change of the status, without the members that it can't change.
    pub(crate) fn status_of(intent: &IntentView, status: Option<String>) -> Self {
        Self {
            id: Some(intent.id.clone()),
            kind: Some(intent.kind.clone()),
            file: intent.file.clone(),
            status: status.or_else(|| Some(intent.status.clone())),
        }
    }

    /// Returns the members that were stored differently.
    fn differences(&self, stored: &IntentView) -> Map<String, Value> {
        let mut fields = Map::new();
        for (name, said, stored) in [
            ("id", &self.id, Some(&stored.id)),
            ("type", &self.kind, Some(&stored.kind)),
            ("file", &self.file, stored.file.as_ref()),
            ("status", &self.status, Some(&stored.status)),
        ] {
            if let Some(stored) = stored.filter(|stored| said.as_ref() != Some(stored)) {
                fields.insert(name.to_owned(), json!(stored));
            }
        }
        fields
    }

    /// Returns the record's detail for one intent; `None` when the body said it all.
    pub(crate) fn detail(&self, stored: &IntentView) -> Option<String> {
        let fields = self.differences(stored);
        (!fields.is_empty()).then(|| bounded(&Value::Object(fields)))
    }
}

/// Returns the record's detail for the intents of a batch, in its order.
pub(crate) fn batch_detail(said: &[SaidOfIntent], stored: &[IntentView]) -> Option<String> {
    let each: Vec<_> = said.iter().zip(stored).map(|(said, stored)| said.differences(stored)).collect();
    each.iter().any(|fields| !fields.is_empty()).then(|| bounded(&json!(each)))
}

/// Returns the record's detail for placeholders.
pub(crate) fn placeholders_detail(reserved: &[IntentView]) -> Option<String> {
    let each: Vec<_> =
        reserved.iter().map(|intent| json!({ "id": intent.id, "file": intent.file })).collect();
    (!each.is_empty()).then(|| bounded(&json!(each)))
}

/// Returns the record's detail for a new key.
pub(crate) fn key_detail(key: &KeyView) -> String {
    let KeyView { key_id, scopes, expires_at, daily_limit, .. } = key;
    bounded(
        &json!({ "key_id": key_id, "scopes": scopes, "expires_at": expires_at, "daily_limit": daily_limit }),
    )
}

/// Returns the detail as JSON text; of a detail larger than a body may be, the length and the digest.
fn bounded(stored: &Value) -> String {
    let text = stored.to_string();
    if text.len() <= Body::MAX_KEPT_BYTES {
        return json!({ "stored": stored }).to_string();
    }
    let digest = Digest::sha256(text.as_bytes()).to_string();
    json!({ "stored_bytes": text.len(), "stored_sha256": digest }).to_string()
}
