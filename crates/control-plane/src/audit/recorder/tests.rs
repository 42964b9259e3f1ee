use super::*;
use std::task::Poll;

use audit::{Actor, event};
use registry_core::{KeyId, ManualClock, Timestamp};
use storage::{DayUsage, Job, StoreStats, View, Watch};

/// A store that keeps its jobs until a test lets them end.
#[derive(Default)]
struct HeldStore(Mutex<VecDeque<Box<dyn Job>>>);

impl HeldStore {
    fn jobs(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Ends the jobs that were submitted so far.
    fn end(&self, with: &Result<(), StoreError>) {
        let jobs = std::mem::take(&mut *self.0.lock().unwrap());
        for job in jobs {
            job.done(with.clone());
        }
    }
}

impl Store for HeldStore {
    fn submit(&self, job: Box<dyn Job>) {
        self.0.lock().unwrap().push_back(job);
    }

    fn view(&self, _: &mut dyn FnMut(&dyn View) -> Result<(), StoreError>) -> Result<(), StoreError> {
        Err(StoreError::Closed)
    }

    fn view_point(
        &self,
        _: Duration,
        _: &mut dyn FnMut(&dyn View) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        Err(StoreError::Closed)
    }

    fn reads_block(&self) -> bool {
        false
    }

    fn readers(&self) -> usize {
        1
    }

    fn watch(&self) -> Watch {
        Watch::default()
    }

    fn audit_usage(&self, _: &KeyId) -> Option<DayUsage> {
        None
    }

    fn stats(&self) -> StoreStats {
        StoreStats::default()
    }

    fn close(&self, _: Duration) -> Result<(), StoreError> {
        Ok(())
    }
}

struct Bench {
    store: Arc<HeldStore>,
    clock: Arc<ManualClock>,
    recorder: Recorder,
}

impl Bench {
    fn new() -> Self {
        let (store, clock) = (Arc::new(HeldStore::default()), Arc::new(ManualClock::at(Timestamp::EPOCH)));
        let recorder = Recorder::new(store.clone(), clock.clone(), AuditMode::Batched);
        Self { store, clock, recorder }
    }

