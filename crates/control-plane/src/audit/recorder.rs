//! Writer of the audit rows of reads and refusals.
//!
//! Many rows share one commit, so an answer does not wait for its row while rows are written in time. INVARIANT: an
//! answer leaves before its row is durable only while earlier rows became durable in time, every row that is not
//! durable is younger than [`Recorder::LATE_MICROS`], and there are at most [`Recorder::MOST_AHEAD`] of them. When
//! the store falls behind, answers wait for their rows. When it fails, they are refused.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use audit::{Leafed, Record};
use registry_core::Clock;
use storage::{Store, StoreError};
use tokio::sync::{Notify, OwnedMutexGuard};

/// When the row of a read becomes durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditMode {
    /// Soon after its answer (at most 100 ms), or before it when the store falls behind.
    Batched,
    /// Before its answer.
    Strict,
}

/// How long rows are collected before they are written.
const LINGER: Duration = Duration::from_millis(20);
/// Number of rows that are written without waiting for more.
const CROWD: usize = 512;
/// Rows per job: a job must not hold the writer for long.
const ROWS_PER_JOB: usize = 256;
/// Age, in microseconds, that a row may reach before it is durable. Once a row was older, answers wait until rows are
/// in time again.
const PROMISE_MICROS: u64 = 100_000;
/// How long a failed write is reported to later callers without another attempt.
const RETRY_MICROS: u64 = 250_000;

/// Recorder that collects rows and writes many at once.
pub struct Recorder {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    mode: AuditMode,
    rows: Arc<Mutex<WaitingRows>>,
    /// Held while rows are written: one write at a time.
    writing: Arc<tokio::sync::Mutex<()>>,
    /// Requests that were refused because no more rows could wait, since they were last read.
    turned_away: AtomicU64,
    first: Notify,
    crowd: Notify,
}

/// A row that waits.
#[derive(Debug, Clone, Copy)]
#[must_use = "an answer waits for its row when rows are late"]
pub struct RecordedRow {
    place: u64,
    late: bool,
}

#[derive(Default)]
struct WaitingRows {
    rows: VecDeque<WaitingRow>,
    /// Number of rows that are being written, and when the oldest of them arrived.
    in_flight: usize,
    oldest_in_flight: Option<u64>,
    /// Position of the next row.
    next: u64,
    /// Every row before this position is durable.
    durable: u64,
    /// Whether the rows that were written last waited too long.
    were_late: bool,
    /// Last attempt to write, when it failed, and its monotonic time.
    failure: Option<(u64, StoreError)>,
}

struct WaitingRow {
    place: u64,
    taken_in_micros: u64,
    row: Arc<Leafed>,
}

impl WaitingRows {
    fn not_durable(&self) -> usize {
        self.rows.len() + self.in_flight
    }

    fn oldest(&self) -> Option<u64> {
        self.oldest_in_flight.or_else(|| self.rows.front().map(|row| row.taken_in_micros))
    }

    fn are_late(&self, now_micros: u64) -> bool {
        let age = self.oldest().map_or(0, |oldest| now_micros.saturating_sub(oldest));
        self.were_late || age >= Recorder::LATE_MICROS || self.not_durable() > Recorder::MOST_AHEAD
    }
}

impl Recorder {
    /// Age from which on a row that is not durable holds back answers, in microseconds. Collecting and an ordinary
    /// commit take much less, and it leaves room for a commit within 100 ms.
    pub const LATE_MICROS: u64 = 60_000;
    /// Number of rows that may wait before answers wait too.
    pub const MOST_AHEAD: usize = 2_048;
    /// Number of rows that may wait before requests are refused. Above [`Self::MOST_AHEAD`], only rows of
    /// disconnected callers are added: no answer waits for them.
    pub const CAPACITY: usize = 8_192;

