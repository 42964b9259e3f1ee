//! Annotations and findings as intents of the registry.
//!
//! What is to be told to the registry is worked out here, from a report and from what the registry holds; the calls are
//! the caller's. Working it out again after they were made leaves nothing to do.

mod plan;
#[cfg(test)]
mod tests;

use annotations::{Annotated, Registered};
use registry_core::{AgentId, IntentId, NewIntent, RuleError, Status, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::fingerprint::hex_prefix;

pub use plan::{IngestPlan, IngestScope, Update, plan};

/// An intent that the registry holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownIntent {
    /// Its id.
    pub id: String,
    /// Its code.
    pub code: String,
    /// The file that it is about.
    pub file: Option<String>,
    /// The row there.
    pub line: Option<i64>,
    /// Where it stands.
    pub status: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The ticket.
    pub ticket: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Until when.
    pub eta: Option<String>,
    /// Whether it came from here: its `raw` says so ([`MARK`]).
    pub ingested: bool,
}

/// What is written into the `raw` of intents that are created here.
pub const MARK: &str = r#"{"source":"t4 ingest"}"#;

impl KnownIntent {
    /// The intent as something that answers for findings; `None` when it does not: it is about no file, or reserved or
    /// given up.
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

/// The id of the intent for a finding that nothing answers for: the same for the same finding in the same file.
#[must_use]
pub fn id_of(one: &Annotated) -> String {
    let mut hash = Sha256::new();
    hash.update(one.finding.file.as_bytes());
    hash.update([0]);
    hash.update(one.fingerprint.as_bytes());
    format!("{ID_PREFIX}{}", hex_prefix(hash, 12))
}

/// How the ids begin that [`id_of`] gives.
const ID_PREFIX: &str = "T4-finding-";

/// The reserved intent for a finding that nothing answers for.
///
/// # Errors
/// When the registry would not take it: a file name with control characters, a code that is too long.
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

/// A declaration, marked as ours, that keeps every rule of the registry: one that does not would refuse a whole batch.
fn checked(mut new: NewIntent) -> Result<NewIntent, RuleError> {
    new.raw = Some(MARK.to_owned());
    let nobody = AgentId::from_stored(String::new());
    let unused = || IntentId::from_stored(String::new());
    new.clone().into_intent(unused, nobody, Timestamp::from_micros(0)).map(|_| new)
}