    fn push(&self) -> RecordedRow {
        self.recorder.push(Record::of(event::REQUEST, Timestamp::EPOCH, Actor::Agent))
    }
}

/// Lets every task run until none can go on.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// One look at a future after that; a failure as its text.
async fn look<F>(future: &mut F) -> Poll<Result<(), String>>
where
    F: Future<Output = Result<(), StoreError>> + Unpin,
{
    let mut once = async || {
        std::future::poll_fn(|context| Poll::Ready(std::pin::Pin::new(&mut *future).poll(context))).await
    };
    let mut seen = once().await;
    if seen.is_pending() {
        settle().await;
        seen = once().await;
    }
    if seen.is_pending() {
        settle().await;
    }
    seen.map_err(|error| error.to_string())
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

#[test]
fn an_answer_leaves_at_once_while_every_row_that_waits_is_young() {
    let bench = Bench::new();
    block_on(async {
        for _ in 0..3 {
            bench.recorder.in_time(bench.push()).await.unwrap();
            bench.clock.advance_micros(Recorder::LATE_MICROS / 3 - 1);
        }
        assert_eq!(bench.store.jobs(), 0);
    });
}

#[test]
fn an_answer_waits_until_its_row_is_durable_once_an_older_row_is_late() {
    let bench = Bench::new();
    block_on(async {
        let _ = bench.push();
        bench.clock.advance_micros(Recorder::LATE_MICROS);
        let mut answer = Box::pin(bench.recorder.in_time(bench.push()));
        assert!(look(&mut answer).await.is_pending());
        // Rows that are being written count as well.
        let mut next = Box::pin(bench.recorder.in_time(bench.push()));
        assert!(look(&mut next).await.is_pending());
        assert_eq!(bench.store.jobs(), 1);
        bench.store.end(&Ok(()));
        assert_eq!(look(&mut answer).await, Poll::Ready(Ok(())));
        assert!(look(&mut next).await.is_pending(), "its row was not part of that write");
        bench.store.end(&Ok(()));
        assert_eq!(look(&mut next).await, Poll::Ready(Ok(())));
        bench.recorder.in_time(bench.push()).await.unwrap();
    });
}

#[test]
fn after_rows_that_were_durable_too_late_answers_wait_until_rows_are_in_time_again() {
    let bench = Bench::new();
    block_on(async {
        let _ = bench.push();
        let mut flush = Box::pin(bench.recorder.flush());
        assert!(look(&mut flush).await.is_pending());
        bench.clock.advance_micros(PROMISE_MICROS + 1);
        bench.store.end(&Ok(()));
        assert_eq!(look(&mut flush).await, Poll::Ready(Ok(())));
        let mut answer = Box::pin(bench.recorder.in_time(bench.push()));
        assert!(look(&mut answer).await.is_pending());
        bench.store.end(&Ok(()));
        assert_eq!(look(&mut answer).await, Poll::Ready(Ok(())));
        bench.recorder.in_time(bench.push()).await.unwrap();
    });
}

#[test]
fn an_answer_waits_when_too_many_rows_wait_however_young() {
    let bench = Bench::new();
    block_on(async {
        for _ in 0..Recorder::MOST_AHEAD {
            bench.recorder.in_time(bench.push()).await.unwrap();
        }
        let mut answer = Box::pin(bench.recorder.in_time(bench.push()));
        assert!(look(&mut answer).await.is_pending());
        assert_eq!(bench.store.jobs(), (Recorder::MOST_AHEAD + 1).div_ceil(ROWS_PER_JOB));
        bench.store.end(&Ok(()));
        assert_eq!(look(&mut answer).await, Poll::Ready(Ok(())));
    });
}

#[test]
fn a_failure_is_told_to_all_who_wait_and_the_rows_wait_on() {
    let bench = Bench::new();
    block_on(async {
        let _ = bench.push();
        bench.clock.advance_micros(Recorder::LATE_MICROS);
        let mut first = Box::pin(bench.recorder.in_time(bench.push()));
        let mut second = Box::pin(bench.recorder.in_time(bench.push()));
        assert!(look(&mut first).await.is_pending() && look(&mut second).await.is_pending());
        bench.store.end(&Err(StoreError::Locked));
        assert_eq!(look(&mut first).await, Poll::Ready(Err(StoreError::Locked.to_string())));
        // Not one attempt after the other, each as long as the first.
        assert_eq!(look(&mut second).await, Poll::Ready(Err(StoreError::Locked.to_string())));
        assert_eq!(bench.store.jobs(), 0);
        let mut flush = Box::pin(bench.recorder.flush());
        assert!(look(&mut flush).await.is_pending());
        assert_eq!(bench.recorder.waiting().in_flight, 3);
        bench.store.end(&Ok(()));
        assert_eq!(look(&mut flush).await, Poll::Ready(Ok(())));
        assert_eq!(bench.recorder.waiting().not_durable(), 0);
    });
}

#[test]
fn a_caller_that_goes_away_while_rows_are_written_loses_none() {
    let bench = Bench::new();
    block_on(async {
        let _ = bench.push();
        let mut leaves = Box::pin(bench.recorder.flush());
        assert!(look(&mut leaves).await.is_pending());
        drop(leaves);
        let _ = bench.push();
        let mut flush = Box::pin(bench.recorder.flush());
        assert!(look(&mut flush).await.is_pending());
        assert_eq!(bench.store.jobs(), 1, "one write at a time");
        bench.store.end(&Ok(()));
        assert!(look(&mut flush).await.is_pending());
        bench.store.end(&Ok(()));
        assert_eq!(look(&mut flush).await, Poll::Ready(Ok(())));
        assert_eq!(bench.recorder.waiting().durable, 2);
    });
}

#[test]
fn a_full_queue_makes_requests_wait_and_refuses_them_when_the_store_fails() {
    let bench = Bench::new();
    block_on(async {
        // Rows that nobody waits for.
        for _ in 0..Recorder::CAPACITY {
            bench.recorder.room().await.unwrap();
            let _ = bench.push();
        }
        let mut request = Box::pin(bench.recorder.room());
        assert!(look(&mut request).await.is_pending());
        bench.store.end(&Err(StoreError::Locked));
        assert_eq!(look(&mut request).await, Poll::Ready(Err(StoreError::Locked.to_string())));
        bench.clock.advance_micros(RETRY_MICROS);
        let mut request = Box::pin(bench.recorder.room());
        assert!(look(&mut request).await.is_pending());
        bench.store.end(&Ok(()));
        assert_eq!(look(&mut request).await, Poll::Ready(Ok(())));
        assert!(bench.recorder.has_room());
    });
}

#[test]
fn the_first_row_makes_a_write_due() {
    let bench = Bench::new();
    block_on(async {
        let mut due = Box::pin(async {
            bench.recorder.due().await;
            Ok(())
        });
        assert!(look(&mut due).await.is_pending());
        let _ = bench.push();
        due.await.unwrap();
    });
}
