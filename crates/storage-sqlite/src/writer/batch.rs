//! One batch: many jobs, each in its savepoint, one commit.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use registry_core::{Clock, Timestamp};
use rusqlite::Connection;
use storage::{AuditTx, Job, Leafed, SealedCheckpoint, StoreError};

use crate::audit::rows as audit_rows;
use crate::audit::seal::seal;
use crate::errors::{OrStore as _, leaves_outcome_unknown, store_error};

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
    /// How many of the slots, from the first, have ended; the others were left for the next batch.
    pub(crate) ended: usize,
    pub(crate) commits: u64,
    pub(crate) audit_rows: u64,
    pub(crate) keys_changed: bool,
    pub(crate) job_micros: u64,
    pub(crate) commit_micros: u64,
    /// The connection can't be trusted any more.
    pub(crate) broken: bool,
    /// Something failed that a repeat won't mend.
    pub(crate) trouble: bool,
}

enum BatchAttempt {
    /// Every slot that ran has its end.
    Ended,
    /// SQLite dropped the transaction while a job ran.
    Lost,
}

/// Runs jobs and commits them.
pub(crate) struct JobBatch<'a> {
    conn: &'a Connection,
    clock: &'a dyn Clock,
    report: BatchReport,
}

impl<'a> JobBatch<'a> {
    pub(crate) fn new(conn: &'a Connection, clock: &'a dyn Clock) -> Self {
        Self { conn, clock, report: BatchReport::default() }
    }

    /// Runs the jobs together. Where SQLite drops the transaction under one of them (no space, an I/O error, no
    /// memory), each runs again alone, so that only the guilty one fails.
    pub(crate) fn run(mut self, slots: &mut [JobSlot]) -> BatchReport {
        let (ran, attempt) = self.attempt(slots);
        self.report.ended = ran;
        if let BatchAttempt::Lost = attempt {
            for slot in slots.iter_mut().take(ran) {
                self.alone(slot);
            }
        }
        let unmended =
            |slot: &JobSlot| matches!(slot.end, Some(Err(StoreError::Full | StoreError::OutcomeUnknown(_))));
        self.report.trouble |= slots.iter().take(ran).any(unmended);
        self.report
    }

    fn alone(&mut self, slot: &mut JobSlot) {
        // What panicked would panic again.
        if matches!(slot.end, Some(Err(StoreError::Panicked(_)))) {
            return;
        }
        slot.end = None;
        if let (_, BatchAttempt::Lost) = self.attempt(std::slice::from_mut(slot)) {
            self.report.trouble = true;
            let lost = || Err(StoreError::Unavailable("the transaction was dropped".to_owned()));
            slot.end.get_or_insert_with(lost);
        }
    }

    fn attempt(&mut self, slots: &mut [JobSlot]) -> (usize, BatchAttempt) {
        if let Err(error) = execute(self.conn, "BEGIN IMMEDIATE") {
            self.fail(slots, &store_error(&error));
            return (slots.len(), BatchAttempt::Ended);
        }
        let start = self.clock.monotonic_micros();
        let mut records = Vec::with_capacity(slots.len());
        let (mut ran, mut keys_changed, mut lost) = (0, false, false);
        let mut now = start;
        for slot in slots.iter_mut() {
            if ran > 0 && now.saturating_sub(start) > WORK_MICROS {
                break;
            }
            ran += 1;
            let kept = run_slot(self.conn, slot, &mut records, &mut keys_changed);
            now = self.clock.monotonic_micros();
            if kept.is_err() || self.conn.is_autocommit() {
                lost = true;
                break;
            }
        }
        self.report.job_micros += now.saturating_sub(start);
        if lost {
            self.roll_back();
            return (ran, BatchAttempt::Lost);
        }
        let ended = slots.get_mut(..ran).unwrap_or_default();
        match self.commit(&records) {
            Ok(()) => {
                self.report.commits += 1;
                self.report.audit_rows += u64::try_from(records.len()).unwrap_or(0);
                self.report.keys_changed |= keys_changed;
                for slot in ended {
                    slot.end.get_or_insert(Ok(()));
                }
            }
            Err(error) => {
                self.roll_back();
                self.fail(ended, &error);
            }
        }
        self.report.commit_micros += self.clock.monotonic_micros().saturating_sub(now);
        (ran, BatchAttempt::Ended)
    }

    fn commit(&mut self, records: &[Arc<Leafed>]) -> Result<(), StoreError> {
        seal(self.conn, records)?;
        execute(self.conn, "COMMIT").map_err(|error| {
            if leaves_outcome_unknown(&error) {
                self.report.broken = true;
                StoreError::OutcomeUnknown(error.to_string())
            } else {
                store_error(&error)
            }
        })
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
    /// Records that wait for the sealer.
    pub(crate) appended: Vec<Arc<Leafed>>,
    /// Whether rows of keys were written.
    pub(crate) keys_changed: bool,
    /// The first trouble. A job can't talk it away: PostgreSQL would refuse to go on after it as well.
    pub(crate) trouble: Option<StoreError>,
}

impl<'c> JobTx<'c> {
    pub(crate) fn new(conn: &'c Connection) -> Self {
        Self { conn, appended: Vec::new(), keys_changed: false, trouble: None }
    }

    pub(crate) fn run<T>(
        &mut self,
        f: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if let Some(trouble) = &self.trouble {
            return Err(trouble.clone());
        }
        f(self.conn).inspect_err(|error| self.trouble = Some(error.clone()))
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
    slot: &mut JobSlot,
    records: &mut Vec<Arc<Leafed>>,
    keys_changed: &mut bool,
) -> Result<(), StoreError> {
    execute(conn, "SAVEPOINT job").or_store()?;
    let mut tx = JobTx::new(conn);
    let ran = catch_unwind(AssertUnwindSafe(|| slot.job.run(&mut tx)));
    let end = match ran {
        Ok(Ok(())) => tx.trouble.take().map_or(Ok(()), Err),
        Ok(Err(error)) => Err(error),
        Err(panic) => Err(StoreError::Panicked(message(&*panic))),
    };
    match end {
        Ok(()) => {
            execute(conn, "RELEASE job").or_store()?;
            records.append(&mut tx.appended);
            *keys_changed |= tx.keys_changed;
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
