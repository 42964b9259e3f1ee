//! Modes, reports and errors of opening a store.

use std::path::PathBuf;

/// What the program may do with the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// Create a missing file, adopt one of the original service, upgrade an older one: `intent-api` and `t4 db
    /// migrate`.
    Serve,
    /// Create a missing file, refuse an older one: the other tools.
    Tool,
}

/// Report of an opening.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpenReport {
    /// Whether the registry is new.
    pub created: bool,
    /// What was adopted from the original service.
    pub adopted: Option<AdoptReport>,
    /// Schema version of an older file.
    pub upgraded_from: Option<i64>,
    /// Name of the audit log.
    pub log_id: String,
}

/// What was adopted from the original service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AdoptReport {
    /// Copy of the file as it was. It holds the keys in clear.
    pub copy: PathBuf,
    /// Number of keys that were hashed.
    pub keys: u64,
    /// Number of keys that could never be presented and were removed.
    pub unusable_keys: u64,
    /// Number of intents.
    pub intents: u64,
    /// Number of rows of the audit log.
    pub audit_rows: u64,
}

/// Reason why a database can't be opened. Every message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder is missing and can't be created.
    #[error("the folder `{path}` can't be made; make it, or name another database file")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file, or its folder, can't be written or entered.
    #[error(
        "`{path}` can't be opened for writing; give this user the right to write the file and its folder"
    )]
    NotWritable {
        /// The file.
        path: PathBuf,
    },
    /// There is no such file.
    #[error("there is no database `{path}`; name another file")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file holds something else.
    #[error("`{path}` is not an SQLite database; name another file, or move this one away")]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is an SQLite database of another program.
    #[error("`{path}` is a database of another program; name another file")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file stores texts in UTF-16, in which SQLite changes some characters.
    #[error(
        "`{path}` keeps its texts in {encoding}, T4 needs UTF-8; convert it: `sqlite3 {path} .dump | sqlite3 NEW`"
    )]
    Encoding {
        /// The file.
        path: PathBuf,
        /// Encoding.
        encoding: String,
    },
    /// The database can't be accepted as it is.
    #[error("not accepted: {problem}; keep a copy of `{path}`, then undo that with `sqlite3`")]
    NotAccepted {
        /// The file.
        path: PathBuf,
        /// Reason.
        problem: String,
    },
    /// The file is damaged.
    #[error("`{path}` is damaged ({problem}); restore it from a backup, or run `sqlite3 FILE .recover`")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Message of SQLite.
        problem: String,
    },
    /// Another process held the file for more than five seconds.
    #[error("`{path}` is locked by another process; end it, or wait until it is done, and try again")]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer version.
    #[error("`{path}` has schema {found}, this program knows up to {known}; use the version that wrote it")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Schema version of the file.
        found: i64,
        /// Newest schema version that this program knows.
        known: i64,
    },
    /// The file must be upgraded first, by a program that may do so.
    #[error(
        "`{path}` was written by an older version; run `t4 db migrate` or start `intent-api` on it first"
    )]
    Older {
        /// The file.
        path: PathBuf,
    },
    /// The keys of this database were hashed under another pepper.
    #[error("`{path}` belongs to another pepper; give the pepper that it was made with")]
    WrongPepper {
        /// The file.
        path: PathBuf,
    },
    /// There is no space for the database, or for the copy that is made before a change.
    #[error("no space is left for `{path}`; free some and try again")]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The copy failed that is made before a database of the original service is changed.
    #[error("the copy `{path}` can't be made; nothing was changed")]
    Copy {
        /// Path of the copy.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A thread could not be started.
    #[error("the store's threads can't be started")]
    Threads(#[source] std::io::Error),
    /// Another error of the file.
    #[error("`{path}` can't be opened: {problem}")]
    Failed {
        /// The file.
        path: PathBuf,
        /// Message of SQLite.
        problem: String,
    },
}
