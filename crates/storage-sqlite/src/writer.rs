//! The writer's thread: takes what queued while the last commit went to the disk, and commits it.

pub(crate) mod batch;
pub(crate) mod deadline;
pub(crate) mod usage;
pub(crate) mod watch;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use registry_core::Clock;
use rusqlite::Connection;
use storage::{DayUsage, Job, StoreError};

use crate::audit::guard::LogGuard;
use crate::errors::{OrStore as _, store_error};
use crate::migrate;
use crate::pragmas::{self, Patience, WAL_LIMIT_BYTES};
use crate::queue::Queue;
use crate::rows::meta;
use batch::{BatchReport, JobBatch, JobSlot, JobSource, execute};
use deadline::ReadDeadline;
use usage::StoredUsage;

/// The most jobs that share a commit.
const MAX_BATCH: usize = 256;
/// How often the size of the WAL is looked at, in commits.
const LOOK_AT_WAL: u64 = 64;
/// How many keys' bytes of audit rows are kept in memory.
const AUDIT_USAGE_KEYS: usize = 65_536;
/// How often an idle writer in trouble tries whether writing works again.
const PROBE: Duration = Duration::from_secs(1);

/// What the writer and everybody else share.
pub(crate) struct WriterState {
    pub(crate) queue: Queue,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) durable: AtomicU64,
    pub(crate) epoch: AtomicU64,
    pub(crate) last_good_look_micros: AtomicU64,
    pub(crate) write_trouble: AtomicBool,
    pub(crate) audit_broken: AtomicBool,
    pub(crate) jobs: AtomicU64,
    pub(crate) audit_rows: AtomicU64,
    pub(crate) failed_jobs: AtomicU64,
    pub(crate) job_micros: AtomicU64,
    pub(crate) commit_micros: AtomicU64,
    pub(crate) refusals: AtomicU64,
    pub(crate) deadline_refusals: AtomicU64,
    /// The bytes of audit rows of each key that this process wrote some for lately.
    pub(crate) audit_usage: RwLock<HashMap<String, DayUsage>>,
}

impl WriterState {
    pub(crate) fn new(queue: Queue, clock: Arc<dyn Clock>) -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            queue,
            clock,
            durable: zero(),
            epoch: zero(),
            last_good_look_micros: zero(),
            write_trouble: AtomicBool::new(false),
            audit_broken: AtomicBool::new(false),
            jobs: zero(),
            audit_rows: zero(),
            failed_jobs: zero(),
            job_micros: zero(),
            commit_micros: zero(),
            refusals: zero(),
            deadline_refusals: zero(),
            audit_usage: RwLock::default(),
        }
    }

    fn answer(&self, job: Box<dyn Job>, end: Result<(), StoreError>) {
        if let Err(error) = &end {
            self.failed_jobs.fetch_add(1, Ordering::Relaxed);
            let late = matches!(error, StoreError::DeadlineExceeded);
            self.deadline_refusals.fetch_add(u64::from(late), Ordering::Relaxed);
        }
        if catch_unwind(AssertUnwindSafe(|| job.done(end))).is_err() {
            tracing::error!("the end of a write panicked");
        }
    }

    /// Takes in what a commit made of the bytes of audit rows.
    fn note_audit_usage(&self, usage: &[(String, DayUsage)]) {
        if usage.is_empty() {
            return;
        }
        let mut known = self.audit_usage.write().unwrap_or_else(PoisonError::into_inner);
        for (key, now) in usage {
            if let Some(old) = known.get_mut(key) {
                *old = *now;
            } else {
                if known.len() >= AUDIT_USAGE_KEYS {
                    // Any may go: its next row brings it back.
                    let victim = known.keys().next().cloned();
                    victim.and_then(|victim| known.remove(&victim));
                }
                known.insert(key.clone(), *now);
            }
        }
    }
}

pub(crate) struct Writer {
    path: PathBuf,
    max_pages: Option<u32>,
    /// `None` after an error that left the outcome of a commit unknown, until the file could be opened again.
    conn: Option<Connection>,
    /// Whether the last batch found the database held by another process to the end of its patience.
    locked: bool,
    deadline: ReadDeadline,
    /// What the quotas' counts are on this connection.
    usage: StoredUsage,
    log: LogGuard,
    /// Why writes are stopped, once the database has it.
    kept_stop: Option<String>,
    shared: Arc<WriterState>,
}

/// The jobs of one batch, as the queue gives them.
struct QueuedJobs<'s> {
    shared: &'s WriterState,
    /// How many jobs the batch may still take.
    left: usize,
}

