//! Writer thread. It takes the jobs that arrived while the last commit was written to disk, runs each in a savepoint,
//! and commits them together.

pub(crate) mod deadline;
pub(crate) mod state;
pub(crate) mod tx;
mod upkeep;
pub(crate) mod watch;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use audit::{Leafed, LogHead, SealedBatch};
use rusqlite::Connection;
use storage::{KeyUsage, StoreError};

use crate::audit::guard::LogGuard;
use crate::audit::seal;
use crate::errors::{OrStore as _, leaves_outcome_unknown, panic_message, store_error};
use crate::pragmas::{self, Patience, execute};
use deadline::ReadDeadline;
use state::{BatchReport, WriterState};
use tx::{BatchSoFar, JobTx, StoredUsage, UsageChanges, WriterJob};

/// Maximum jobs that share a commit.
const MAX_BATCH: usize = 256;
/// Amount of work after which a batch ends, so that its first job does not wait for the last.
const WORK_MICROS: u64 = 5000;
/// Number of commits between two looks at the size of the WAL.
const LOOK_AT_WAL: u64 = 64;
/// Interval in which an idle writer tests whether writing works again after an error.
const PROBE: Duration = Duration::from_secs(1);

/// The writer thread.
pub(crate) struct Writer {
    path: PathBuf,
    max_pages: Option<u32>,
    /// `None` after an error that left the outcome of a commit unknown, until the file could be opened again.
    conn: Option<Connection>,
    /// Whether another process held the database during all of the last batch's patience.
    locked: bool,
    deadline: ReadDeadline,
    /// Counts for quotas, as this connection knows them.
    usage: StoredUsage,
    log: LogGuard,
    /// Reason why writes are stopped, once it is stored in the database.
    kept_stop: Option<String>,
    shared: Arc<WriterState>,
}

/// Jobs of one batch, taken from the queue one at a time, so that a job with precedence need not wait for the next
/// batch.
struct QueuedJobs<'s> {
    shared: &'s WriterState,
    /// Number of jobs that the batch may still take.
    left: usize,
}

impl QueuedJobs<'_> {
    /// Takes the next job; `None` when the batch is full or no job waits.
    fn next(&mut self) -> Option<WriterJob> {
        while self.left > 0 {
            self.left -= 1;
            let job = self.shared.queue.take()?;
            if !job.gone() {
                return Some(job);
            }
            self.shared.answer(job, Err(StoreError::Gone));
        }
        None
    }

    /// Charges the run time of the last job, in microseconds.
    fn charge(&self, micros: u64) {
        self.shared.queue.charge(micros);
    }
}

impl Writer {
    pub(crate) fn new(
        path: PathBuf,
        max_pages: Option<u32>,
        conn: Connection,
        shared: Arc<WriterState>,
    ) -> Self {
        let deadline = ReadDeadline::new(Arc::clone(&shared.clock));
        let usage = StoredUsage::default();
        let log = LogGuard::default();
        Self {
            path,
            max_pages,
            conn: Some(conn),
            locked: false,
            deadline,
            usage,
            log,
            kept_stop: None,
            shared,
        }
    }

    /// Runs until the queue is closed and empty.
    pub(crate) fn run(mut self) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        if let Some(conn) = &self.conn {
            self.deadline.install(conn).or_store()?;
        }
        loop {
            let patience = shared.write_trouble.load(Ordering::Relaxed).then_some(PROBE);
            match shared.queue.wait(patience) {
                None => break,
                Some(0) => self.probe(),
                Some(waiting) => self.batch(waiting),
            }
        }
        // The WAL is written back as far as readers allow; the rest is read at the next start.
        self.conn.map_or(Ok(()), |conn| {
            pragmas::set_patience(&conn, Patience::Short).or_store()?;
            pragmas::truncate_wal(&conn).map(drop).or_store()?;
            conn.close().map_err(|(_, error)| store_error(&error))
        })
    }

    /// Runs a batch of at most as many jobs as waited when it began. Jobs that arrive meanwhile wait for the next
    /// commit, except those with precedence.
    fn batch(&mut self, waiting: usize) {
        let shared = Arc::clone(&self.shared);
        let mut source = QueuedJobs { shared: &shared, left: waiting.min(MAX_BATCH) };
        let ready = self.connection().map(drop);
        let (slots, report) = match (ready, &self.conn) {
            (Ok(()), Some(conn)) => {
                JobBatch::new(conn, &self.deadline, &mut self.usage, &mut self.log, &shared.epoch)
                    .run(&mut source)
            }
            (ready, _) => {
                let closed = ready.err().unwrap_or(StoreError::Closed);
                let failed = |job| JobSlot { job, end: Some(Err(closed.clone())) };
                let slots = std::iter::from_fn(|| source.next()).map(failed).collect();
                (slots, BatchReport { trouble: true, ..BatchReport::default() })
            }
        };
        shared.take_in(&report);
        if report.broken {
            self.conn = None;
        }
        self.note_audit();
        self.note_lock(slots.iter().any(|slot| matches!(slot.end, Some(Err(StoreError::Locked)))));
        shared.jobs.fetch_add(u64::try_from(slots.len()).unwrap_or(0), Ordering::Relaxed);
        for slot in slots {
            let unended = || Err(StoreError::Invariant("the write was left over".to_owned()));
            shared.answer(slot.job, slot.end.unwrap_or_else(unended));
        }
        if report.commits > 0 && shared.durable.load(Ordering::Relaxed).is_multiple_of(LOOK_AT_WAL) {
            self.keep_wal_short();
        }
    }
}

