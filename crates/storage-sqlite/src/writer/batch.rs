//! One batch: many jobs, each in its savepoint, one commit.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use registry_core::Timestamp;
use rusqlite::Connection;
use storage::{AuditTx, DayUsage, Job, KeyUsage, Leafed, Precedence, SealedCheckpoint, StoreError};

use crate::audit::guard::LogGuard;
use crate::audit::rows as audit_rows;
use crate::audit::seal::LogHead;
use crate::errors::{OrStore as _, leaves_outcome_unknown, store_error};
use crate::rows::quota;
use crate::writer::deadline::{ReadDeadline, job_micros};
use crate::writer::usage::{StoredUsage, UsageChange, UsageChanges};

/// A batch ends after this much work, so that the first of its jobs does not wait for the last.
const WORK_MICROS: u64 = 5000;

/// A job and how it ended, once that is known.
pub(crate) struct JobSlot {
    pub(crate) job: Box<dyn Job>,
    pub(crate) end: Option<Result<(), StoreError>>,
}

/// What a batch came to.
#[derive(Debug, Default)]
pub(crate) struct BatchReport {
    pub(crate) commits: u64,
    pub(crate) audit_rows: u64,
    pub(crate) keys_changed: bool,
    /// The bytes of audit rows that each key of the batch has now.
    pub(crate) audit_usage: Vec<(String, DayUsage)>,
    pub(crate) job_micros: u64,
    pub(crate) commit_micros: u64,
    /// The connection can't be trusted any more.
    pub(crate) broken: bool,
    /// Something failed that a repeat won't mend.
    pub(crate) trouble: bool,
}

/// Where a batch gets its jobs, one at a time: what has precedence need not wait for the next batch.
pub(crate) trait JobSource {
    /// The next job; `None` when the batch is full or no job waits.
    fn next(&mut self) -> Option<Box<dyn Job>>;

    /// Takes note of how long the job that came last has run, in microseconds.
    fn charge(&mut self, micros: u64);
}

/// Runs jobs and commits them.
pub(crate) struct JobBatch<'a> {
    conn: &'a Connection,
    deadline: &'a ReadDeadline,
    usage: &'a mut StoredUsage,
    log: &'a mut LogGuard,
    /// The store's epoch.
    epoch: &'a AtomicU64,
    report: BatchReport,
}

/// A transaction under way.
struct OpenBatch {
    start_micros: u64,
    now_micros: u64,
    records: Vec<Arc<Leafed>>,
    /// How the jobs that succeeded change the quotas' counts. A transaction that is run again begins with none.
    usage: UsageChanges,
    /// The epoch when it began: all that is committed by then is seen by its jobs.
    epoch: u64,
    keys_changed: bool,
}

/// SQLite dropped the transaction while a job ran.
struct TransactionLost;

impl<'a> JobBatch<'a> {
    pub(crate) fn new(
        conn: &'a Connection,
        deadline: &'a ReadDeadline,
        usage: &'a mut StoredUsage,
        log: &'a mut LogGuard,
        epoch: &'a AtomicU64,
    ) -> Self {
        Self { conn, deadline, usage, log, epoch, report: BatchReport::default() }
    }

    /// Runs jobs together until none is left or they have worked for long enough. Where SQLite drops the transaction
    /// under one of them (no space, an I/O error, no memory), each runs again alone, so that only the guilty one
    /// fails.
    pub(crate) fn run(mut self, source: &mut dyn JobSource) -> (Vec<JobSlot>, BatchReport) {
        let mut slots = Vec::new();
        let Some(job) = source.next() else { return (slots, self.report) };
        slots.push(JobSlot { job, end: None });
        if let Err(TransactionLost) = self.together(&mut slots, source) {
            for slot in &mut slots {
                self.alone(slot);
            }
        }
        let unmended =
            |slot: &JobSlot| matches!(slot.end, Some(Err(StoreError::Full | StoreError::OutcomeUnknown(_))));
        self.report.trouble |= slots.iter().any(unmended);
        (slots, self.report)
    }

    /// Begins with the one slot that there is, and adds the others as they run.
    fn together(
        &mut self,
        slots: &mut Vec<JobSlot>,
        source: &mut dyn JobSource,
    ) -> Result<(), TransactionLost> {
        let mut open = match self.begin() {
            Ok(open) => open,
            Err(error) => {
                // Those behind it have waited for the lock as well.
                while let Some(job) = source.next() {
                    slots.push(JobSlot { job, end: None });
                }
                self.fail(slots, &error);
                return Ok(());
            }
        };
        while let Some(slot) = slots.last_mut() {
            let before = open.now_micros;
            let ran = self.run_in(&mut open, slot);
            source.charge(open.now_micros.saturating_sub(before));
            ran?;
            if open.now_micros.saturating_sub(open.start_micros) > WORK_MICROS {
                break;
            }
            let Some(job) = source.next() else { break };
            slots.push(JobSlot { job, end: None });
        }
        self.end(open, slots);
        Ok(())
    }

