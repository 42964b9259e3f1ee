//! Transaction of one job: the statements of its savepoint, its records, and the counts for quotas.
//!
//! The counts are kept in memory while jobs run and are written once per key before the commit. Two more statements
//! per job would cost a tenth of the rate of creates.

use std::collections::HashMap;
use std::sync::Arc;

use audit::Leafed;
use registry_core::{IntentId, KeyId, Timestamp};
use rusqlite::Connection;
use storage::{
    AuditTx, DayUsage, Job, JobCaller, KeyUsage, Precedence, QuotaTx, SealedCheckpoint, StoreError, day_of,
    logged_bytes,
};

use crate::audit::rows as audit_rows;
use crate::errors::OrStore as _;
use crate::rows::quota;
use crate::writer::deadline::{ReadDeadline, job_micros};

/// Job of this backend. It sees more of the transaction than the contract between use cases and stores has, and it is
/// work of the server.
pub(crate) trait OwnJob: Send {
    /// Like [`Job::run`].
    fn run(&mut self, tx: &mut JobTx<'_>) -> Result<(), StoreError>;

    /// Like [`Job::done`].
    fn done(self: Box<Self>, end: Result<(), StoreError>);
}

/// Unit of work for the writer.
pub(crate) enum WriterJob {
    /// Job submitted by [`storage::Store::submit`].
    Given(Box<dyn Job>),
    /// Job of this backend.
    Own(Box<dyn OwnJob>),
}

impl WriterJob {
    pub(crate) fn run(&mut self, tx: &mut JobTx<'_>) -> Result<(), StoreError> {
        match self {
            Self::Given(job) => job.run(tx),
            Self::Own(job) => job.run(tx),
        }
    }

    pub(crate) fn done(self, end: Result<(), StoreError>) {
        match self {
            Self::Given(job) => job.done(end),
            Self::Own(job) => job.done(end),
        }
    }

    pub(crate) fn gone(&self) -> bool {
        matches!(self, Self::Given(job) if job.gone())
    }

    pub(crate) fn precedence(&self) -> Precedence {
        match self {
            Self::Given(job) => job.precedence(),
            Self::Own(_) => Precedence::Control,
        }
    }

    pub(crate) fn caller(&self) -> &JobCaller {
        match self {
            Self::Given(job) => job.caller(),
            Self::Own(_) => &JobCaller::Platform,
        }
    }
}

/// What earlier jobs of the batch have done, as far as a job needs it.
#[derive(Clone, Copy)]
pub(super) struct BatchSoFar<'c> {
    /// Their changes of the counts for quotas.
    pub(super) usage: &'c UsageChanges,
    /// The store's epoch at the beginning of the batch.
    pub(super) epoch: u64,
    /// Whether they wrote rows of keys.
    pub(super) keys_changed: bool,
}

/// What a job sees in one run: the statements of its savepoint, and the records that it adds.
pub(crate) struct JobTx<'c> {
    conn: &'c Connection,
    deadline: &'c ReadDeadline,
    /// End of the job's time.
    until_micros: u64,
    /// Counts for quotas before the batch.
    usage: &'c mut StoredUsage,
    /// Changes of the batch before this job.
    before: BatchSoFar<'c>,
    /// Changes of this job.
    changes: UsageChanges,
    /// Records that wait for the sealer.
    pub(crate) appended: Vec<Arc<Leafed>>,
    /// Whether this job wrote rows of keys.
    pub(crate) keys_changed: bool,
    /// First error. A job can't ignore it: PostgreSQL would refuse to continue after it too.
    pub(crate) trouble: Option<StoreError>,
}

impl<'c> JobTx<'c> {
    pub(super) fn new(
        conn: &'c Connection,
        deadline: &'c ReadDeadline,
        precedence: Precedence,
        usage: &'c mut StoredUsage,
        before: BatchSoFar<'c>,
    ) -> Self {
        let until_micros = deadline.now().saturating_add(job_micros(precedence));
        Self {
            conn,
            deadline,
            until_micros,
            usage,
            before,
            changes: UsageChanges::default(),
            appended: Vec::new(),
            keys_changed: false,
            trouble: None,
        }
    }

