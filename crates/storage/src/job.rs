//! Traits of a store and of the jobs that it runs.

use std::time::Duration;

use registry_core::{Intent, IntentId, KeyId};

use crate::{DayUsage, StoreError, Tx, View, read_shown};

/// The account that the writer's time is charged to. Callers of one precedence take turns by the time that their jobs
/// took, and each has a bounded share of the queue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobCaller {
    /// The platform itself: rows of the log, upkeep.
    Platform,
    /// Admins, all of them.
    Admin,
    /// The holder of a key.
    Key(KeyId),
}

/// Which jobs go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precedence {
    /// Acts of admins, settlements and releases, rows of the log, upkeep. They go before ordinary work, which still
    /// gets regular turns.
    Control,
    /// Everything else.
    Ordinary,
}

/// How the store schedules a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobClass {
    caller: JobCaller,
    precedence: Precedence,
    outlives_caller: bool,
}

impl JobClass {
    /// Ordinary work of an agent. It is skipped when its caller has disconnected.
    #[must_use]
    pub fn agent(key: &KeyId) -> Self {
        let caller = JobCaller::Key(key.clone());
        Self { caller, precedence: Precedence::Ordinary, outlives_caller: false }
    }

    /// The end of an agent's hold. It runs even when its caller has disconnected: money depends on it.
    #[must_use]
    pub fn settlement(key: &KeyId) -> Self {
        Self { precedence: Precedence::Control, outlives_caller: true, ..Self::agent(key) }
    }

    /// An act of an admin.
    #[must_use]
    pub fn admin() -> Self {
        Self { caller: JobCaller::Admin, precedence: Precedence::Control, outlives_caller: false }
    }

    /// The revocation of a key. It runs even when the admin has disconnected.
    #[must_use]
    pub fn revocation() -> Self {
        Self { outlives_caller: true, ..Self::admin() }
    }

    /// The class of a request's write: an admin's act goes before an agent's.
    #[must_use]
    pub fn request(caller: &JobCaller) -> Self {
        let precedence = match caller {
            JobCaller::Platform | JobCaller::Admin => Precedence::Control,
            JobCaller::Key(_) => Precedence::Ordinary,
        };
        Self { caller: caller.clone(), precedence, outlives_caller: false }
    }

    /// Work of the platform itself.
    #[must_use]
    pub fn platform() -> Self {
        Self { caller: JobCaller::Platform, precedence: Precedence::Control, outlives_caller: true }
    }

    /// The caller that the job's time is charged to.
    #[must_use]
    pub fn caller(&self) -> &JobCaller {
        &self.caller
    }

    /// Which jobs it goes before.
    #[must_use]
    pub fn precedence(&self) -> Precedence {
        self.precedence
    }

    /// Whether the job runs even when its caller has disconnected.
    #[must_use]
    pub fn outlives_caller(&self) -> bool {
        self.outlives_caller
    }
}

/// A write. It runs on the writer, inside a savepoint of a transaction that many jobs share.
pub trait Job: Send {
    /// Does the work. May run again from scratch, so it touches only `tx` and itself.
    ///
    /// A job has a deadline, which every method of `tx` checks before it begins; one that reads for too long is
    /// interrupted. The job then fails alone, with [`StoreError::DeadlineExceeded`].
    ///
    /// # Errors
    /// Storage trouble; the job's changes are then rolled back.
    fn run(&mut self, tx: &mut dyn Tx) -> Result<(), StoreError>;

    /// Told exactly once, after the commit is durable or has failed.
    fn done(self: Box<Self>, end: Result<(), StoreError>);

    /// Whether nobody waits any more: such a job is skipped if it has not begun.
    fn gone(&self) -> bool {
        false
    }

    /// Which jobs it goes before, and which places of the queue it may use.
    fn precedence(&self) -> Precedence;

    /// The caller that its time is charged to.
    fn caller(&self) -> &JobCaller;
}

