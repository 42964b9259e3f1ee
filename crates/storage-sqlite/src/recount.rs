//! Counting again of what each key has stored, for a file whose rows or counts were changed past this program.

use std::path::Path;

use rusqlite::TransactionBehavior;

use crate::migrate::{SchemaState, state_of};
use crate::open::{OpenMode, refuse};
use crate::rows::quota;
use crate::{OpenError, pragmas};

/// Counts again what each key has stored, also while a server runs on the file: its writes wait for it. The bytes of
/// the audit log stay as they are.
///
/// # Errors
/// [`OpenError`] when there is no file, it is no registry of this version, or it can't be written.
pub fn recount(path: &Path) -> Result<(), OpenError> {
    if !path.is_file() {
        return Err(OpenError::Missing { path: path.to_owned() });
    }
    let sqlite = |error: rusqlite::Error| OpenError::of(path, &error);
    let mut conn = pragmas::open_for_writing(path).map_err(sqlite)?;
    let state = state_of(&conn).map_err(sqlite)?;
    if state == SchemaState::Empty {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    refuse(path, &state, OpenMode::Tool)?;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
    quota::recount(&tx).map_err(sqlite)?;
    tx.commit().map_err(sqlite)
}
