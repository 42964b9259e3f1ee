//! Digest of a database's schema, and the row of the log that states it.
//!
//! Triggers, views, indexes and constraints change what a statement does. A trigger that deletes each new row of one
//! agent would leave a log that is consistent by itself. So the log states the schema, and verification compares the
//! database's schema with the newest statement.

use std::collections::BTreeMap;

use canonical::{Digest, ObjectWriter, leaf_hash};
use registry_core::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Actor, Record, event};

/// Number of objects that a statement lists one by one at most. For a larger schema it has only the digest.
const MAX_LISTED: usize = 500;
/// Number of differences that [`SchemaStatement::difference`] names at most.
const MAX_NAMED: usize = 5;

/// Object of a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaObject {
    /// `table`, `index`, `trigger` or `view`.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Table that it belongs to.
    pub table: String,
    /// Statement that created it; `None` for an index that a constraint created.
    pub sql: Option<String>,
}

/// Schema as digests: one for each object, and one over all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaDigest {
    /// Digest of each object, by kind and name (`trigger hide`).
    objects: BTreeMap<String, Digest>,
}

impl SchemaDigest {
    /// Computes the digests of these objects, in any order.
    #[must_use]
    pub fn of(objects: &[SchemaObject]) -> Self {
        let digest = |object: &SchemaObject| {
            let mut fields = ObjectWriter::with_capacity(512);
            fields.field_str("name", &object.name);
            fields.field_opt_str("sql", object.sql.as_deref());
            fields.field_str("table", &object.table);
            fields.field_str("type", &object.kind);
            (format!("{} {}", object.kind, object.name), leaf_hash(&fields.finish()))
        };
        Self { objects: objects.iter().map(digest).collect() }
    }

    /// Whether there is an object of this kind and name.
    #[must_use]
    pub fn has(&self, kind: &str, name: &str) -> bool {
        self.objects.contains_key(&format!("{kind} {name}"))
    }

    /// Returns SHA-256(`"t4/schema/v1\0"` ‖ the digest of each object, ordered by kind and name).
    #[must_use]
    pub fn sha256(&self) -> Digest {
        let mut parts: Vec<&[u8]> = vec![b"t4/schema/v1\0"];
        parts.extend(self.objects.values().map(|digest| digest.as_bytes().as_slice()));
        Digest::sha256_parts(&parts)
    }
}

/// Statement of the log about its database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaStatement {
    /// Digest of the schema.
    pub sha256: Digest,
    /// Digest of each object by kind and name; empty for a schema with very many objects.
    pub objects: BTreeMap<String, Digest>,
    /// Id of the log's first row. The id of every other row follows from its sequence number.
    pub first_id: i64,
    /// Digest over all columns of the adopted rows ([`ExactDigest`](crate::ExactDigest)).
    pub adopted_sha256: Digest,
    /// Description of what an operator has accepted; `None` for a schema that this program made.
    pub accepted: Option<String>,
}

/// [`SchemaStatement`] as part of a row's detail.
#[derive(Serialize, Deserialize)]
struct StatementDetail {
    adopted_sha256: String,
    first_id: i64,
    objects: BTreeMap<String, String>,
    schema_sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accepted: Option<String>,
}

/// Part of a detail that has a statement. A genesis row has more.
#[derive(Serialize, Deserialize)]
struct WithStatement {
    statement: StatementDetail,
}

impl SchemaStatement {
    /// Creates the statement of a schema.
    #[must_use]
    pub fn new(schema: &SchemaDigest, first_id: i64, adopted_sha256: Digest) -> Self {
        let listed = schema.objects.len() <= MAX_LISTED;
        let objects = if listed { schema.objects.clone() } else { BTreeMap::new() };
        Self { sha256: schema.sha256(), objects, first_id, adopted_sha256, accepted: None }
    }

    /// Reads the statement of a record; `None` for a record of another kind, for a genesis row of an earlier version,
    /// and for a detail that can't be read.
    #[must_use]
    pub fn of(record: &Record) -> Option<Self> {
        if record.event != event::SCHEMA && record.event != event::GENESIS {
            return None;
        }
        let detail: WithStatement = serde_json::from_str(record.detail.as_deref()?).ok()?;
        let detail = detail.statement;
        let hex = |text: &String| Digest::from_hex(text).ok();
        let objects = detail.objects.iter().map(|(name, digest)| Some((name.clone(), hex(digest)?)));
        Some(Self {
            sha256: hex(&detail.schema_sha256)?,
            objects: objects.collect::<Option<_>>()?,
            first_id: detail.first_id,
            adopted_sha256: hex(&detail.adopted_sha256)?,
            accepted: detail.accepted,
        })
    }

    /// Returns the row that makes this statement. The first statement of a new log is part of its genesis row.
    #[must_use]
    pub fn record(&self, at: Timestamp, actor: Actor) -> Record {
        let mut record = Record::of(event::SCHEMA, at, actor);
        record.detail = Some(json!({ "statement": self.detail() }).to_string());
        record
    }

