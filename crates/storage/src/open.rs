//! Modes, reports and errors of opening a store.

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

/// Why a database can't be opened. Every message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder is missing and can't be made.
    #[error("the folder `{path}` can't be made; make it, or name another database file")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file, or the folder around it, can't be written or entered.
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
    /// The file is an SQLite database of some other program.
    #[error("`{path}` is a database of another program; name another file")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file keeps its texts in UTF-16, in which SQLite changes some characters.
    #[error(
        "`{path}` keeps its texts in {encoding}, T4 needs UTF-8; convert it: `sqlite3 {path} .dump | sqlite3 NEW`"
    )]
    Encoding {
        /// The file.
        path: PathBuf,
        /// The encoding.
        encoding: String,
    },
    /// The database can't be accepted as it is.
    #[error("not accepted: {problem}; keep a copy of `{path}`, then undo that with `sqlite3`")]
    NotAccepted {
        /// The file.
        path: PathBuf,
        /// What is in the way.
        problem: String,
    },
    /// The file is damaged.
    #[error("`{path}` is damaged ({problem}); restore it from a backup, or run `sqlite3 FILE .recover`")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
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
        /// The schema of the file.
        found: i64,
        /// The newest schema that this program knows.
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
    /// No space for the database, or for the copy that is made before it is changed.
    #[error("no space is left for `{path}`; free some and try again")]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The copy that is made before a database of the original service is changed failed.
    #[error("the copy `{path}` can't be made; nothing was changed")]
    Copy {
        /// The copy.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A thread could not be started.
    #[error("the store's threads can't be started")]
    Threads(#[source] std::io::Error),
    /// Any other trouble with the file.
    #[error("`{path}` can't be opened: {problem}")]
    Failed {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        problem: String,
    },
}