    fn alone(&mut self, slot: &mut JobSlot) {
        // What panicked would panic again, and what took too long would take as long.
        if matches!(slot.end, Some(Err(StoreError::Panicked(_) | StoreError::DeadlineExceeded))) {
            return;
        }
        slot.end = None;
        let slots = std::slice::from_mut(slot);
        let mut open = match self.begin() {
            Ok(open) => open,
            Err(error) => return self.fail(slots, &error),
        };
        let lost = slots.iter_mut().any(|slot| self.run_in(&mut open, slot).is_err());
        if !lost {
            return self.end(open, slots);
        }
        self.report.trouble = true;
        let dropped = || Err(StoreError::Unavailable("the transaction was dropped".to_owned()));
        for slot in slots {
            slot.end.get_or_insert_with(dropped);
        }
    }

    fn begin(&mut self) -> Result<OpenBatch, StoreError> {
        execute(self.conn, "BEGIN IMMEDIATE").or_store()?;
        let begun = self.usage.begin(self.conn).and_then(|moved| {
            // The watcher may not have seen it yet, and from here on no other connection commits.
            self.epoch.fetch_add(u64::from(moved), Ordering::AcqRel);
            self.log.begin(self.conn, moved)
        });
        if let Err(error) = begun {
            self.roll_back();
            return Err(error);
        }
        let now = self.deadline.now();
        Ok(OpenBatch {
            start_micros: now,
            now_micros: now,
            records: Vec::new(),
            usage: UsageChanges::default(),
            epoch: self.epoch.load(Ordering::Acquire),
            keys_changed: false,
        })
    }

    /// Runs one job. When the transaction is lost it is rolled back.
    fn run_in(&mut self, open: &mut OpenBatch, slot: &mut JobSlot) -> Result<(), TransactionLost> {
        let kept = run_slot(self.conn, self.deadline, slot, open, self.usage);
        let now = self.deadline.now();
        self.report.job_micros += now.saturating_sub(open.now_micros);
        open.now_micros = now;
        if kept.is_err() || self.conn.is_autocommit() {
            self.roll_back();
            return Err(TransactionLost);
        }
        Ok(())
    }

    /// Commits; every slot then has its end.
    fn end(&mut self, open: OpenBatch, slots: &mut [JobSlot]) {
        match self.commit(&open.records, open.usage) {
            Ok((usage, head)) => {
                self.log.committed(head);
                for (key, row) in usage {
                    self.report.audit_usage.push((key.clone(), row.audit));
                    self.usage.keep(key, row);
                }
                self.report.commits += 1;
                self.report.audit_rows += u64::try_from(open.records.len()).unwrap_or(0);
                self.report.keys_changed |= open.keys_changed;
                for slot in slots {
                    slot.end.get_or_insert(Ok(()));
                }
            }
            Err(error) => {
                self.roll_back();
                self.fail(slots, &error);
            }
        }
        self.report.commit_micros += self.deadline.now().saturating_sub(open.now_micros);
    }

    /// Seals the records, writes the counts and commits. Returns the counts of each key that changed, and the end of
    /// the log.
    fn commit(
        &mut self,
        records: &[Arc<Leafed>],
        changes: UsageChanges,
    ) -> Result<(Vec<(String, KeyUsage)>, LogHead), StoreError> {
        let head = self.log.seal(self.conn, records)?;
        let usage = self.usage.write(self.conn, changes, records)?;
        self.log.confirm(self.conn, records)?;
        execute(self.conn, "COMMIT").map_err(|error| {
            if leaves_outcome_unknown(&error) {
                self.report.broken = true;
                StoreError::OutcomeUnknown(error.to_string())
            } else {
                store_error(&error)
            }
        })?;
        Ok((usage, head))
    }

    /// Nothing of the batch is in: all fail alike, but for those that had failed by themselves.
    fn fail(&mut self, slots: &mut [JobSlot], error: &StoreError) {
        self.report.trouble |= !matches!(error, StoreError::Locked);
        for slot in slots {
            slot.end.get_or_insert_with(|| Err(error.clone()));
        }
    }

