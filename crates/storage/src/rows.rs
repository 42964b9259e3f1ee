//! Row types shared by use cases and stores.

use registry_core::{AgentId, Intent, IntentId, Owner, Timestamp};

/// Result of an insert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inserted {
    /// The row was inserted.
    Yes,
    /// The id was taken; nothing changed.
    No {
        /// Existing row.
        existing: Box<Intent>,
        /// Digest of the body that created it; `None` for rows that T4 did not create.
        creation: Option<[u8; 32]>,
    },
}

/// Filter of intents. All conditions that are given must hold.
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

/// Part of a list that was found by looking through rows by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanPage {
    /// Rows that fit the filter.
    pub rows: Vec<Intent>,
    /// Last id that was looked at; the next part starts after it.
    pub looked_up_to: Option<IntentId>,
    /// Whether the end was reached.
    pub done: bool,
}

/// Filter of audit rows. All conditions that are given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// The agent.
    pub agent_id: Option<String>,
    /// Beginning of the path.
    pub path: Option<String>,
    /// HTTP status.
    pub status: Option<u16>,
    /// Not before this time.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
}

/// Stored outcome of an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recalled {
    /// Digest of the body that it came with.
    pub fingerprint: [u8; 32],
    /// Serialised outcome of the use case.
    pub outcome: String,
}

/// Idempotency key to be stored.
#[derive(Debug, Clone, Copy)]
pub struct Remembered<'a> {
    /// Sender: a key id, or `admin`.
    pub caller: &'a str,
    /// Name of the use case.
    pub operation: &'a str,
    /// The key.
    pub key: &'a str,
    /// Digest of the body.
    pub fingerprint: &'a [u8; 32],
    /// Serialised outcome of the use case.
    pub outcome: &'a str,
    /// Time.
    pub at: Timestamp,
}

/// Checkpoint: a point up to which the audit log was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedCheckpoint {
    /// Sequence number after the last verified row.
    pub next_seq: u64,
    /// Chain value there.
    pub chain: [u8; 32],
}

/// List of intents by an index, and where a page begins.
#[derive(Debug, Clone, Copy)]
pub enum IntentList<'a> {
    /// Intents of a file by line and id; those without a line come first.
    ByFile {
        /// The file.
        file: &'a str,
        /// Position after which the page begins.
        after: Option<(Option<i64>, &'a str)>,
    },
    /// Intents of an owner, newest change first (ties by id, descending).
    ByOwner {
        /// The owner.
        owner: &'a Owner,
        /// Position after which the page begins.
        before: Option<(Timestamp, &'a str)>,
    },
    /// Intents with a status that can go stale, oldest change first (ties by id).
    Stale {
        /// Last change before this time.
        cutoff: Timestamp,
        /// Position after which the page begins.
        after: Option<(Timestamp, &'a str)>,
    },
}