    /// Creates a recorder for a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, mode: AuditMode) -> Self {
        Self {
            store,
            clock,
            mode,
            rows: Arc::default(),
            writing: Arc::default(),
            turned_away: AtomicU64::new(0),
            first: Notify::new(),
            crowd: Notify::new(),
        }
    }

    /// Whether another row can be stored.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.waiting().not_durable() < Self::CAPACITY
    }

    /// Whether rows are written: there is room for another one, and the last attempt to write did not fail.
    #[must_use]
    pub fn is_well(&self) -> bool {
        let rows = self.waiting();
        rows.not_durable() < Self::CAPACITY && rows.failure.is_none()
    }

    /// Waits until another row can be stored. Called before a request is served.
    ///
    /// # Errors
    /// A storage error, when the waiting rows can't be written.
    pub async fn room(&self) -> Result<(), StoreError> {
        let last = {
            let rows = self.waiting();
            if rows.not_durable() < Self::CAPACITY {
                return Ok(());
            }
            rows.next
        };
        self.written(last, false).await
    }

    /// Counts a request that was refused because no more rows can wait: its row could not wait either.
    pub fn turn_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of refused requests, once there is room for the row that reports them.
    #[must_use]
    pub fn take_turned_away(&self) -> u64 {
        if self.has_room() { self.turned_away.swap(0, Ordering::Relaxed) } else { 0 }
    }

    /// Returns when rows of reads become durable.
    #[must_use]
    pub fn mode(&self) -> AuditMode {
        self.mode
    }

    /// Queues a row; it is written soon. The answer of its request must [wait](Self::in_time) as long as rows are
    /// late.
    pub fn push(&self, record: Record) -> RecordedRow {
        let row = Leafed::new(record);
        let now = self.clock.monotonic_micros();
        let mut rows = self.waiting();
        let place = rows.next;
        rows.next += 1;
        rows.rows.push_back(WaitingRow { place, taken_in_micros: now, row });
        let (waiting, late) = (rows.rows.len(), rows.are_late(now));
        drop(rows);
        if waiting == 1 {
            self.first.notify_one();
        } else if waiting == CROWD {
            self.crowd.notify_one();
        }
        RecordedRow { place, late }
    }

    /// Returns at once while rows are written in time, otherwise when this row is durable.
    ///
    /// # Errors
    /// A storage error; the row still waits.
    pub async fn in_time(&self, row: RecordedRow) -> Result<(), StoreError> {
        if row.late { self.written(row.place + 1, false).await } else { Ok(()) }
    }

    /// Submits a row at once; the future waits until it is durable.
    ///
    /// # Errors
    /// A storage error; the row is then not in the log.
    pub fn write(&self, record: Record) -> impl Future<Output = Result<(), StoreError>> + use<> {
        self.store.append(vec![Leafed::new(record)])
    }

    /// Waits until rows should be written: a short time after the first, at once when there are many.
    pub async fn due(&self) {
        while self.waiting().rows.is_empty() {
            self.first.notified().await;
        }
        drop(tokio::time::timeout(LINGER, self.crowd.notified()).await);
    }

    /// Returns when every row that was queued before is durable. Rows that could not be written wait again, in their
    /// order.
    ///
    /// # Errors
    /// A storage error.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let last = self.waiting().next;
        self.written(last, true).await
    }

    /// Returns when every row before `place` is durable. The first caller writes all waiting rows; the others find
    /// theirs written. A failure within [`RETRY_MICROS`] is reported again without another attempt, unless `insist`
    /// is set.
    async fn written(&self, place: u64, insist: bool) -> Result<(), StoreError> {
        let turn = Arc::clone(&self.writing).lock_owned().await;
        {
            let rows = self.waiting();
            if rows.durable >= place {
                return Ok(());
            }
            if let Some((at, error)) = &rows.failure
                && !insist
                && self.clock.monotonic_micros().saturating_sub(*at) < RETRY_MICROS
            {
                return Err(error.clone());
            }
        }
        let writing = WritingRows {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            rows: Arc::clone(&self.rows),
            _turn: turn,
        };
        // In a separate task: if the caller disconnects, the rows being written must still become durable or wait
        // again.
        let written = tokio::spawn(writing.write());
        written.await.unwrap_or(Err(StoreError::Closed))
    }

    fn waiting(&self) -> MutexGuard<'_, WaitingRows> {
        locked(&self.rows)
    }
}

fn locked(rows: &Mutex<WaitingRows>) -> MutexGuard<'_, WaitingRows> {
    rows.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes one attempt to write all waiting rows.
struct WritingRows {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    rows: Arc<Mutex<WaitingRows>>,
    _turn: OwnedMutexGuard<()>,
}

impl WritingRows {
    async fn write(self) -> Result<(), StoreError> {
        let (rows, end) = {
            let mut waiting = locked(&self.rows);
            let rows: Vec<WaitingRow> = std::mem::take(&mut waiting.rows).into();
            waiting.in_flight = rows.len();
            waiting.oldest_in_flight = rows.first().map(|row| row.taken_in_micros);
            (rows, waiting.next)
        };
        // All parts are queued before the first is awaited, so that one commit can carry them.
        let append =
            |part: &[WaitingRow]| self.store.append(part.iter().map(|row| Arc::clone(&row.row)).collect());
        let writes: Vec<_> = rows.chunks(ROWS_PER_JOB).map(append).collect();
        let mut ends = Vec::with_capacity(writes.len());
        for write in writes {
            ends.push(write.await);
        }
        let mut ends = ends.into_iter();
        let (mut end_of_part, mut failed, mut trouble) = (Ok(()), VecDeque::new(), Ok(()));
        for (index, row) in rows.into_iter().enumerate() {
            if index.is_multiple_of(ROWS_PER_JOB) {
                end_of_part = ends.next().unwrap_or(Err(StoreError::Closed));
            }
            if let Err(error) = &end_of_part {
                trouble = Err(error.clone());
                failed.push_back(row);
            }
        }
        let now = self.clock.monotonic_micros();
        let mut waiting = locked(&self.rows);
        waiting.in_flight = 0;
        let oldest = waiting.oldest_in_flight.take();
        waiting.were_late = oldest.is_some_and(|oldest| now.saturating_sub(oldest) > PROMISE_MICROS);
        waiting.durable = failed.front().map_or(end, |row| row.place);
        waiting.failure = trouble.clone().err().map(|error| (now, error));
        failed.append(&mut waiting.rows);
        waiting.rows = failed;
        trouble
    }
}

#[cfg(test)]
mod tests;