    fn roll_back(&mut self) {
        if !self.conn.is_autocommit() && execute(self.conn, "ROLLBACK").is_err() && !self.conn.is_autocommit()
        {
            self.report.broken = true;
        }
    }
}

/// What a job sees in one run: the statements of its savepoint, and the records that it adds.
pub(crate) struct JobTx<'c> {
    conn: &'c Connection,
    deadline: &'c ReadDeadline,
    /// When the job's time is over.
    until_micros: u64,
    /// The quotas' counts before the batch.
    usage: &'c mut StoredUsage,
    /// How the batch changed them before this job.
    before: &'c UsageChanges,
    /// How this job changes them.
    changes: UsageChanges,
    /// Records that wait for the sealer.
    pub(crate) appended: Vec<Arc<Leafed>>,
    /// The store's epoch when the batch began.
    epoch: u64,
    /// Whether an earlier job of the batch wrote rows of keys.
    keys_changed_before: bool,
    /// Whether this job wrote rows of keys.
    pub(crate) keys_changed: bool,
    /// The first trouble. A job can't talk it away: PostgreSQL would refuse to go on after it as well.
    pub(crate) trouble: Option<StoreError>,
}

impl<'c> JobTx<'c> {
    fn new(
        conn: &'c Connection,
        deadline: &'c ReadDeadline,
        precedence: Precedence,
        usage: &'c mut StoredUsage,
        open: &'c OpenBatch,
    ) -> Self {
        let until_micros = deadline.now().saturating_add(job_micros(precedence));
        Self {
            conn,
            deadline,
            until_micros,
            usage,
            before: &open.usage,
            changes: UsageChanges::default(),
            appended: Vec::new(),
            epoch: open.epoch,
            keys_changed_before: open.keys_changed,
            keys_changed: false,
            trouble: None,
        }
    }

    /// Counts a change of what is stored under a key's name. It is kept if the job succeeds.
    pub(crate) fn count(&mut self, key: &str, change: &UsageChange) {
        self.changes.add(key, change);
    }

    /// The usage of a key, with what the batch and this job changed.
    pub(crate) fn usage_of(&mut self, key: &str) -> Result<KeyUsage, StoreError> {
        self.check()?;
        let stored = if let Some(stored) = self.usage.get(key) {
            stored
        } else {
            let stored = self.read(|conn| quota::usage(conn, key).or_store())?;
            self.usage.keep(key.to_owned(), stored);
            stored
        };
        Ok(self.changes.of(key, &self.before.of(key, &stored)))
    }

    /// Whether rows of keys may have changed since the store's epoch was `epoch`. No statement is run.
    pub(crate) fn keys_moved(&self, epoch: u64) -> bool {
        self.epoch != epoch || self.keys_changed_before || self.keys_changed
    }

    /// Whether the job may go on.
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

    /// What the job leaves for the end of the batch.
    fn changed(self) -> (Vec<Arc<Leafed>>, UsageChanges, bool) {
        (self.appended, self.changes, self.keys_changed)
    }

    /// Runs a statement that writes, or a few, to its end.
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

/// Runs one job in its savepoint. An error means that the transaction as a whole is lost; the job's own failure is
/// in the slot.
fn run_slot(
    conn: &Connection,
    deadline: &ReadDeadline,
    slot: &mut JobSlot,
    open: &mut OpenBatch,
    usage: &mut StoredUsage,
) -> Result<(), StoreError> {
    execute(conn, "SAVEPOINT job").or_store()?;
    let mut tx = JobTx::new(conn, deadline, slot.job.precedence(), usage, open);
    let ran = catch_unwind(AssertUnwindSafe(|| slot.job.run(&mut tx)));
    let end = match ran {
        Ok(Ok(())) => tx.trouble.take().map_or(Ok(()), Err),
        Ok(Err(error)) => Err(error),
        Err(panic) => Err(StoreError::Panicked(message(&*panic))),
    };
    match end {
        Ok(()) => {
            execute(conn, "RELEASE job").or_store()?;
            let (mut appended, changes, keys_changed) = tx.changed();
            open.records.append(&mut appended);
            open.usage.take_in(changes);
            open.keys_changed |= keys_changed;
            Ok(())
        }
        Err(error) => {
            slot.end = Some(Err(error));
            if conn.is_autocommit() {
                return Ok(());
            }
            execute(conn, "ROLLBACK TO job").and_then(|()| execute(conn, "RELEASE job")).or_store()
        }
    }
}

pub(crate) fn execute(conn: &Connection, sql: &str) -> rusqlite::Result<()> {
    conn.prepare_cached(sql)?.raw_execute().map(drop)
}

/// What a panic said.
pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").chars().take(200).collect()
}