impl JobSource for QueuedJobs<'_> {
    fn next(&mut self) -> Option<Box<dyn Job>> {
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

    fn charge(&mut self, micros: u64) {
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
        // The WAL is emptied as far as readers let it be; what is left there is read at the next start.
        self.conn.map_or(Ok(()), |conn| {
            pragmas::set_patience(&conn, Patience::Short).or_store()?;
            pragmas::truncate_wal(&conn).map(drop).or_store()?;
            conn.close().map_err(|(_, error)| store_error(&error))
        })
    }

    /// Runs a batch of at most as many jobs as waited when it began: those that come while it runs wait for the
    /// next commit, but for the ones that go first.
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
        self.take_in(&report);
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

    /// What must be known before anybody is answered.
    fn take_in(&mut self, report: &BatchReport) {
        let shared = &self.shared;
        shared.durable.fetch_add(report.commits, Ordering::Release);
        shared.audit_rows.fetch_add(report.audit_rows, Ordering::Relaxed);
        shared.job_micros.fetch_add(report.job_micros, Ordering::Relaxed);
        shared.commit_micros.fetch_add(report.commit_micros, Ordering::Relaxed);
        shared.note_audit_usage(&report.audit_usage);
        if report.keys_changed {
            shared.epoch.fetch_add(1, Ordering::Release);
        }
        if report.broken {
            self.conn = None;
        }
        // A refusal by another process's lock says nothing about whether writing works.
        if report.trouble || report.commits > 0 {
            shared.write_trouble.store(report.trouble || report.broken, Ordering::Release);
        }
    }

    /// Those who queued while a batch waited for another's lock have waited already: until the lock is gone a
    /// batch gives up after a moment, so that nobody waits for the full time twice.
    fn note_lock(&mut self, locked: bool) {
        if self.locked == locked {
            return;
        }
        let Some(conn) = self.conn.as_ref() else { return };
        let patience = if locked { Patience::Short } else { Patience::Long };
        match pragmas::set_patience(conn, patience) {
            Ok(()) => self.locked = locked,
            Err(error) => tracing::error!(error = %error, "the busy handler can't be set"),
        }
    }

    /// The connection, opened again if it had to be given up.
    fn connection(&mut self) -> Result<&Connection, StoreError> {
        let conn = if let Some(conn) = self.conn.take() {
            conn
        } else {
            let conn = self.reopen().inspect_err(|error| {
                tracing::error!(error = %error, "the database can't be opened again");
            })?;
            self.locked = false;
            self.usage = StoredUsage::default();
            self.log.forget();
            conn
        };
        Ok(self.conn.insert(conn))
    }

    fn reopen(&self) -> Result<Connection, StoreError> {
        let conn = pragmas::open_for_writing(&self.path).or_store()?;
        let found = migrate::state_of(&conn).or_store()?;
        if found != migrate::SchemaState::Current {
            return Err(StoreError::Unavailable(format!("the database was replaced ({found:?})")));
        }
        pragmas::set_up_writer(&conn, self.max_pages).or_store()?;
        self.deadline.install(&conn).or_store()?;
        Ok(conn)
    }

    /// Writes something of no interest, to see whether writing works again while nobody asks for it.
    fn probe(&mut self) {
        let now = self.shared.clock.now().to_string();
        if self.connection().is_err() {
            return;
        }
        let Some(conn) = &self.conn else { return };
        let written = execute(conn, "BEGIN IMMEDIATE")
            .or_store()
            .and_then(|()| self.usage.begin(conn))
            .and_then(|moved| self.log.begin(conn, moved))
            .and_then(|()| meta::set(conn, meta::PROBE, &now).or_store())
            .and_then(|()| execute(conn, "COMMIT").or_store());
        match written {
            Ok(()) => self.shared.write_trouble.store(false, Ordering::Release),
            Err(error) => {
                tracing::warn!(error = %error, "writing still fails");
                if !conn.is_autocommit() && execute(conn, "ROLLBACK").is_err() {
                    self.conn = None;
                }
            }
        }
        self.note_audit();
    }

    /// Takes over whether writes are stopped. A stop is kept in the database, so that neither a restart nor an undone
    /// change ends it. Where it can't be kept, the next batch or probe tries again.
    fn note_audit(&mut self) {
        let stopped = self.log.stopped();
        self.shared.audit_broken.store(stopped.is_some(), Ordering::Release);
        if stopped == self.kept_stop.as_deref() {
            return;
        }
        let Some(why) = stopped.map(str::to_owned) else {
            tracing::warn!("the database was accepted as it is, and is written again");
            self.kept_stop = None;
            return;
        };
        tracing::error!("writes are stopped, see `t4 audit verify` and `t4 audit accept-schema`: {why}");
        let Some(conn) = &self.conn else { return };
        match keep_stop(conn, &why) {
            Ok(true) => self.kept_stop = Some(why),
            Ok(false) => tracing::error!("the stop is not kept in the database: something undoes its row"),
            Err(error) => tracing::error!(error = %error, "the stop can't be kept in the database yet"),
        }
        if !conn.is_autocommit() && execute(conn, "ROLLBACK").is_err() {
            self.conn = None;
        }
    }

    /// A reader that stays open lets the WAL grow: give it a moment, and start the file over if it ends.
    fn keep_wal_short(&self) {
        let mut name = self.path.as_os_str().to_owned();
        name.push("-wal");
        let long = std::fs::metadata(PathBuf::from(name)).is_ok_and(|wal| wal.len() > WAL_LIMIT_BYTES);
        let Some(conn) = self.conn.as_ref().filter(|_| long) else { return };
        let restarted =
            pragmas::set_patience(conn, Patience::Short).and_then(|()| pragmas::restart_wal(conn));
        if !matches!(restarted, Ok(true)) {
            tracing::warn!("a reader keeps the write-ahead log from being emptied");
        }
        if let Err(error) = pragmas::set_patience(conn, Patience::Long) {
            tracing::error!(error = %error, "the busy handler can't be set");
        }
    }
}

/// Writes down why writes are stopped, and says whether the database has it then.
fn keep_stop(conn: &Connection, why: &str) -> rusqlite::Result<bool> {
    execute(conn, "BEGIN IMMEDIATE")?;
    meta::set(conn, meta::STOPPED, why)?;
    execute(conn, "COMMIT")?;
    Ok(meta::get(conn, meta::STOPPED)?.as_deref() == Some(why))
}

#[cfg(test)]
mod tests;
