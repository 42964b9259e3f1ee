//! The store and the jobs that it runs.

use std::time::Duration;

use crate::{StoreError, Tx, View};

/// A write. It runs on the writer, inside a savepoint of a transaction that many jobs share.
pub trait Job: Send {
    /// Does the work. May run again from scratch, so it touches only `tx` and itself.
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

    /// Whether the job may use the places of the queue that are kept free for the platform itself.
    fn urgent(&self) -> bool {
        false
    }
}

/// What the store knows of itself at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watch {
    /// Counts the durable commits of this process.
    pub durable: u64,
    /// Moves whenever anybody, this process or another, may have changed the database.
    pub epoch: u64,
    /// The monotonic time, in microseconds of the injected clock, of the last look at the database that
    /// succeeded.
    pub last_good_look_micros: u64,
    /// Whether the last write failed for a reason that a repeat won't mend (full, broken, reopening).
    pub write_trouble: bool,
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
    /// Jobs that found the queue full.
    pub queue_refusals: u64,
    /// Readers that are out now.
    pub readers_busy: u64,
}

/// A database behind the registry. Object safe: it is used as `Arc<dyn Store>`.
pub trait Store: Send + Sync {
    /// Queues a job. Never blocks; a full queue is told through [`Job::done`].
    fn submit(&self, job: Box<dyn Job>);

    /// Runs `f` on one snapshot, on the calling thread. A view is short: at most 5,000 rows or 100 ms. It may wait
    /// for a connection, so it is called on a thread that may wait.
    ///
    /// # Errors
    /// What `f` returns, or the trouble of opening the snapshot.
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

    /// Whether a view may wait for something slower than a local disk, such as a network. When true, no view runs
    /// on a thread that serves requests.
    fn reads_block(&self) -> bool;

    /// How many calls of `view` run at the same time; more of them wait for each other.
    fn readers(&self) -> usize;

    /// What the store knows of itself. Cheap: read on every request.
    fn watch(&self) -> Watch;

    /// Moves the epoch at once, after a change that cached keys must see.
    fn bump_epoch(&self);

    /// Counters since the start.
    fn stats(&self) -> StoreStats;

    /// Stops taking jobs, commits what waits, and closes.
    ///
    /// # Errors
    /// When that is not done `within` the time.
    fn close(&self, within: Duration) -> Result<(), StoreError>;
}