    /// Counts a change of what a key has stored. It is kept if the job succeeds.
    pub(crate) fn count(&mut self, key: &str, change: &UsageChange) {
        self.changes.add(key, change);
    }

    /// Returns the usage of a key, with the changes of the batch and of this job.
    pub(crate) fn usage_of(&mut self, key: &str) -> Result<KeyUsage, StoreError> {
        self.check()?;
        let stored = if let Some(stored) = self.usage.get(key) {
            stored
        } else {
            let stored = self.read(|conn| quota::usage(conn, key).or_store())?;
            self.usage.keep(key.to_owned(), stored);
            stored
        };
        Ok(self.changes.of(key, &self.before.usage.of(key, &stored)))
    }

    /// Whether rows of keys may have changed since the store's epoch was `epoch`. No statement is run.
    pub(crate) fn keys_moved(&self, epoch: u64) -> bool {
        self.before.epoch != epoch || self.before.keys_changed || self.keys_changed
    }

    /// Whether the job may continue.
    fn check(&mut self) -> Result<(), StoreError> {
        if let Some(trouble) = &self.trouble {
            return Err(trouble.clone());
        }
        if self.deadline.now() > self.until_micros {
            self.trouble = Some(StoreError::DeadlineExceeded);
            return Err(StoreError::DeadlineExceeded);
        }
        Ok(())
    }

    /// Returns what the job leaves for the end of the batch.
    pub(super) fn changed(self) -> (Vec<Arc<Leafed>>, UsageChanges, bool) {
        (self.appended, self.changes, self.keys_changed)
    }

    /// Runs one or a few statements that write, to their end.
    pub(crate) fn run<T>(
        &mut self,
        f: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.check()?;
        f(self.conn).inspect_err(|error| self.trouble = Some(error.clone()))
    }

    /// Runs a statement that only reads. It is interrupted when the job's time is over.
    pub(crate) fn read<T>(
        &mut self,
        f: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let (deadline, until) = (self.deadline, self.until_micros);
        self.run(|conn| {
            let _deadline = deadline.set(until);
            f(conn)
        })
    }
}

impl AuditTx for JobTx<'_> {
    fn append_audit(&mut self, record: Arc<Leafed>) -> Result<(), StoreError> {
        self.appended.push(record);
        Ok(())
    }

    fn put_checkpoint(&mut self, checkpoint: &SealedCheckpoint, at: Timestamp) -> Result<(), StoreError> {
        self.run(|conn| audit_rows::put_checkpoint(conn, checkpoint, at).or_store())
    }
}

impl QuotaTx for JobTx<'_> {
    fn key_usage(&mut self, key: &KeyId) -> Result<KeyUsage, StoreError> {
        self.usage_of(key.as_str())
    }

    fn creator(&mut self, id: &IntentId) -> Result<Option<KeyId>, StoreError> {
        self.read(|conn| quota::creator(conn, id).or_store())
    }
}

/// Change of the counts of a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct UsageChange {
    pub(crate) intents: i64,
    pub(crate) intent_bytes: i64,
    pub(crate) idempotency_rows: i64,
    pub(crate) idempotency_bytes: i64,
    /// Audit bytes, on the latest of their days.
    pub(crate) audit: Option<DayUsage>,
}

impl UsageChange {
    pub(crate) fn intent(rows: i64, bytes: i64) -> Self {
        Self { intents: rows, intent_bytes: bytes, ..Self::default() }
    }

    pub(crate) fn idempotency(rows: i64, bytes: i64) -> Self {
        Self { idempotency_rows: rows, idempotency_bytes: bytes, ..Self::default() }
    }

    fn audit(usage: DayUsage) -> Self {
        Self { audit: Some(usage), ..Self::default() }
    }

    pub(crate) fn add(&mut self, more: &Self) {
        self.intents = self.intents.saturating_add(more.intents);
        self.intent_bytes = self.intent_bytes.saturating_add(more.intent_bytes);
        self.idempotency_rows = self.idempotency_rows.saturating_add(more.idempotency_rows);
        self.idempotency_bytes = self.idempotency_bytes.saturating_add(more.idempotency_bytes);
        if let Some(audit) = more.audit {
            self.audit.get_or_insert(DayUsage { day: audit.day, bytes: 0 }).add(audit.day, audit.bytes);
        }
    }

