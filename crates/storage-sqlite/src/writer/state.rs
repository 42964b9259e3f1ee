//! State that the writer thread shares with the rest of the store.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use registry_core::Clock;
use storage::{DayUsage, StoreError};

use crate::queue::Queue;
use crate::writer::tx::WriterJob;

/// Number of keys whose audit bytes are kept in memory.
const AUDIT_USAGE_KEYS: usize = 65_536;

/// Result of a batch.
#[derive(Debug, Default)]
pub(super) struct BatchReport {
    pub(super) commits: u64,
    pub(super) audit_rows: u64,
    pub(super) keys_changed: bool,
    /// Present audit bytes of each key of the batch.
    pub(super) audit_usage: Vec<(String, DayUsage)>,
    pub(super) job_micros: u64,
    pub(super) commit_micros: u64,
    /// The connection can't be trusted any more.
    pub(super) broken: bool,
    /// A failure that a retry does not fix.
    pub(super) trouble: bool,
}

/// State that the writer shares with all others.
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
    /// Audit bytes of each key for which this process has recently written rows.
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

    pub(super) fn answer(&self, job: WriterJob, end: Result<(), StoreError>) {
        if let Err(error) = &end {
            self.failed_jobs.fetch_add(1, Ordering::Relaxed);
            let late = matches!(error, StoreError::DeadlineExceeded);
            self.deadline_refusals.fetch_add(u64::from(late), Ordering::Relaxed);
        }
        if catch_unwind(AssertUnwindSafe(|| job.done(end))).is_err() {
            tracing::error!("the end of a write panicked");
        }
    }

    /// Updates the audit bytes after a commit.
    pub(super) fn note_audit_usage(&self, usage: &[(String, DayUsage)]) {
        if usage.is_empty() {
            return;
        }
        let mut known = self.audit_usage.write().unwrap_or_else(PoisonError::into_inner);
        for (key, now) in usage {
            if let Some(old) = known.get_mut(key) {
                *old = *now;
            } else {
                if known.len() >= AUDIT_USAGE_KEYS {
                    // Any entry may be evicted: the key's next row restores it.
                    let victim = known.keys().next().cloned();
                    victim.and_then(|victim| known.remove(&victim));
                }
                known.insert(key.clone(), *now);
            }
        }
    }

    /// Result that must be recorded before any job is answered.
    pub(super) fn take_in(&self, report: &BatchReport) {
        self.durable.fetch_add(report.commits, Ordering::Release);
        self.audit_rows.fetch_add(report.audit_rows, Ordering::Relaxed);
        self.job_micros.fetch_add(report.job_micros, Ordering::Relaxed);
        self.commit_micros.fetch_add(report.commit_micros, Ordering::Relaxed);
        self.note_audit_usage(&report.audit_usage);
        if report.keys_changed {
            self.epoch.fetch_add(1, Ordering::Release);
        }
        // A refusal by another process's lock says nothing about whether writing works.
        if report.trouble || report.commits > 0 {
            self.write_trouble.store(report.trouble || report.broken, Ordering::Release);
        }
    }
}
