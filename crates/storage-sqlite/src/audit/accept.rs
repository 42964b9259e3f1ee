//! Operator's command that accepts a changed database, so that it can be written again.

use std::path::Path;

use audit::LogHead;
use canonical::Digest;
use registry_core::Timestamp;
use rusqlite::{Connection, TransactionBehavior};
use storage::{OpenError, StoreError};

use crate::audit::{schema, seal};
use crate::errors::{OrStore as _, open_error, open_error_of};
use crate::open::open_as_tool;
use crate::rows::meta;

/// State of a database that an operator is asked to accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaReview {
    /// Digest over all that is shown here: the present schema, the end of the log, and why a server has stopped. An
    /// acceptance names it.
    pub sha256: Digest,
    /// Number of rows of the log.
    pub rows: u64,
    /// Chain value of its last row.
    pub head: Digest,
    /// How the schema differs from the newest statement of the log, in words; `None` when it does not.
    pub difference: Option<String>,
    /// Why a server has stopped writing, in words; `None` when none has.
    pub stopped: Option<String>,
}

impl SchemaReview {
    /// Whether there is anything to accept.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.difference.is_none() && self.stopped.is_none()
    }

    fn words(&self) -> String {
        let parts = [&self.difference, &self.stopped];
        parts.into_iter().flatten().cloned().collect::<Vec<_>>().join("; ")
    }
}

/// Compares the schema of a database with the newest statement of its log. Nothing is changed.
///
/// # Errors
/// [`OpenError`] when there is no file, or it is not a registry of this version.
pub fn review_schema(path: &Path) -> Result<SchemaReview, OpenError> {
    let mut conn = open_as_tool(path)?;
    let tx = conn.transaction().map_err(|error| open_error(path, &error))?;
    review(&tx).map_err(|error| open_error_of(path, error))
}

/// States the present schema of a database in its log, so that servers write to it again. The review must have the
/// digest `expected`, so that exactly what the operator has seen is accepted. Returns what was accepted; `None` when
/// the digest differs.
///
/// # Errors
/// [`OpenError`] when there is no file, it is not a registry of this version, or it can't be written;
/// [`OpenError::NotAccepted`] when servers would still not write to it.
pub fn accept_schema(
    path: &Path,
    expected: &Digest,
    at: Timestamp,
) -> Result<Option<SchemaReview>, OpenError> {
    let mut conn = open_as_tool(path)?;
    let sqlite = |error: rusqlite::Error| open_error(path, &error);
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
    let found = review(&tx).map_err(|error| open_error_of(path, error))?;
    if found.sha256 != *expected {
        return Ok(None);
    }
    if found.is_clean() {
        return Ok(Some(found));
    }
    let restate = || -> Result<u64, StoreError> {
        // After a row that is not part of the log, no sequence number follows from the id.
        seal::head(&tx)?;
        meta::remove(&tx, meta::STOPPED).or_store()?;
        schema::restate(&tx, at, Some(found.words()))?;
        // Without the index, or with another one, servers would not find this statement.
        schema::check(&tx, &schema::stated(&tx))
    };
    restate().map_err(|error| match error {
        StoreError::AuditBroken(problem) => OpenError::NotAccepted { path: path.to_owned(), problem },
        other => open_error_of(path, other),
    })?;
    tx.commit().map_err(sqlite)?;
    Ok(Some(found))
}

fn review(conn: &Connection) -> Result<SchemaReview, StoreError> {
    let found = schema::found(conn).or_store()?;
    let difference = match schema::stated(conn) {
        Ok((_, statement)) => statement.difference(&found),
        Err(StoreError::AuditBroken(what)) => Some(what),
        Err(error) => return Err(error),
    };
    let stopped = meta::get(conn, meta::STOPPED).or_store()?;
    let LogHead { id: _, next_seq, chain } = seal::head_or_any(conn)?;
    let sha256 = Digest::sha256_parts(&[
        b"t4/review/v1\0",
        found.sha256().as_bytes(),
        &next_seq.to_be_bytes(),
        chain.as_bytes(),
        stopped.as_deref().unwrap_or_default().as_bytes(),
    ]);
    Ok(SchemaReview { sha256, rows: next_seq, head: chain, difference, stopped })
}
