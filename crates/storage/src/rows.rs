//! Row types shared by use cases and stores.

use registry_core::{AgentId, Intent, IntentId, Owner, Timestamp};

/// Whether an insert found its place free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inserted {
    /// It is in.
    Yes,
    /// The id was taken; nothing changed.
    No {
        /// What is there.
        existing: Box<Intent>,
        /// The digest of the body that created it; `None` for rows that this product did not create.
        creation: Option<[u8; 32]>,
    },
}

/// Which intents a list shows. All that are given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntentQuery {
    /// Status text as stored.
    pub status: Option<String>,
    /// Code.
    pub code: Option<String>,
    /// File.
    pub file: Option<String>,
    /// Owner.
    pub owner: Option<Owner>,
    /// Creator.
    pub agent_id: Option<AgentId>,
}

/// A part of a list that was found by looking through rows in the order of their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanPage {
    /// What fits the filter.
    pub rows: Vec<Intent>,
    /// The last id that was looked at; the next part starts after it.
    pub looked_up_to: Option<IntentId>,
    /// Whether the end was reached.
    pub done: bool,
}

/// Which rows of the audit log a list shows. All that are given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// The agent.
    pub agent_id: Option<String>,
    /// The start of the path.
    pub path: Option<String>,
    /// HTTP status.
    pub status: Option<u16>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

/// What an idempotency key stood for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recalled {
    /// The digest of the body that it came with.
    pub fingerprint: [u8; 32],
    /// The serialised outcome of the use case.
    pub outcome: String,
}

/// What an idempotency key is to stand for.
#[derive(Debug, Clone, Copy)]
pub struct Remembered<'a> {
    /// Who sent it (a key id, or `admin`).
    pub caller: &'a str,
    /// The use case.
    pub operation: &'a str,
    /// The key.
    pub key: &'a str,
    /// The digest of the body.
    pub fingerprint: &'a [u8; 32],
    /// The serialised outcome of the use case.
    pub outcome: &'a str,
    /// When.
    pub at: Timestamp,
}

/// A point up to which the audit log was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedCheckpoint {
    /// The place after the last row that it covers.
    pub next_seq: u64,
    /// The chain's value there.
    pub chain: [u8; 32],
}

/// A list of intents by index, and where it begins.
#[derive(Debug, Clone, Copy)]
pub enum IntentList<'a> {
    /// Of a file in the order of (line, id), rows without a line first.
    ByFile {
        /// The file.
        file: &'a str,
        /// Behind which place.
        after: Option<(Option<i64>, &'a str)>,
    },
    /// Of an owner, newest change first (ties by id, descending).
    ByOwner {
        /// The owner.
        owner: &'a Owner,
        /// Behind which place.
        before: Option<(Timestamp, &'a str)>,
    },
    /// In a status that can go stale, oldest change first (ties by id).
    Stale {
        /// Last changed before this.
        cutoff: Timestamp,
        /// Behind which place.
        after: Option<(Timestamp, &'a str)>,
    },
}
