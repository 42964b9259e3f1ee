//! Traits of a store and of the jobs that it runs.

use std::time::Duration;

use registry_core::{Intent, IntentId, KeyId};

use crate::{DayUsage, StoreError, Tx, View, read_shown};

/// Account that the writer's time is charged to. Callers of one precedence take turns by the time that their jobs
/// took, and each has a limited share of the queue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobCaller {
    /// The server itself: rows of the log, upkeep.
    Platform,
    /// All admins together.
    Admin,
    /// The holder of a key.
    Key(KeyId),
}

/// Precedence of jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precedence {
    /// Acts of admins, settlements and releases, rows of the log, upkeep. They run before ordinary work, which still
    /// gets regular turns.
    Control,
    /// Ordinary work.
    Ordinary,
}

/// Scheduling class of a write.
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

    /// End of an agent's hold. It runs even when its caller has disconnected, because money depends on it.
    #[must_use]
    pub fn settlement(key: &KeyId) -> Self {
        Self { precedence: Precedence::Control, outlives_caller: true, ..Self::agent(key) }
    }

    /// Act of an admin.
    #[must_use]
    pub fn admin() -> Self {
        Self { caller: JobCaller::Admin, precedence: Precedence::Control, outlives_caller: false }
    }

    /// Revocation of a key. It runs even when the admin has disconnected.
    #[must_use]
    pub fn revocation() -> Self {
        Self { outlives_caller: true, ..Self::admin() }
    }

    /// Class of a request's write: an admin's act precedes an agent's.
    #[must_use]
    pub fn request(caller: &JobCaller) -> Self {
        let precedence = match caller {
            JobCaller::Platform | JobCaller::Admin => Precedence::Control,
            JobCaller::Key(_) => Precedence::Ordinary,
        };
        Self { caller: caller.clone(), precedence, outlives_caller: false }
    }

    /// Work of the server itself.
    #[must_use]
    pub fn platform() -> Self {
        Self { caller: JobCaller::Platform, precedence: Precedence::Control, outlives_caller: true }
    }

    /// Returns the caller that the job's time is charged to.
    #[must_use]
    pub fn caller(&self) -> &JobCaller {
        &self.caller
    }

    /// Returns the precedence.
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

/// Write that runs on the writer, inside a savepoint of a transaction that many jobs share.
pub trait Job: Send {
    /// Does the work. It may run again from scratch, so it touches only `tx` and itself.
    ///
    /// A job has a deadline, which every method of `tx` checks before it begins. A read that takes too long is
    /// interrupted. Only this job fails then, with [`StoreError::DeadlineExceeded`].
    ///
    /// # Errors
    /// A storage error; the job's changes are then rolled back.
    fn run(&mut self, tx: &mut dyn Tx) -> Result<(), StoreError>;

    /// Called exactly once, after the commit is durable or has failed.
    fn done(self: Box<Self>, end: Result<(), StoreError>);

    /// Whether nobody waits for the job any more. Such a job is skipped if it has not begun.
    fn gone(&self) -> bool {
        false
    }

    /// Returns the precedence, which also decides which places of the queue the job may use.
    fn precedence(&self) -> Precedence;

    /// Returns the caller that its time is charged to.
    fn caller(&self) -> &JobCaller;
}

/// State of the store at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watch {
    /// Number of durable commits of this process.
    pub durable: u64,
    /// Epoch: it moves whenever keys may have changed, by this process or another. A change by this process moves it
    /// before the change is answered.
    pub epoch: u64,
    /// Monotonic time of the last successful look at the database, in microseconds of the injected clock.
    pub last_good_look_micros: u64,
    /// Whether the last write failed for a reason that a retry does not fix (full, broken, reopening).
    pub write_trouble: bool,
    /// Whether writes are stopped because the audit log or the schema was changed.
    pub audit_broken: bool,
}

/// Counters since the start, and the present depth of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreStats {
    /// Commits.
    pub commits: u64,
    /// Jobs in those commits.
    pub jobs: u64,
    /// Rows of the audit log in those commits.
    pub audit_rows: u64,
    /// Jobs that failed.
    pub failed_jobs: u64,
    /// Total run time of jobs, in microseconds.
    pub job_micros: u64,
    /// Total time of commits, in microseconds.
    pub commit_micros: u64,
    /// Jobs that wait now.
    pub queue_depth: u64,
    /// Jobs that found the queue, or their caller's share of it, full.
    pub queue_refusals: u64,
    /// Jobs that were refused because they took too long.
    pub deadline_refusals: u64,
    /// Readers in use now.
    pub readers_busy: u64,
}

/// Database of T4. It is used as `Arc<dyn Store>`.
pub trait Store: Send + Sync {
    /// Queues a job. It never blocks. A full queue, or a full share of the caller, is reported through [`Job::done`].
    ///
    /// The jobs of one caller and precedence run in the order in which they were queued. Different callers take
    /// turns, so that no caller waits for another's backlog.
    fn submit(&self, job: Box<dyn Job>);

    /// Runs `f` on one snapshot, on the calling thread. A view should be short: at most 5,000 rows or 100 ms. A read
    /// that takes far longer is interrupted. The call may wait for a connection, so the thread must be one that may
    /// wait.
    ///
    /// # Errors
    /// The error of `f`, an error of opening the snapshot, or [`StoreError::DeadlineExceeded`].
    fn view(&self, f: &mut dyn FnMut(&dyn View) -> Result<(), StoreError>) -> Result<(), StoreError>;

    /// Like `view`, for a read of a few rows by key, on a connection that `view` never uses. It waits at most
    /// `patience` for one. With [`Duration::ZERO`] it does not wait: `f` runs at once or not at all.
    ///
    /// # Errors
    /// Same errors as `view`, and [`StoreError::NoReader`] when no connection was free in time; then `f` has not run.
    fn view_point(
        &self,
        patience: Duration,
        f: &mut dyn FnMut(&dyn View) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    /// Returns the intent with this id, like a `view_point` that reads nothing else. A backend may save the cost of a
    /// snapshot.
    ///
    /// # Errors
    /// Same errors as `view_point`.
    fn intent(&self, patience: Duration, id: &IntentId) -> Result<Option<Intent>, StoreError> {
        read_shown(|show| self.view_point(patience, show), |view| view.intent(id))
    }

    /// Whether a view may wait for something slower than a local disk, such as a network. If so, no view runs on a
    /// thread that serves requests.
    fn reads_block(&self) -> bool;

    /// Number of concurrent calls of `view`; further calls wait.
    fn readers(&self) -> usize;

    /// Returns the state of the store. Cheap: it is read on every request.
    fn watch(&self) -> Watch;

    /// Returns the audit bytes of a key as of the last commit of this process that wrote any; `None` when it wrote
    /// none. Cheap: it is read on every request.
    fn audit_usage(&self, key: &KeyId) -> Option<DayUsage>;

    /// Returns counters since the start.
    fn stats(&self) -> StoreStats;

    /// Stops accepting jobs, commits the queued ones, and closes.
    ///
    /// # Errors
    /// When that takes longer than `within`.
    fn close(&self, within: Duration) -> Result<(), StoreError>;
}
