//! What SQLite's errors mean to the store, and why a file can't be opened.

use std::any::Any;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use storage::StoreError;

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

impl OpenError {
    pub(crate) fn of(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt { path, problem: error.to_string() },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                Self::NotWritable { path }
            }
            _ => Self::Failed { path, problem: error.to_string() },
        }
    }

    pub(crate) fn of_store(path: &Path, error: StoreError) -> Self {
        let path = path.to_owned();
        match error {
            StoreError::Locked => Self::Locked { path },
            StoreError::Full => Self::Full { path },
            other => Self::Failed { path, problem: other.to_string() },
        }
    }
}

/// SQLite's extended code for a row that a trigger has refused (`RAISE`).
const REFUSED_BY_TRIGGER: i32 = rusqlite::ffi::SQLITE_CONSTRAINT_TRIGGER;

/// Turns what SQLite returned into what the store returns.
pub(crate) trait OrStore<T> {
    fn or_store(self) -> Result<T, StoreError>;
}

impl<T> OrStore<T> for rusqlite::Result<T> {
    fn or_store(self) -> Result<T, StoreError> {
        self.map_err(|error| store_error(&error))
    }
}

pub(crate) fn store_error(error: &rusqlite::Error) -> StoreError {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked,
        // Nothing but the deadline interrupts a statement.
        Some(ErrorCode::OperationInterrupted) => StoreError::DeadlineExceeded,
        // No trigger of ours refuses a row. An operator's own says no for now.
        Some(ErrorCode::ConstraintViolation) if extended == Some(REFUSED_BY_TRIGGER) => {
            StoreError::Unavailable(error.to_string())
        }
        // What is no error of SQLite's is a value that is not of the type that its reader expects.
        None
        | Some(
            ErrorCode::ConstraintViolation
            | ErrorCode::TypeMismatch
            | ErrorCode::ApiMisuse
            | ErrorCode::ParameterOutOfRange,
        ) => StoreError::Invariant(error.to_string()),
        Some(_) => StoreError::Unavailable(error.to_string()),
    }
}

/// Whether a COMMIT that ended so may yet turn out to be durable. The write of the commit, its sync, or what comes
/// after may have failed: SQLite does not tell them apart well enough to promise anything.
pub(crate) fn leaves_outcome_unknown(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn what_the_schema_or_a_reader_refuses_breaks_an_invariant() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE t (x INTEGER CHECK (x > 0)); INSERT INTO t VALUES ('text')")
            .unwrap();
        let read = conn.query_row("SELECT x FROM t", [], |row| row.get::<_, i64>(0)).unwrap_err();
        assert!(matches!(store_error(&read), StoreError::Invariant(_)), "{read}");
        let written = conn.execute("INSERT INTO t VALUES (-1)", []).unwrap_err();
        assert!(matches!(store_error(&written), StoreError::Invariant(_)), "{written}");
        let stop = "CREATE TRIGGER stop BEFORE INSERT ON t BEGIN SELECT RAISE(ABORT, 'not now'); END";
        conn.execute_batch(stop).unwrap();
        let stopped = conn.execute("INSERT INTO t VALUES (1)", []).unwrap_err();
        assert!(matches!(store_error(&stopped), StoreError::Unavailable(_)), "{stopped}");
        let other = conn.execute("INSERT INTO nowhere VALUES (1)", []).unwrap_err();
        assert!(matches!(store_error(&other), StoreError::Unavailable(_)), "{other}");
    }
}
