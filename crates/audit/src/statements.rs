//! Records that the server makes about the log.

use canonical::Digest;
use registry_core::{KnownSecrets, Timestamp};
use serde_json::{Value, json};

use crate::redact::redact_detail;
use crate::{Actor, Adopted, Record, SchemaStatement, event};

/// Creates the first row of a log. It names the log, states the digest of the rows adopted from the original service,
/// and makes the first statement of the schema. Logs of earlier versions make that statement in a later row.
#[must_use]
pub fn genesis_record(
    at: Timestamp,
    log_id: &str,
    adopted: &Adopted,
    statement: Option<&SchemaStatement>,
) -> Record {
    let mut detail = json!({
        "adopted": adopted.count,
        "adopted_sha256": adopted.sha256.as_ref().map(Digest::to_string),
        "log_id": log_id,
    });
    if let (Some(statement), Value::Object(detail)) = (statement, &mut detail) {
        detail.insert("statement".to_owned(), statement.detail());
    }
    stated(event::GENESIS, at, detail.to_string())
}

/// Reads the name of the log from a genesis record; `None` for any other record.
#[must_use]
pub fn log_id_of(record: &Record) -> Option<String> {
    if record.event != event::GENESIS {
        return None;
    }
    let detail: Value = serde_json::from_str(record.detail.as_deref()?).ok()?;
    detail.get("log_id")?.as_str().map(str::to_owned)
}

/// Creates a retention record: bodies of rows before `bodies_before_seq` may be missing from here on. Verification
/// accepts a missing body only when such a row comes later in the log.
#[must_use]
pub fn retention_record(at: Timestamp, bodies_before_seq: u64) -> Record {
    stated(event::RETENTION, at, json!({ "bodies_before_seq": bodies_before_seq }).to_string())
}

/// Reads the horizon of a retention record.
pub(crate) fn horizon_of(record: &Record) -> Option<u64> {
    if record.event != event::RETENTION {
        return None;
    }
    let detail: Value = serde_json::from_str(record.detail.as_deref()?).ok()?;
    detail.get("bodies_before_seq")?.as_u64()
}

/// Change of the database by another program, as the database noticed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalChange {
    /// `api_keys` or `intents`.
    pub table: String,
    /// Key of the row.
    pub key: String,
    /// `insert`, `update` or `delete`.
    pub kind: String,
    /// Time, as the database saw it.
    pub at: String,
}

/// Creates the record of a change by another program, without the secrets that are known by value.
#[must_use]
pub fn external_change_record(at: Timestamp, change: &ExternalChange, secrets: &KnownSecrets) -> Record {
    let ExternalChange { table, key, kind, at: noticed } = change;
    let detail = json!({ "table": table, "key": key, "kind": kind, "at": noticed }).to_string();
    stated(event::OUTSIDE_CHANGE, at, redact_detail(secrets.clean(&detail).into_owned()))
}

fn stated(event: &'static str, at: Timestamp, detail: String) -> Record {
    let mut record = Record::of(event, at, Actor::System);
    record.detail = Some(detail);
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn genesis_names_the_log_and_what_it_adopted() {
        let digest = Digest::sha256(b"rows");
        let adopted = Adopted { count: 3, sha256: Some(digest) };
        let record = genesis_record(Timestamp::EPOCH, "log-\"1\"", &adopted, None);
        let detail: Value = serde_json::from_str(record.detail.as_deref().unwrap()).unwrap();
        let expected =
            serde_json::json!({"log_id": "log-\"1\"", "adopted": 3, "adopted_sha256": digest.to_string()});
        assert_eq!(detail, expected);
        assert_eq!((&*record.event, record.actor), ("genesis", Actor::System));
        assert_eq!(log_id_of(&record).as_deref(), Some("log-\"1\""));
    }

    #[test]
    fn only_a_retention_record_states_a_horizon() {
        let mut record = retention_record(Timestamp::EPOCH, 7);
        assert_eq!(horizon_of(&record), Some(7));
        record.event = event::TOOL.into();
        assert_eq!(horizon_of(&record), None);
    }
}