    /// Returns what a key has stored after this change.
    fn of(&self, usage: &KeyUsage) -> KeyUsage {
        let mut audit = usage.audit;
        if let Some(more) = self.audit {
            audit.add(more.day, more.bytes);
        }
        KeyUsage {
            intents: usage.intents.saturating_add_signed(self.intents),
            intent_bytes: usage.intent_bytes.saturating_add_signed(self.intent_bytes),
            idempotency_rows: usage.idempotency_rows.saturating_add_signed(self.idempotency_rows),
            idempotency_bytes: usage.idempotency_bytes.saturating_add_signed(self.idempotency_bytes),
            audit,
        }
    }
}

/// Changes by key.
#[derive(Debug, Default)]
pub(crate) struct UsageChanges(HashMap<String, UsageChange>);

impl UsageChanges {
    /// Adds to the changes of a key.
    pub(crate) fn add(&mut self, key: &str, change: &UsageChange) {
        // Two look-ups instead of one: the entry API would copy the name of every known key.
        if let Some(known) = self.0.get_mut(key) {
            known.add(change);
        } else {
            self.0.insert(key.to_owned(), *change);
        }
    }

    /// Adds the changes of a job that succeeded.
    pub(crate) fn take_in(&mut self, of_job: Self) {
        for (key, change) in of_job.0 {
            self.0.entry(key).or_default().add(&change);
        }
    }

    /// Returns what a key has stored after these changes.
    pub(crate) fn of(&self, key: &str, usage: &KeyUsage) -> KeyUsage {
        self.0.get(key).map_or(*usage, |change| change.of(usage))
    }

    /// Adds audit bytes.
    fn add_records(&mut self, records: &[Arc<Leafed>]) {
        for leafed in records {
            if let Some(key) = leafed.record.api_key.as_deref() {
                let day = day_of(leafed.record.timestamp);
                self.add(key, &UsageChange::audit(DayUsage { day, bytes: logged_bytes(&leafed.record) }));
            }
        }
    }
}

/// Number of keys whose rows are kept in memory.
const KEPT_KEYS: usize = 65_536;

/// Rows of the table `key_usage` as they are committed, as long as no other connection commits.
#[derive(Debug, Default)]
pub(crate) struct StoredUsage {
    rows: HashMap<String, KeyUsage>,
    /// SQLite's number for the commits of other connections, at the last look.
    data_version: Option<i64>,
}

impl StoredUsage {
    /// Begins a transaction; what another connection has changed before is read again. Returns whether another
    /// connection may have committed since the last transaction.
    pub(crate) fn begin(&mut self, conn: &Connection) -> Result<bool, StoreError> {
        let mut statement = conn.prepare_cached("PRAGMA data_version").or_store()?;
        let version = Some(statement.query_row([], |row| row.get(0)).or_store()?);
        let moved = self.data_version != version;
        if moved || self.rows.len() > KEPT_KEYS {
            self.rows.clear();
            self.data_version = version;
        }
        Ok(moved)
    }

    /// Returns the row of a key, if it is known.
    pub(crate) fn get(&self, key: &str) -> Option<KeyUsage> {
        self.rows.get(key).copied()
    }

    /// Stores a row that is committed.
    pub(crate) fn keep(&mut self, key: String, row: KeyUsage) {
        self.rows.insert(key, row);
    }

    /// Writes the changes of a transaction and the bytes of its audit rows, just before the commit. Returns the rows
    /// to keep once they are committed.
    pub(crate) fn write(
        &self,
        conn: &Connection,
        mut changes: UsageChanges,
        records: &[Arc<Leafed>],
    ) -> Result<Vec<(String, KeyUsage)>, StoreError> {
        changes.add_records(records);
        let write = |(key, change): (String, UsageChange)| {
            let before = self.get(&key).map_or_else(|| quota::usage(conn, &key).or_store(), Ok)?;
            let after = change.of(&before);
            quota::put(conn, &key, &after).or_store()?;
            Ok((key, after))
        };
        changes.0.into_iter().map(write).collect()
    }
}
