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

/// When the row of a read is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditMode {
    /// Soon after its answer (at most 100 ms); when the store falls behind, before it.
    Batched,
    /// Before its answer.
    Strict,
}

/// How long rows gather before they are written.
const LINGER: Duration = Duration::from_millis(20);
/// How many rows are written without lingering.
const CROWD: usize = 512;
/// Rows per job: a job must not hold the writer for long.
const ROWS_PER_JOB: usize = 256;
/// How old a row may become before it is durable. Once one was older, answers wait until rows are in time again.
const PROMISE_MICROS: u64 = 100_000;
/// How long a failed write is returned to later callers without another attempt.
const RETRY_MICROS: u64 = 250_000;

/// Collects rows and writes many at once.
pub struct Recorder {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    mode: AuditMode,
    rows: Arc<Mutex<WaitingRows>>,
    /// Held while rows are written: one write at a time.
    writing: Arc<tokio::sync::Mutex<()>>,
    /// Requests that were refused because no more rows could wait, since the last look.
    turned_away: AtomicU64,
    first: Notify,
    crowd: Notify,
}

/// A row that was taken in.
#[derive(Debug, Clone, Copy)]
#[must_use = "an answer waits for its row when rows are late"]
pub struct RecordedRow {
    place: u64,
    late: bool,
}

#[derive(Default)]
struct WaitingRows {
    rows: VecDeque<WaitingRow>,
    /// How many rows are being written, and when the oldest of them was taken in.
    in_flight: usize,
    oldest_in_flight: Option<u64>,
    /// The place of the next row.
    next: u64,
    /// Every row before this place is durable.
    durable: u64,
    /// Whether the rows that were written last had to wait for too long.
    were_late: bool,
    /// The last attempt to write, when it failed, and its monotonic time.
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
    /// From which age on a row that is not durable holds back answers, in microseconds. Lingering and a usual commit
    /// are well below it, and it leaves room for a commit within 100 ms.
    pub const LATE_MICROS: u64 = 60_000;
    /// How many rows may wait before answers do.
    pub const MOST_AHEAD: usize = 2_048;
    /// How many rows may wait before requests are served no more. Beyond [`Self::MOST_AHEAD`] only rows of callers
    /// that disconnected are added: no answer waits for them.
    pub const CAPACITY: usize = 8_192;

    /// A recorder for this store.
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

    /// Whether another row can be kept.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.waiting().not_durable() < Self::CAPACITY
    }

    /// Whether rows are written: there is room for another one, and the last attempt to write some did not fail.
    #[must_use]
    pub fn is_well(&self) -> bool {
        let rows = self.waiting();
        rows.not_durable() < Self::CAPACITY && rows.failure.is_none()
    }

    /// Waits until another row can be kept. Asked before a request is served.
    ///
    /// # Errors
    /// Trouble of the store, when rows wait that can't be written.
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

    /// Takes a row in; it is written soon. The answer of its request must [wait](Self::in_time) as long as rows are
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

    /// Returns at once while rows are written in time, else when this one is durable.
    ///
    /// # Errors
    /// Trouble of the store; the row waits on.
    pub async fn in_time(&self, row: RecordedRow) -> Result<(), StoreError> {
        if row.late { self.written(row.place + 1, false).await } else { Ok(()) }
    }

    /// Submits a row at once; the future waits until it is durable.
    ///
    /// # Errors
    /// Trouble of the store; the row is then not in the log.
    pub fn write(&self, record: Record) -> impl Future<Output = Result<(), StoreError>> + use<> {
        self.store.append(vec![Leafed::new(record)])
    }

    /// Waits until rows are to be written: a short time after the first, at once when there are many.
    pub async fn due(&self) {
        while self.waiting().rows.is_empty() {
            self.first.notified().await;
        }
        drop(tokio::time::timeout(LINGER, self.crowd.notified()).await);
    }

    /// Returns when every row that was taken in before is durable. Rows that could not be written wait again, in
    /// their order.
    ///
    /// # Errors
    /// Trouble of the store.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let last = self.waiting().next;
        self.written(last, true).await
    }

    /// Returns when every row before `place` is durable. The first caller writes all rows that wait; the others find
    /// theirs written. A failure within [`RETRY_MICROS`] is returned again without another attempt, unless `insist`.
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
        // In a separate task: if the caller disconnects, the rows in flight must still end up written or waiting.
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

/// One attempt to write all rows that wait.
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