    /// Returns the statement as a member `statement` of a detail.
    pub(crate) fn detail(&self) -> Value {
        let detail = StatementDetail {
            adopted_sha256: self.adopted_sha256.to_string(),
            first_id: self.first_id,
            objects: self.objects.iter().map(|(name, digest)| (name.clone(), digest.to_string())).collect(),
            schema_sha256: self.sha256.to_string(),
            accepted: self.accepted.clone(),
        };
        json!(detail)
    }

    /// Returns what differs from the stated schema, in words: `trigger hide was added`. `None` when nothing differs.
    #[must_use]
    pub fn difference(&self, found: &SchemaDigest) -> Option<String> {
        if self.sha256 == found.sha256() {
            return None;
        }
        let mut differences = Vec::new();
        if !self.objects.is_empty() {
            for (name, digest) in &found.objects {
                match self.objects.get(name) {
                    None => differences.push(format!("{name} was added")),
                    Some(stated) if stated != digest => differences.push(format!("{name} was changed")),
                    Some(_) => {}
                }
            }
            let removed = self.objects.keys().filter(|name| !found.objects.contains_key(*name));
            differences.extend(removed.map(|name| format!("{name} was removed")));
        }
        let more = differences.len().saturating_sub(MAX_NAMED);
        differences.truncate(MAX_NAMED);
        if more > 0 {
            differences.push(format!("{more} more objects differ"));
        }
        if differences.is_empty() {
            differences.push("its digest differs".to_owned());
        }
        Some(differences.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str, name: &str, sql: &str) -> SchemaObject {
        SchemaObject {
            kind: kind.to_owned(),
            name: name.to_owned(),
            table: "audit_log".to_owned(),
            sql: Some(sql.to_owned()),
        }
    }

    fn statement(objects: &[SchemaObject]) -> SchemaStatement {
        SchemaStatement::new(&SchemaDigest::of(objects), 4, Digest::sha256(b"a"))
    }

    #[test]
    fn every_part_of_an_object_counts_and_the_order_does_not() {
        let table = object("table", "audit_log", "CREATE TABLE audit_log (id)");
        let trigger = object("trigger", "t", "CREATE TRIGGER t");
        let whole = SchemaDigest::of(&[table.clone(), trigger.clone()]).sha256();
        assert_eq!(SchemaDigest::of(&[trigger.clone(), table.clone()]).sha256(), whole);
        let changed = [
            SchemaObject { sql: None, ..trigger.clone() },
            SchemaObject { sql: Some("CREATE TRIGGER t ".to_owned()), ..trigger.clone() },
            SchemaObject { table: "intents".to_owned(), ..trigger.clone() },
            SchemaObject { name: "u".to_owned(), ..trigger.clone() },
            SchemaObject { kind: "view".to_owned(), ..trigger },
        ];
        for change in changed {
            assert_ne!(SchemaDigest::of(&[table.clone(), change.clone()]).sha256(), whole, "{change:?}");
        }
        assert_ne!(SchemaDigest::of(&[table]).sha256(), whole);
    }

    #[test]
    fn a_statement_is_read_back_from_its_record_and_from_no_other() {
        let mut stated = statement(&[object("table", "audit_log", "x"), object("trigger", "t \"1\"", "y")]);
        stated.accepted = Some("trigger t was added".to_owned());
        let mut record = stated.record(Timestamp::EPOCH, Actor::System);
        assert_eq!(SchemaStatement::of(&record), Some(stated));
        record.event = event::TOOL.into();
        assert_eq!(SchemaStatement::of(&record), None);
    }

    #[test]
    fn a_difference_names_what_was_added_changed_and_removed() {
        let (a, b) = (object("index", "a", "1"), object("index", "b", "2"));
        let stated = statement(&[a.clone(), b]);
        let found = SchemaDigest::of(&[object("index", "a", "changed"), object("trigger", "hide", "3")]);
        let difference = stated.difference(&found).unwrap();
        assert_eq!(difference, "index a was changed; trigger hide was added; index b was removed");
        assert_eq!(stated.difference(&SchemaDigest::of(&[a, object("index", "b", "2")])), None);
    }

    #[test]
    fn many_differences_are_named_in_part_and_a_large_schema_by_its_digest() {
        let many: Vec<_> = (0..600).map(|n| object("trigger", &format!("t{n}"), "x")).collect();
        let difference =
            statement(&[object("table", "t", "x")]).difference(&SchemaDigest::of(&many)).unwrap();
        assert!(difference.contains("596 more objects differ") && difference.len() < 300, "{difference}");
        let large = statement(&many);
        assert!(large.objects.is_empty());
        assert_eq!(large.difference(&SchemaDigest::of(&many)), None);
        assert_eq!(large.difference(&SchemaDigest::of(&many[1..])).as_deref(), Some("its digest differs"));
    }
}
