//! Guard of the audit log and the schema: checks in the writer before each transaction and before each commit.

use audit::{LogHead, SealedBatch};
use rusqlite::Connection;
use storage::StoreError;

use crate::audit::schema;
use crate::audit::seal;

/// What the writer knows about the log as long as no other connection commits.
#[derive(Debug, Default)]
pub(crate) struct LogGuard {
    /// End of the log, when it and the schema were found right.
    head: Option<LogHead>,
    /// End of the log as it was last known. It remains a row of the log for good.
    known: Option<LogHead>,
    /// Sequence number of the newest statement of the schema that was found right.
    statement: Option<u64>,
    stop: Option<LogStop>,
}

/// Reason why nothing is written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct LogStop {
    why: String,
    /// The newest statement when the fault was found. Only a newer one, which an operator makes, ends the stop.
    statement: Option<u64>,
    /// Whether the fault concerns the end of the log as it was known.
    of_end: bool,
}

/// Fault of a database.
struct LogFault {
    error: StoreError,
    of_end: bool,
}

impl From<StoreError> for LogFault {
    fn from(error: StoreError) -> Self {
        Self { error, of_end: false }
    }
}

impl LogGuard {
    /// Begins a transaction. `moved` says whether another connection may have committed since the last one.
    ///
    /// # Errors
    /// [`StoreError::AuditBroken`] when the log or the schema was changed without this program.
    pub(crate) fn begin(&mut self, conn: &Connection, moved: bool) -> Result<(), StoreError> {
        if moved {
            self.forget();
        }
        if self.head.is_some() {
            return Ok(());
        }
        let stated = schema::stated(conn);
        let newest = stated.as_ref().ok().map(|(seq, _)| *seq);
        match schema::check(conn, &stated).map_err(LogFault::from).and_then(|seq| self.look(conn, seq)) {
            Ok((head, statement)) => {
                self.head = Some(head);
                self.known = Some(head);
                self.statement = Some(statement);
                self.stop = None;
                Ok(())
            }
            Err(LogFault { error: StoreError::AuditBroken(why), of_end }) => {
                Err(self.stop(LogStop { why, statement: newest, of_end }))
            }
            Err(fault) => Err(fault.error),
        }
    }

    /// Checks the end of a log whose schema is as stated by the row with the sequence number `statement`.
    fn look(&self, conn: &Connection, statement: u64) -> Result<(LogHead, u64), LogFault> {
        let broken = |what: &str| StoreError::AuditBroken(what.to_owned());
        if let Some(stop) = self.stop.as_ref().filter(|stop| !stop.is_over(Some(statement))) {
            return Err(broken(&stop.why).into());
        }
        if self.statement.is_some_and(|known| statement < known) {
            return Err(broken("an older statement of the schema took the place of the newest one").into());
        }
        let head = seal::head(conn)?;
        // An operator who was shown another end of the log has accepted it.
        let accepted = self.stop.as_ref().is_some_and(|stop| stop.of_end);
        if let Some(known) = self.known.filter(|_| !accepted)
            && !seal::is_there(conn, &known)?
        {
            let what =
                format!("row {} of the audit log, which was its end, is gone or was changed", known.id);
            return Err(LogFault { error: StoreError::AuditBroken(what), of_end: true });
        }
        Ok((head, statement))
    }

    /// Returns the end of the log after which the transaction's records are sealed.
    pub(crate) fn head(&self) -> Result<LogHead, StoreError> {
        self.head.ok_or_else(|| StoreError::Invariant("the end of the audit log is not known".to_owned()))
    }

    /// Verifies that the transaction adds these rows to the log and changes nothing else after its end. Only the
    /// commit may follow.
    ///
    /// # Errors
    /// [`StoreError::AuditBroken`] for a difference.
    pub(crate) fn confirm(&mut self, conn: &Connection, batch: &SealedBatch<'_>) -> Result<(), StoreError> {
        match seal::confirm(conn, batch) {
            Err(StoreError::AuditBroken(why)) => {
                Err(self.stop(LogStop { why, statement: self.statement, of_end: false }))
            }
            confirmed => confirmed,
        }
    }

    /// Sets the end of the log once the transaction is committed.
    pub(crate) fn committed(&mut self, head: LogHead) {
        self.head = Some(head);
        self.known = Some(head);
    }

    /// Drops what another connection may have changed.
    pub(crate) fn forget(&mut self) {
        self.head = None;
    }

    /// Returns the reason why nothing is written.
    pub(crate) fn stopped(&self) -> Option<&str> {
        self.stop.as_ref().map(|stop| stop.why.as_str())
    }

    /// Stops writes. A fault that is found after an acceptance begins a new stop; until then the first reason stays.
    fn stop(&mut self, found: LogStop) -> StoreError {
        self.head = None;
        let over = self.stop.as_ref().is_none_or(|stop| stop.is_over(found.statement));
        if over {
            self.stop = Some(found.clone());
        }
        StoreError::AuditBroken(self.stop.as_ref().map_or(found.why, |stop| stop.why.clone()))
    }
}

impl LogStop {
    /// Whether an operator has accepted the database since; its newest statement is this one.
    fn is_over(&self, newest: Option<u64>) -> bool {
        newest.is_some_and(|newest| self.statement.is_none_or(|then| then < newest))
    }
}