/// Job and its result, once that is known.
struct JobSlot {
    job: WriterJob,
    end: Option<Result<(), StoreError>>,
}

/// Runs jobs and commits them.
struct JobBatch<'a> {
    conn: &'a Connection,
    deadline: &'a ReadDeadline,
    usage: &'a mut StoredUsage,
    log: &'a mut LogGuard,
    /// The store's epoch.
    epoch: &'a AtomicU64,
    report: BatchReport,
}

/// Transaction under way.
struct OpenBatch {
    start_micros: u64,
    now_micros: u64,
    records: Vec<Arc<Leafed>>,
    /// Changes of the counts for quotas by the jobs that succeeded. A transaction that runs again begins with none.
    usage: UsageChanges,
    /// Epoch at its beginning: its jobs see all that was committed by then.
    epoch: u64,
    keys_changed: bool,
}

/// SQLite dropped the transaction while a job ran.
struct TransactionLost;

impl<'a> JobBatch<'a> {
    fn new(
        conn: &'a Connection,
        deadline: &'a ReadDeadline,
        usage: &'a mut StoredUsage,
        log: &'a mut LogGuard,
        epoch: &'a AtomicU64,
    ) -> Self {
        Self { conn, deadline, usage, log, epoch, report: BatchReport::default() }
    }

    /// Runs jobs together until none is left or they have worked long enough. When SQLite drops the transaction
    /// during a job (no space, an I/O error, no memory), each job runs again alone, so that only the cause fails.
    fn run(mut self, source: &mut QueuedJobs<'_>) -> (Vec<JobSlot>, BatchReport) {
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

    /// Begins with one slot and adds the others as they run.
    fn together(
        &mut self,
        slots: &mut Vec<JobSlot>,
        source: &mut QueuedJobs<'_>,
    ) -> Result<(), TransactionLost> {
        let mut open = match self.begin() {
            Ok(open) => open,
            Err(error) => {
                // Those behind it have waited for the lock too.
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
        // A panic would happen again, and so would a timeout.
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

    /// Runs one job. If the transaction is lost, it is rolled back.
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

    /// Commits; every slot then has its result.
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
        let batch = SealedBatch::new(self.log.head()?, records);
        seal::write(self.conn, &batch)?;
        let usage = self.usage.write(self.conn, changes, records)?;
        self.log.confirm(self.conn, &batch)?;
        execute(self.conn, "COMMIT").map_err(|error| {
            if leaves_outcome_unknown(&error) {
                self.report.broken = true;
                StoreError::OutcomeUnknown(error.to_string())
            } else {
                store_error(&error)
            }
        })?;
        Ok((usage, batch.end()))
    }

    /// Nothing of the batch is committed: all jobs fail alike, except those that had failed themselves.
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

/// Runs one job in its savepoint. An error means that the whole transaction is lost; a failure of the job alone is in
/// the slot.
fn run_slot(
    conn: &Connection,
    deadline: &ReadDeadline,
    slot: &mut JobSlot,
    open: &mut OpenBatch,
    usage: &mut StoredUsage,
) -> Result<(), StoreError> {
    execute(conn, "SAVEPOINT job").or_store()?;
    let before = BatchSoFar { usage: &open.usage, epoch: open.epoch, keys_changed: open.keys_changed };
    let mut tx = JobTx::new(conn, deadline, slot.job.precedence(), usage, before);
    let ran = catch_unwind(AssertUnwindSafe(|| slot.job.run(&mut tx)));
    let end = match ran {
        Ok(Ok(())) => tx.trouble.take().map_or(Ok(()), Err),
        Ok(Err(error)) => Err(error),
        Err(panic) => Err(StoreError::Panicked(panic_message(&*panic))),
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

#[cfg(test)]
mod tests;
