//! Changes that another program, such as `sqlite3`, made to the file.
//!
//! Triggers note them in the table `outside_changes`. Only a store in a file that others can write has such changes,
//! so they are not part of [`storage::Tx`] and [`storage::View`]: the opener of an [`SqliteStore`] reads them here
//! and has them recorded.

use audit::{ExternalChange, Leafed, external_change_record};
use registry_core::{KnownSecrets, Timestamp};
use rusqlite::{Connection, Row};
use storage::{AuditTx as _, StoreError};
use tokio::sync::oneshot;

use crate::columns::lenient;
use crate::errors::OrStore as _;
use crate::store::SqliteStore;
use crate::writer::tx::{JobTx, OwnJob};

impl SqliteStore {
    /// Returns at most `limit` changes that wait to be recorded, oldest first.
    ///
    /// # Errors
    /// A storage error.
    pub fn external_changes(&self, limit: u32) -> Result<Vec<ExternalChange>, StoreError> {
        let mut found = Vec::new();
        self.show(&mut |snapshot| {
            found = waiting(snapshot.conn, limit).or_store()?;
            Ok(())
        })?;
        Ok(found)
    }

    /// Removes at most `limit` changes, oldest first, and adds an audit row for each in the same transaction. Returns
    /// how many. `secrets` are removed from the rows.
    ///
    /// # Errors
    /// A storage error; the changes then still wait.
    pub fn record_external_changes(
        &self,
        limit: u32,
        now: Timestamp,
        secrets: KnownSecrets,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send + use<> {
        let (reply, answer) = oneshot::channel();
        self.submit_own(Box::new(RecordChanges { limit, now, secrets, taken: 0, reply }));
        async move { answer.await.unwrap_or(Err(StoreError::Closed)) }
    }
}

struct RecordChanges {
    limit: u32,
    now: Timestamp,
    secrets: KnownSecrets,
    taken: u64,
    reply: oneshot::Sender<Result<u64, StoreError>>,
}

impl OwnJob for RecordChanges {
    fn run(&mut self, tx: &mut JobTx<'_>) -> Result<(), StoreError> {
        let changes = tx.run(|conn| take(conn, self.limit).or_store())?;
        for change in &changes {
            tx.append_audit(Leafed::new(external_change_record(self.now, change, &self.secrets)))?;
        }
        self.taken = u64::try_from(changes.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    fn done(self: Box<Self>, end: Result<(), StoreError>) {
        // A caller that has disconnected needs no answer.
        drop(self.reply.send(end.map(|()| self.taken)));
    }
}

fn change(row: &Row<'_>) -> rusqlite::Result<ExternalChange> {
    Ok(ExternalChange {
        table: lenient::string(row, 0)?.unwrap_or_default(),
        key: lenient::string(row, 1)?.unwrap_or_default(),
        kind: lenient::string(row, 2)?.unwrap_or_default(),
        at: lenient::string(row, 3)?.unwrap_or_default(),
    })
}

/// Returns the waiting changes, oldest first.
fn waiting(conn: &Connection, limit: u32) -> rusqlite::Result<Vec<ExternalChange>> {
    conn.prepare_cached("SELECT table_name, key, kind, at FROM outside_changes ORDER BY id LIMIT ?1")?
        .query_map([limit], change)?
        .collect()
}

/// Removes the oldest changes.
fn take(conn: &Connection, limit: u32) -> rusqlite::Result<Vec<ExternalChange>> {
    const SQL: &str =
        "DELETE FROM outside_changes WHERE id IN (SELECT id FROM outside_changes ORDER BY id LIMIT ?1)";
    let taken = waiting(conn, limit)?;
    conn.prepare_cached(SQL)?.execute([limit])?;
    Ok(taken)
}
