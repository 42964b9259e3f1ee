//! Conversion of SQLite's errors.

use std::any::Any;
use std::path::Path;

use rusqlite::ErrorCode;
use storage::{OpenError, StoreError};

/// Converts SQLite's reason why a file can't be opened.
pub(crate) fn open_error(path: &Path, error: &rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotADatabase { path },
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Corrupt { path, problem: error.to_string() },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Locked { path },
        Some(ErrorCode::DiskFull) => OpenError::Full { path },
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            OpenError::NotWritable { path }
        }
        _ => OpenError::Failed { path, problem: error.to_string() },
    }
}

/// Converts an error of a statement while a store is opened.
pub(crate) fn open_error_of(path: &Path, error: StoreError) -> OpenError {
    let path = path.to_owned();
    match error {
        StoreError::Locked => OpenError::Locked { path },
        StoreError::Full => OpenError::Full { path },
        other => OpenError::Failed { path, problem: other.to_string() },
    }
}

/// SQLite's extended code for a row that a trigger has refused (`RAISE`).
const REFUSED_BY_TRIGGER: i32 = rusqlite::ffi::SQLITE_CONSTRAINT_TRIGGER;

/// Converts an error of SQLite into an error of the store.
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
        // Only the deadline interrupts a statement.
        Some(ErrorCode::OperationInterrupted) => StoreError::DeadlineExceeded,
        // No trigger of T4 refuses a row. An operator's own trigger refuses for now.
        Some(ErrorCode::ConstraintViolation) if extended == Some(REFUSED_BY_TRIGGER) => {
            StoreError::Unavailable(error.to_string())
        }
        // Anything else is a value that does not have the type that its reader expects.
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

/// Whether a failed COMMIT may still turn out to be durable. The write of the commit, its sync, or a later step may
/// have failed: SQLite does not distinguish them well enough for a promise.
pub(crate) fn leaves_outcome_unknown(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
}

/// Returns the message of a panic.
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
