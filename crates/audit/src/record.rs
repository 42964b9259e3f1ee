//! Record: one row of the log, version 1, and its leaf.

use std::borrow::Cow;

use canonical::{Digest, ObjectWriter, leaf_hash};
use registry_core::Timestamp;

use crate::Actor;

/// Version of the rows that this crate writes. The fields of a version never change.
pub const RECORD_VERSION: u8 = 1;

/// Kinds of rows.
pub mod event {
    /// HTTP request.
    pub const REQUEST: &str = "request";
    /// First row of a log.
    pub const GENESIS: &str = "genesis";
    /// Refusals that were counted instead of written one by one.
    pub const REFUSALS: &str = "refusals";
    /// Requests without valid credentials that were counted instead of written one by one.
    pub const ANONYMOUS: &str = "anonymous";
    /// Change of the database file by another program.
    pub const OUTSIDE_CHANGE: &str = "outside_change";
    /// Retention: bodies before some row may be missing from here on.
    pub const RETENTION: &str = "retention";
    /// Model call that may be sent: its worst case is held. For the first attempt of an HTTP request, the row of the
    /// request says so (outcome `authorised`).
    pub const LLM_AUTHORISED: &str = "llm_authorised";
    /// End of a model call, and its cost.
    pub const LLM_OUTCOME: &str = "llm_outcome";
    /// Schema of the database from here on.
    pub const SCHEMA: &str = "schema";
    /// Run of a command-line tool on the database file.
    pub const TOOL: &str = "tool";
}

/// Row of the log. The columns of the database have the names of these fields.
///
/// The leaf covers all fields but `body`, of which it covers the digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The version of these fields, [`RECORD_VERSION`].
    pub v: u8,
    /// Kind of the row, one of [`event`].
    pub event: Cow<'static, str>,
    /// Time at which the request arrived.
    pub timestamp: Timestamp,
    /// Request id.
    pub request_id: Option<String>,
    /// Kind of principal.
    pub actor: Actor,
    /// Key id, never the key.
    pub api_key: Option<String>,
    /// Agent of the key.
    pub agent_id: Option<String>,
    /// Address of the client.
    pub ip: Option<String>,
    /// HTTP method.
    pub method: Option<String>,
    /// Template of the route (`/intents/{id}`), or a tool's command.
    pub route: Option<String>,
    /// Path and query, redacted.
    pub path: Option<String>,
    /// HTTP status of the answer.
    pub status_code: Option<u16>,
    /// `ok`, or the code of the refusal.
    pub outcome: String,
    /// Number of acts that this row stands for: more than 1 only for rows of counts.
    pub count: u64,
    /// Length of the text whose digest is `body_sha256`.
    pub body_bytes: u64,
    /// Whether the body was kept in the row.
    pub body_kept: bool,
    /// Digest in hexadecimal: of the redacted body when it was kept or parsed, else of the body as it arrived.
    pub body_sha256: Option<String>,
    /// Detail, as JSON text.
    pub detail: Option<String>,
    /// Redacted body. It may be pruned later, so the leaf does not cover it.
    pub body: Option<String>,
}

impl Record {
    /// Creates a record with an event, a time and an actor.
    #[must_use]
    pub fn of(event: impl Into<Cow<'static, str>>, timestamp: Timestamp, actor: Actor) -> Self {
        Self {
            v: RECORD_VERSION,
            event: event.into(),
            timestamp,
            request_id: None,
            actor,
            api_key: None,
            agent_id: None,
            ip: None,
            method: None,
            route: None,
            path: None,
            status_code: None,
            outcome: "ok".to_owned(),
            count: 1,
            body_bytes: 0,
            body_kept: false,
            body_sha256: None,
            detail: None,
            body: None,
        }
    }

    /// Returns SHA-256(0x00 ‖ canonical JSON of the record without `body`).
    #[must_use]
    pub fn leaf(&self) -> Digest {
        leaf_hash(&self.canonical())
    }

    /// Returns the bytes of the leaf. They are written field by field, because this runs for every request.
    fn canonical(&self) -> Vec<u8> {
        let mut object = ObjectWriter::with_capacity(640);
        object.field_str("actor", self.actor.as_str());
        object.field_opt_str("agent_id", self.agent_id.as_deref());
        object.field_opt_str("api_key", self.api_key.as_deref());
        object.field_u64("body_bytes", self.body_bytes);
        object.field_bool("body_kept", self.body_kept);
        object.field_opt_str("body_sha256", self.body_sha256.as_deref());
        object.field_u64("count", self.count);
        object.field_opt_str("detail", self.detail.as_deref());
        object.field_str("event", &self.event);
        object.field_opt_str("ip", self.ip.as_deref());
        object.field_opt_str("method", self.method.as_deref());
        object.field_str("outcome", &self.outcome);
        object.field_opt_str("path", self.path.as_deref());
        object.field_opt_str("request_id", self.request_id.as_deref());
        object.field_opt_str("route", self.route.as_deref());
        object.field_opt_u64("status_code", self.status_code.map(u64::from));
        object.field_str("timestamp", &self.timestamp.to_string());
        object.field_u64("v", u64::from(self.v));
        object.finish()
    }
}