/// What the store knows of itself at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watch {
    /// Counts the durable commits of this process.
    pub durable: u64,
    /// Moves whenever anybody, this process or another, may have changed keys. A change of this process has moved it
    /// before it is answered.
    pub epoch: u64,
    /// The monotonic time, in microseconds of the injected clock, of the last look at the database that
    /// succeeded.
    pub last_good_look_micros: u64,
    /// Whether the last write failed for a reason that a repeat won't mend (full, broken, reopening).
    pub write_trouble: bool,
    /// Whether writes are stopped because the audit log or the schema was changed.
    pub audit_broken: bool,
}

/// Counters since the start, and the depth of the queue now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreStats {
    /// Commits.
    pub commits: u64,
    /// Jobs that those commits carried.
    pub jobs: u64,
    /// Rows of the audit log that those commits carried.
    pub audit_rows: u64,
    /// Jobs that failed.
    pub failed_jobs: u64,
    /// Microseconds that jobs ran, all together.
    pub job_micros: u64,
    /// Microseconds that commits took, all together.
    pub commit_micros: u64,
    /// Jobs that wait now.
    pub queue_depth: u64,
    /// Jobs that found the queue full, or their caller's share of it.
    pub queue_refusals: u64,
    /// Jobs that were refused because they took too long.
    pub deadline_refusals: u64,
    /// Readers that are out now.
    pub readers_busy: u64,
}

/// A database behind the registry. Object safe: it is used as `Arc<dyn Store>`.
pub trait Store: Send + Sync {
    /// Queues a job. Never blocks; a full queue, or a full share of the caller's, is told through [`Job::done`].
    ///
    /// The jobs of one caller and precedence run in the order in which they came. Those of different callers take
    /// turns, so that no caller waits for another's backlog.
    fn submit(&self, job: Box<dyn Job>);

    /// Runs `f` on one snapshot, on the calling thread. A view is short: at most 5,000 rows or 100 ms. A read of
    /// one that takes far longer is interrupted. It may wait for a connection, so it is called on a thread that may
    /// wait.
    ///
    /// # Errors
    /// What `f` returns, the trouble of opening the snapshot, or [`StoreError::DeadlineExceeded`].
    fn view(&self, f: &mut dyn FnMut(&dyn View) -> Result<(), StoreError>) -> Result<(), StoreError>;

    /// Like `view` for a read of a few rows by key, on a connection that `view` never takes. It waits at most
    /// `patience` for one; with [`Duration::ZERO`] it does not wait, and `f` runs at once or not at all.
    ///
    /// # Errors
    /// As `view`; [`StoreError::NoReader`] when no connection was free in time, and `f` has not run then.
    fn view_point(
        &self,
        patience: Duration,
        f: &mut dyn FnMut(&dyn View) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// The intent of this id, as a `view_point` that reads nothing else would see it. A backend may spare it what a
    /// snapshot of several reads costs.
    ///
    /// # Errors
    /// As `view_point`.
    fn intent(&self, patience: Duration, id: &IntentId) -> Result<Option<Intent>, StoreError> {
        read_shown(|show| self.view_point(patience, show), |view| view.intent(id))
    }

    /// Whether a view may wait for something slower than a local disk, such as a network. When true, no view runs
    /// on a thread that serves requests.
    fn reads_block(&self) -> bool;

    /// How many calls of `view` run at the same time; more of them wait for each other.
    fn readers(&self) -> usize;

    /// What the store knows of itself. Cheap: read on every request.
    fn watch(&self) -> Watch;

    /// The bytes of audit rows that name a key, as of the last commit of this process that wrote one; `None` when
    /// it wrote none. Cheap: read on every request.
    fn audit_usage(&self, key: &KeyId) -> Option<DayUsage>;

    /// Counters since the start.
    fn stats(&self) -> StoreStats;

    /// Stops taking jobs, commits what waits, and closes.
    ///
    /// # Errors
    /// When that is not done `within` the time.
    fn close(&self, within: Duration) -> Result<(), StoreError>;
}
