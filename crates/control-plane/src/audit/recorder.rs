//! Where the rows of reads and refusals wait for the next commit.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use audit::Record;
use storage::{Leafed, Store, StoreError};
use tokio::sync::Notify;

/// When the row of a read is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditMode {
    /// Soon after its answer (at most 100 ms).
    Batched,
    /// Before its answer.
    Strict,
}

/// How many rows may wait. When they can't be written any more, reads are refused rather than forgotten.
const CAPACITY: usize = 20_000;
/// How many rows wake the flusher before its time.
const WAKE_AT: usize = 1_000;
/// Rows per job: a job must not hold the writer for long.
const ROWS_PER_JOB: usize = 256;

/// Collects rows and writes many at once.
pub struct Recorder {
    store: Arc<dyn Store>,
    mode: AuditMode,
    waiting: Mutex<Vec<Arc<Leafed>>>,
    /// Rows that wait or are being written.
    pending: AtomicUsize,
    /// Requests that were refused because no more rows could wait, since the last look.
    turned_away: AtomicU64,
    wake: Notify,
}

impl Recorder {
    /// A recorder for this store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, mode: AuditMode) -> Self {
        Self {
            store,
            mode,
            waiting: Mutex::default(),
            pending: AtomicUsize::new(0),
            turned_away: AtomicU64::new(0),
            wake: Notify::new(),
        }
    }

    /// Whether another row can be kept. Asked before a request is served.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.pending.load(Ordering::Relaxed) < CAPACITY
    }

    /// Counts a request that was refused because no more rows can wait: its own row could not wait either.
    pub fn turn_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }

    /// The requests that were turned away, once there is room for the row that tells of them.
    #[must_use]
    pub fn take_turned_away(&self) -> u64 {
        if self.has_room() { self.turned_away.swap(0, Ordering::Relaxed) } else { 0 }
    }

    /// When rows of reads are durable.
    #[must_use]
    pub fn mode(&self) -> AuditMode {
        self.mode
    }

    /// Keeps a row; it is written soon.
    pub fn push(&self, record: Record) {
        let row = Leafed::new(record);
        self.pending.fetch_add(1, Ordering::Relaxed);
        let waiting = {
            let mut rows = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            rows.push(row);
            rows.len()
        };
        if waiting == WAKE_AT {
            self.wake.notify_one();
        }
    }

    /// Writes a row before it returns.
    ///
    /// # Errors
    /// Trouble of the store; the row is then not in the log.
    pub async fn write(&self, record: Record) -> Result<(), StoreError> {
        self.store.append(vec![Leafed::new(record)]).await
    }

    /// Waits until many rows wait.
    pub async fn crowded(&self) {
        self.wake.notified().await;
    }

    /// Writes what waits. Rows that could not be written wait again, in their order.
    ///
    /// # Errors
    /// Trouble of the store.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let rows = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if rows.is_empty() {
            return Ok(());
        }
        let parts: Vec<Vec<_>> = rows.chunks(ROWS_PER_JOB).map(<[_]>::to_vec).collect();
        // All parts are queued before the first is awaited, so that one commit can carry them.
        let writes: Vec<_> = parts.iter().map(|part| self.store.append(part.clone())).collect();
        let mut failed = Vec::new();
        let mut trouble = Ok(());
        for (part, write) in parts.into_iter().zip(writes) {
            match write.await {
                Ok(()) => {
                    self.pending.fetch_sub(part.len(), Ordering::Relaxed);
                }
                Err(error) => {
                    failed.extend(part);
                    trouble = Err(error);
                }
            }
        }
        if !failed.is_empty() {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            failed.append(&mut waiting);
            *waiting = failed;
        }
        trouble
    }
}