/// Chain value before the first row.
pub const GENESIS_CHAIN: Digest = Digest::from_bytes([0; 32]);

/// Returns the chain value of a row: SHA-256(`"t4/chain/v1\0"` ‖ the chain value before it ‖ its leaf).
#[must_use]
pub fn chain(previous: &Digest, leaf: &Digest) -> Digest {
    Digest::sha256_parts(&[b"t4/chain/v1\0", previous.as_bytes(), leaf.as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn the_chain_is_the_digest_that_the_design_writes_down() {
        let leaf = Digest::sha256(b"leaf");
        let mut bytes = b"t4/chain/v1\0".to_vec();
        bytes.extend([0; 32]);
        bytes.extend(leaf.as_bytes());
        assert_eq!(chain(&GENESIS_CHAIN, &leaf), Digest::sha256(&bytes));
        assert_ne!(chain(&leaf, &GENESIS_CHAIN), chain(&GENESIS_CHAIN, &leaf));
    }

    fn any_record() -> impl Strategy<Value = Record> {
        let texts = proptest::collection::vec(any::<Option<String>>(), 9);
        (texts, any::<(String, u16, u32, bool, i32)>(), 0..4_usize).prop_map(|(texts, numbers, actor)| {
            let mut texts = texts.into_iter();
            let mut next = || texts.next().flatten();
            let (outcome, status, count, kept, seconds) = numbers;
            let mut record = Record::of(
                event::REQUEST,
                Timestamp::EPOCH.plus_seconds(i64::from(seconds)),
                Actor::ALL[actor],
            );
            record.request_id = next();
            record.api_key = next();
            record.agent_id = next();
            record.ip = next();
            record.method = next();
            record.route = next();
            record.path = next();
            record.body_sha256 = next();
            record.detail = next();
            record.outcome = outcome;
            record.status_code = (status != 0).then_some(status);
            record.count = u64::from(count);
            record.body_kept = kept;
            record
        })
    }

    /// A change to one field.
    type Flip = fn(&mut Record);

    fn flip(text: &mut Option<String>) {
        match text {
            Some(text) => text.push('x'),
            None => *text = Some(String::new()),
        }
    }

    /// Every field but the body.
    const FLIPS: [Flip; 18] = [
        |r| r.v = r.v.wrapping_add(1),
        |r| r.event.to_mut().push('x'),
        |r| r.timestamp = r.timestamp.plus_micros(1),
        |r| flip(&mut r.request_id),
        |r| r.actor = if r.actor == Actor::Admin { Actor::Agent } else { Actor::Admin },
        |r| flip(&mut r.api_key),
        |r| flip(&mut r.agent_id),
        |r| flip(&mut r.ip),
        |r| flip(&mut r.method),
        |r| flip(&mut r.route),
        |r| flip(&mut r.path),
        |r| r.status_code = r.status_code.map_or(Some(0), |_| None),
        |r| r.outcome.push('x'),
        |r| r.count += 1,
        |r| r.body_bytes += 1,
        |r| r.body_kept = !r.body_kept,
        |r| flip(&mut r.body_sha256),
        |r| flip(&mut r.detail),
    ];

    proptest! {
        #[test]
        fn a_flip_in_any_field_changes_the_leaf(record in any_record()) {
            for (index, change) in FLIPS.iter().enumerate() {
                let mut flipped = record.clone();
                change(&mut flipped);
                prop_assert_ne!(record.leaf(), flipped.leaf(), "flip {}", index);
            }
        }

        #[test]
        fn the_leaf_is_that_of_the_canonical_json_without_the_body(
            record in any_record(),
            body in any::<Option<String>>(),
        ) {
            // Every field is named here, so that one more in the struct asks for its place in the leaf.
            let mut with_body = record.clone();
            with_body.body = body;
            let Record {
                v, event, timestamp, request_id, actor, api_key, agent_id, ip, method, route, path, status_code,
                outcome, count, body_bytes, body_kept, body_sha256, detail, body: _,
            } = record;
            let value = json!({
                "v": v, "event": event, "timestamp": timestamp.to_string(), "request_id": request_id,
                "actor": actor.as_str(), "api_key": api_key, "agent_id": agent_id, "ip": ip, "method": method,
                "route": route, "path": path, "status_code": status_code, "outcome": outcome, "count": count,
                "body_bytes": body_bytes, "body_kept": body_kept, "body_sha256": body_sha256, "detail": detail,
            });
            let text = canonical::to_jcs(&value).unwrap();
            prop_assert_eq!(with_body.leaf(), leaf_hash(text.as_bytes()));
        }
    }
}
