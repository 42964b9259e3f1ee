//! What opening a store may do, and what it has done.

use std::path::PathBuf;

/// What the program may do with the file that it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// Make a missing file, adopt one of the original service, upgrade an older one: `intent-api` and
    /// `t4 db migrate`.
    Serve,
    /// Make a missing file, refuse an older one: the other tools.
    Tool,
}

/// What opening found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpenReport {
    /// Whether the registry is new.
    pub created: bool,
    /// What was adopted from the original service.
    pub adopted: Option<AdoptReport>,
    /// The schema that an older file had.
    pub upgraded_from: Option<i64>,
    /// The name of the audit log.
    pub log_id: String,
}

/// What was adopted from the original service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AdoptReport {
    /// The copy of the file as it was. It holds the keys in clear.
    pub copy: PathBuf,
    /// Keys that were hashed.
    pub keys: u64,
    /// Keys that nobody could ever present, and that are no longer in the database.
    pub unusable_keys: u64,
    /// Intents.
    pub intents: u64,
    /// Rows of the audit log.
    pub audit_rows: u64,
}
