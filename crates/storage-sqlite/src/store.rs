//! SQLite store: a queue, a writer, a watcher and readers on one file.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use registry_core::{Intent, IntentId, KeyId};
use rusqlite::Connection;
use storage::{DayUsage, Job, OpenError, OpenReport, Store, StoreError, StoreStats, View, Watch};

use crate::errors::open_error;
use crate::open::prepare;
use crate::options::SqliteOptions;
use crate::pragmas;
use crate::queue::Queue;
use crate::readers::{Readers, Snapshot};
use crate::rows::intents;
use crate::writer::state::WriterState;
use crate::writer::tx::{OwnJob, WriterJob};
use crate::writer::{Writer, watch};

/// Store on one SQLite file.
pub struct SqliteStore {
    shared: Arc<WriterState>,
    readers: Readers,
    running: Mutex<Option<StoreThreads>>,
}

/// Threads that end with the store.
struct StoreThreads {
    ended: Receiver<Result<(), StoreError>>,
    writer: thread::JoinHandle<()>,
    watcher: thread::JoinHandle<()>,
    stop_watching: Sender<()>,
}

impl SqliteStore {
    /// Opens a database; creates, adopts or upgrades it where the mode allows that.
    ///
    /// # Errors
    /// [`OpenError`], which says what to do. The file is then unchanged, except that a missing file may have been
    /// created empty, and that an adoption may have left its copy.
    pub fn open(options: SqliteOptions<'_>) -> Result<(Arc<Self>, OpenReport), OpenError> {
        let path = options.path.as_path();
        let (conn, report) = prepare(&options)?;
        let readers = Readers::open(path, options.readers, options.point_readers, Arc::clone(&options.clock))
            .map_err(|error| OpenError::Failed { path: path.to_owned(), problem: error.to_string() })?;
        let watching = Connection::open_with_flags(path, pragmas::reader_flags())
            .and_then(|watching| pragmas::set_up_reader(&watching).map(|()| watching))
            .map_err(|error| open_error(path, &error))?;
        let queue = Queue::new(options.queue, options.reserved);
        let shared = Arc::new(WriterState::new(queue, Arc::clone(&options.clock)));
        let mut seen = watch::Seen::default();
        watch::look(&watching, &shared, &mut seen);
        let (stop_watching, stop) = mpsc::channel();
        let of_watcher = Arc::clone(&shared);
        let watcher = thread::Builder::new()
            .name("t4-db-watch".to_owned())
            .spawn(move || watch::run(&watching, &of_watcher, seen, &stop))
            .map_err(OpenError::Threads)?;
        let (end, ended) = mpsc::channel();
        let writer = Writer::new(options.path, options.max_pages, conn, Arc::clone(&shared));
        let writer = thread::Builder::new()
            .name("t4-db-write".to_owned())
            .spawn(move || drop(end.send(writer.run())))
            .map_err(OpenError::Threads)?;
        let running = Mutex::new(Some(StoreThreads { ended, writer, watcher, stop_watching }));
        Ok((Arc::new(Self { shared, readers, running }), report))
    }
}

impl SqliteStore {
    /// Queues a job of this backend.
    pub(crate) fn submit_own(&self, job: Box<dyn OwnJob>) {
        self.queue(WriterJob::Own(job));
    }

    /// Runs `f` on one snapshot of this backend.
    pub(crate) fn show(
        &self,
        f: &mut dyn FnMut(&Snapshot<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.readers.view(f)
    }

    fn queue(&self, job: WriterJob) {
        if let Err((job, error)) = self.shared.queue.push(job) {
            self.shared.refusals.fetch_add(u64::from(matches!(error, StoreError::Busy)), Ordering::Relaxed);
            job.done(Err(error));
        }
    }
}

impl Store for SqliteStore {
    fn submit(&self, job: Box<dyn Job>) {
        self.queue(WriterJob::Given(job));
    }

    fn view(&self, f: &mut dyn FnMut(&dyn View) -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.readers.view(&mut |snapshot| f(snapshot))
    }

    fn view_point(
        &self,
        patience: Duration,
        f: &mut dyn FnMut(&dyn View) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.readers.view_point(patience, &mut |snapshot| f(snapshot))
    }

    fn intent(&self, patience: Duration, id: &IntentId) -> Result<Option<Intent>, StoreError> {
        self.readers.one_statement(patience, |conn| intents::get(conn, id))
    }

    fn reads_block(&self) -> bool {
        false
    }

    fn readers(&self) -> usize {
        self.readers.count()
    }

    fn watch(&self) -> Watch {
        Watch {
            durable: self.shared.durable.load(Ordering::Acquire),
            epoch: self.shared.epoch.load(Ordering::Acquire),
            last_good_look_micros: self.shared.last_good_look_micros.load(Ordering::Acquire),
            write_trouble: self.shared.write_trouble.load(Ordering::Acquire),
            audit_broken: self.shared.audit_broken.load(Ordering::Acquire),
        }
    }

    fn audit_usage(&self, key: &KeyId) -> Option<DayUsage> {
        let known = self.shared.audit_usage.read().unwrap_or_else(PoisonError::into_inner);
        known.get(key.as_str()).copied()
    }

    fn stats(&self) -> StoreStats {
        let shared = &self.shared;
        StoreStats {
            commits: shared.durable.load(Ordering::Relaxed),
            jobs: shared.jobs.load(Ordering::Relaxed),
            audit_rows: shared.audit_rows.load(Ordering::Relaxed),
            failed_jobs: shared.failed_jobs.load(Ordering::Relaxed),
            job_micros: shared.job_micros.load(Ordering::Relaxed),
            commit_micros: shared.commit_micros.load(Ordering::Relaxed),
            queue_depth: u64::try_from(shared.queue.depth()).unwrap_or(u64::MAX),
            queue_refusals: shared.refusals.load(Ordering::Relaxed),
            deadline_refusals: shared.deadline_refusals.load(Ordering::Relaxed),
            readers_busy: self.readers.busy(),
        }
    }

    fn close(&self, within: Duration) -> Result<(), StoreError> {
        self.shared.queue.close();
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(StoreThreads { ended, writer, watcher, stop_watching }) = running else { return Ok(()) };
        drop(stop_watching);
        match ended.recv_timeout(within) {
            Ok(end) => {
                // Both threads have nothing left to do.
                let joined = writer.join().is_ok() & watcher.join().is_ok();
                if joined { end } else { Err(StoreError::Panicked("a thread of the store".to_owned())) }
            }
            Err(_) => Err(StoreError::Unavailable("the writer did not end in time".to_owned())),
        }
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        if let Err(error) = self.close(Duration::from_secs(10)) {
            tracing::error!(error = %error, "the database was not closed");
        }
    }
}
