//! The store itself: a queue, a writer, a watcher and readers on one file.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use storage::{Job, Store, StoreError, StoreStats, View, Watch};

use crate::open::{OpenReport, SqliteOptions, prepare};
use crate::readers::Readers;
use crate::writer::{Writer, WriterState, watch};
use crate::{OpenError, pragmas};

/// The registry in one SQLite file.
pub struct SqliteStore {
    shared: Arc<WriterState>,
    readers: Readers,
    running: Mutex<Option<StoreThreads>>,
}

/// What ends with the store.
struct StoreThreads {
    ended: Receiver<Result<(), StoreError>>,
    writer: thread::JoinHandle<()>,
    watcher: thread::JoinHandle<()>,
    stop_watching: Sender<()>,
}

impl SqliteStore {
    /// Opens a database; makes, adopts or upgrades it where the mode allows that.
    ///
    /// # Errors
    /// [`OpenError`], each with what to do. The file is then as it was, except that a missing one may be there
    /// empty, and that an adoption may have left its copy.
    pub fn open(options: SqliteOptions<'_>) -> Result<(Arc<Self>, OpenReport), OpenError> {
        let path = options.path.as_path();
        let (conn, report) = prepare(&options)?;
        let readers = Readers::open(path, options.readers, options.point_readers)
            .map_err(|error| OpenError::Failed { path: path.to_owned(), problem: error.to_string() })?;
        let watching = Connection::open_with_flags(path, pragmas::reader_flags())
            .and_then(|watching| pragmas::set_up_reader(&watching).map(|()| watching))
            .map_err(|error| OpenError::of(path, &error))?;
        let queue = Queue::new(options.queue, options.reserved);
        let shared = Arc::new(WriterState::new(queue, Arc::clone(&options.clock)));
        let mut seen = None;
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

impl Store for SqliteStore {
    fn submit(&self, job: Box<dyn Job>) {
        if let Err((job, error)) = self.shared.queue.push(job) {
            self.shared.refusals.fetch_add(u64::from(matches!(error, StoreError::Busy)), Ordering::Relaxed);
            job.done(Err(error));
        }
    }

    fn view(&self, f: &mut dyn FnMut(&dyn View) -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.readers.view(f)
    }

    fn view_point(
        &self,
        patience: Duration,
        f: &mut dyn FnMut(&dyn View) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.readers.view_point(patience, f)
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
        }
    }

    fn bump_epoch(&self) {
        self.shared.epoch.fetch_add(1, Ordering::Release);
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
                // Both have nothing left to do.
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

/// Jobs that wait for the writer, a bounded number of them.
pub(crate) struct Queue {
    inner: Mutex<QueueState>,
    filled: Condvar,
    places: usize,
    reserved: usize,
}

struct QueueState {
    jobs: VecDeque<Box<dyn Job>>,
    closed: bool,
    /// Whether the writer sleeps: waking it costs a system call, which a job behind another need not pay.
    asleep: bool,
}

impl Queue {
    pub(crate) fn new(places: usize, reserved: usize) -> Self {
        let inner = QueueState { jobs: VecDeque::with_capacity(places), closed: false, asleep: false };
        Self { inner: Mutex::new(inner), filled: Condvar::new(), places, reserved }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        // Nothing that runs under this lock can leave the queue half changed.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a job, or gives it back with the reason.
    pub(crate) fn push(&self, job: Box<dyn Job>) -> Result<(), (Box<dyn Job>, StoreError)> {
        let places = if job.urgent() { self.places } else { self.places.saturating_sub(self.reserved) };
        let mut inner = self.lock();
        if inner.closed {
            return Err((job, StoreError::Closed));
        }
        if inner.jobs.len() >= places {
            return Err((job, StoreError::Busy));
        }
        inner.jobs.push_back(job);
        let wake = std::mem::take(&mut inner.asleep);
        drop(inner);
        if wake {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Fills `pending` up to `most` jobs. When there is none it waits for the first, at most `patience`. False when
    /// the queue is closed and all is done.
    pub(crate) fn take(
        &self,
        pending: &mut VecDeque<Box<dyn Job>>,
        most: usize,
        patience: Option<Duration>,
    ) -> bool {
        let mut inner = self.lock();
        if pending.is_empty() && inner.jobs.is_empty() && !inner.closed {
            inner.asleep = true;
            let idle = |inner: &mut QueueState| inner.jobs.is_empty() && !inner.closed;
            inner = match patience {
                None => self.filled.wait_while(inner, idle).unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let waited = self.filled.wait_timeout_while(inner, patience, idle);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
            inner.asleep = false;
        }
        let wanted = most.saturating_sub(pending.len()).min(inner.jobs.len());
        pending.extend(inner.jobs.drain(..wanted));
        !(inner.closed && pending.is_empty())
    }

    /// Takes no job any more; those that wait are still run.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
    }

    pub(crate) fn depth(&self) -> usize {
        self.lock().jobs.len()
    }
}
