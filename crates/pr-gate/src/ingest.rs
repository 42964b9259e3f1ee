//! Annotations and findings as intents of the registry.
//!
//! This module compares a report with the intents of the registry and returns the intents to create or change. The
//! caller makes the requests. The plan is idempotent: after it was applied, the next plan is empty.

mod plan;
#[cfg(test)]
mod tests;

use annotations::{Annotated, Registered};
use registry_core::{AgentId, IntentId, NewIntent, RuleError, Status, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::fingerprint::hex_prefix;

pub use plan::{IngestPlan, IngestScope, Update, plan};

/// An intent in the registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownIntent {
    /// Its id.
    pub id: String,
    /// Its code.
    pub code: String,
    /// Its file.
    pub file: Option<String>,
    /// The row in the file.
    pub line: Option<i64>,
    /// Its status.
    pub status: String,
    /// Its owner.
    pub owner: Option<String>,
    /// Its ticket.
    pub ticket: Option<String>,
    /// Its reason.
    pub reason: Option<String>,
    /// Its date.
    pub eta: Option<String>,
    /// Whether `t4 ingest` created it: its `raw` is [`MARK`].
    pub ingested: bool,
}

/// The `raw` of intents that `t4 ingest` creates.
pub const MARK: &str = r#"{"source":"t4 ingest"}"#;

impl KnownIntent {
    /// Converts the intent to one that answers for findings. Returns `None` when it does not: it has no file, or its
    /// status is reserved, expired or unknown.
    #[must_use]
    pub fn answers(&self) -> Option<Registered> {
        let taken = match Status::parse(&self.status)? {
            Status::Planned | Status::Committed | Status::Implemented | Status::Accepted => true,
            Status::Reserved | Status::Expired => false,
        };
        Some(Registered {
            id: self.id.clone(),
            file: self.file.clone().filter(|_| taken)?,
            code: self.code.clone(),
            line: self.line.and_then(|line| u32::try_from(line).ok()),
            status: self.status.clone(),
            owner: self.owner.clone(),
            ticket: self.ticket.clone(),
            reason: self.reason.clone(),
        })
    }
}

/// Returns the id of the intent for an unanswered finding. The id depends only on the file and the fingerprint.
#[must_use]
pub fn id_of(one: &Annotated) -> String {
    let mut hash = Sha256::new();
    hash.update(one.finding.file.as_bytes());
    hash.update([0]);
    hash.update(one.fingerprint.as_bytes());
    format!("{ID_PREFIX}{}", hex_prefix(hash, 12))
}

/// The prefix of the ids that [`id_of`] returns.
const ID_PREFIX: &str = "T4-finding-";

/// Returns the reserved intent for an unanswered finding.
///
/// # Errors
/// The registry would refuse it, for example because the file name has control characters or the code is too long.
pub fn reserve(one: &Annotated) -> Result<NewIntent, RuleError> {
    let message: String = one.finding.message.chars().filter(|c| !c.is_control()).take(1000).collect();
    checked(NewIntent {
        id: Some(id_of(one)),
        code: one.finding.code.clone(),
        file: Some(one.finding.file.clone()),
        line: Some(i64::from(one.finding.start.row.max(1))),
        reason: Some(message).filter(|message| !message.is_empty()),
        status: Some(Status::Reserved.as_str().to_owned()),
        ..NewIntent::default()
    })
}

/// Adds [`MARK`] to a new intent and checks it by the rules of the registry. The registry refuses a whole batch if one
/// intent breaks a rule.
fn checked(mut new: NewIntent) -> Result<NewIntent, RuleError> {
    new.raw = Some(MARK.to_owned());
    let nobody = AgentId::from_stored(String::new());
    let unused = || IntentId::from_stored(String::new());
    new.clone().into_intent(unused, nobody, Timestamp::from_micros(0)).map(|_| new)
}
