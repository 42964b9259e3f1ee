//! Watch over the audit log and the schema in the writer: before each transaction and before each commit.

use std::sync::Arc;

use rusqlite::Connection;
use storage::{Leafed, StoreError};

use crate::audit::schema;
use crate::audit::seal::{self, LogHead};

/// What the writer knows of the log as long as no other connection commits.
#[derive(Debug, Default)]
pub(crate) struct LogGuard {
    /// The end of the log, when it and the schema were found sound.
    head: Option<LogHead>,
    /// The end of the log as it was known last. It stays a row of the log for good.
    known: Option<LogHead>,
    /// The sequence number of the newest statement of the schema that was found sound.
    statement: Option<u64>,
    /// Why nothing is written. Only a newer statement ends it, which an operator makes.
    broken: Option<String>,
}

impl LogGuard {
    /// Begins a transaction that others wait for. `moved` says whether another connection may have committed since the
    /// last one.
    ///
    /// # Errors
    /// [`StoreError::AuditBroken`] when the log or the schema was changed past this program.
    pub(crate) fn begin(&mut self, conn: &Connection, moved: bool) -> Result<(), StoreError> {
        if moved {
            self.forget();
        }
        if self.head.is_some() {
            return Ok(());
        }
        let looked = self.look(conn);
        self.note(looked)
    }

    fn look(&mut self, conn: &Connection) -> Result<(), StoreError> {
        let statement = schema::check(conn)?;
        if let Some(why) = &self.broken
            && self.statement.is_some_and(|known| statement <= known)
        {
            return Err(StoreError::AuditBroken(why.clone()));
        }
        if self.statement.is_some_and(|known| statement < known) {
            let what = "an older statement of the schema took the place of the newest one";
            return Err(StoreError::AuditBroken(what.to_owned()));
        }
        let head = seal::head(conn)?;
        // After a stop an operator has looked at the log as well.
        if let Some(known) = self.known.filter(|_| self.broken.is_none())
            && !seal::is_there(conn, &known)?
        {
            let what =
                format!("row {} of the audit log, which was its end, is gone or was changed", known.id);
            return Err(StoreError::AuditBroken(what));
        }
        self.head = Some(head);
        self.known = Some(head);
        self.statement = Some(statement);
        self.broken = None;
        Ok(())
    }

    /// Writes the records behind the end of the log. Returns its end with them.
    pub(crate) fn seal(&self, conn: &Connection, records: &[Arc<Leafed>]) -> Result<LogHead, StoreError> {
        seal::seal(conn, &self.head()?, records)
    }

    /// Makes sure that the transaction adds these records to the log and changes nothing else behind its end. Nothing
    /// but the commit may follow.
    ///
    /// # Errors
    /// [`StoreError::AuditBroken`] for a difference.
    pub(crate) fn confirm(&mut self, conn: &Connection, records: &[Arc<Leafed>]) -> Result<(), StoreError> {
        let confirmed = self.head().and_then(|head| seal::confirm(conn, &head, records));
        self.note(confirmed)
    }

    /// Takes the end of the log over once the transaction is committed.
    pub(crate) fn committed(&mut self, head: LogHead) {
        self.head = Some(head);
        self.known = Some(head);
    }

    /// Forgets what another connection may have changed.
    pub(crate) fn forget(&mut self) {
        self.head = None;
    }

    /// Why nothing is written.
    pub(crate) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    fn head(&self) -> Result<LogHead, StoreError> {
        self.head.ok_or_else(|| StoreError::Unavailable("the end of the audit log is not known".to_owned()))
    }

    fn note(&mut self, outcome: Result<(), StoreError>) -> Result<(), StoreError> {
        if let Err(StoreError::AuditBroken(why)) = &outcome {
            self.head = None;
            self.broken.get_or_insert_with(|| why.clone());
        }
        outcome
    }
}
