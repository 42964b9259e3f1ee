//! Recount of what each key has stored, for a file whose rows or counts another program changed.

use std::path::Path;

use rusqlite::TransactionBehavior;
use storage::OpenError;

use crate::errors::open_error;
use crate::open::open_as_tool;
use crate::rows::quota;

/// Recounts what each key has stored, also while a server runs on the file: its writes wait. The counts of audit
/// bytes do not change.
///
/// # Errors
/// [`OpenError`] when there is no file, it is not a registry of this version, or it can't be written.
pub fn recount(path: &Path) -> Result<(), OpenError> {
    let sqlite = |error: rusqlite::Error| open_error(path, &error);
    let mut conn = open_as_tool(path)?;
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
    quota::recount(&tx).map_err(sqlite)?;
    tx.commit().map_err(sqlite)
}
