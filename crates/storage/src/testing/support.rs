//! Helpers of the cases: running jobs and waiting for them.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use audit::{Draft, LogRow, Outcome, StoredRow, Verifier};
use registry_core::{RequestId, Timestamp};

use super::Backend;
use crate::{Decided, Job, JobCaller, JobClass, PlatformAuthority, Precedence, Store, StoreError, Tx};

/// Longest time for an answer, unless it is lost.
const LOST: Duration = Duration::from_mins(1);

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future on this thread.
pub(super) fn wait<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park_timeout(LOST),
        }
    }
}

/// A draft of a request to `path`.
pub(super) fn draft(path: &str) -> Draft {
    let id = RequestId::sane("conformance").unwrap();
    Draft::request(Timestamp::from_micros(1_700_000_000_000_000), id, "POST", path, None)
}

/// Write that succeeds.
pub(super) fn write<T: Send + 'static>(
    store: &dyn Store,
    mut f: impl FnMut(&mut dyn Tx) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let written =
        wait(store.write(PlatformAuthority, JobClass::platform(), draft("/").into(), 0, move |tx, ()| {
            Ok(Decided::new(Ok::<_, Infallible>(f(tx)?), Outcome::ok(200)))
        }));
    written.map(|Ok(value)| value)
}

type Run = Box<dyn FnMut(&mut dyn Tx) -> Result<(), StoreError> + Send>;

/// Job of the suite.
pub(super) struct Probe {
    pub(super) run: Run,
    pub(super) done: Sender<Result<(), StoreError>>,
    pub(super) gone: Arc<AtomicBool>,
    pub(super) precedence: Precedence,
    pub(super) caller: JobCaller,
}

impl Job for Probe {
    fn run(&mut self, tx: &mut dyn Tx) -> Result<(), StoreError> {
        (self.run)(tx)
    }

    fn done(self: Box<Self>, end: Result<(), StoreError>) {
        drop(self.done.send(end));
    }

    fn gone(&self) -> bool {
        self.gone.load(Ordering::SeqCst)
    }

    fn precedence(&self) -> Precedence {
        self.precedence
    }

    fn caller(&self) -> &JobCaller {
        &self.caller
    }
}

/// Receiver of a job's end.
pub(super) struct Ending {
    ends: Receiver<Result<(), StoreError>>,
    pub(super) gone: Arc<AtomicBool>,
}

impl Ending {
    /// Returns the one end of the job.
    pub(super) fn get(&self) -> Result<(), StoreError> {
        let end = self.ends.recv_timeout(LOST).unwrap();
        // The job is dropped with its sender, so there can be no second end.
        assert!(self.ends.recv_timeout(LOST).is_err(), "a job was told twice how it ended");
        end
    }

    /// Returns the end, if it is known already.
    pub(super) fn peek(&self) -> Option<Result<(), StoreError>> {
        self.ends.try_recv().ok()
    }
}

/// Submits a job.
pub(super) fn submit(
    store: &dyn Store,
    run: impl FnMut(&mut dyn Tx) -> Result<(), StoreError> + Send + 'static,
) -> Ending {
    submit_as(store, Precedence::Ordinary, JobCaller::Platform, run)
}

/// Submits a job of a caller.
pub(super) fn submit_as(
    store: &dyn Store,
    precedence: Precedence,
    caller: JobCaller,
    run: impl FnMut(&mut dyn Tx) -> Result<(), StoreError> + Send + 'static,
) -> Ending {
    let (done, ends) = mpsc::channel();
    let gone = Arc::new(AtomicBool::new(false));
    let run = Box::new(run);
    store.submit(Box::new(Probe { run, done, gone: Arc::clone(&gone), precedence, caller }));
    Ending { ends, gone }
}

/// Door that jobs wait at.
#[derive(Clone, Default)]
pub(super) struct Gate(Arc<(Mutex<(bool, u32)>, Condvar)>);

impl Gate {
    /// Waits until the door is open.
    pub(super) fn pass(&self) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap();
        state.1 += 1;
        changed.notify_all();
        drop(changed.wait_timeout_while(state, LOST, |state| !state.0).unwrap());
    }

    /// Waits until a job waits at the door.
    pub(super) fn wait_for_one(&self) {
        let (state, changed) = &*self.0;
        let state = state.lock().unwrap();
        drop(changed.wait_timeout_while(state, LOST, |state| state.1 == 0).unwrap());
    }

    /// Opens it for good.
    pub(super) fn open(&self) {
        let (state, changed) = &*self.0;
        state.lock().unwrap().0 = true;
        changed.notify_all();
    }
}

/// Returns every row with a place in the log.
fn log(store: &dyn Store) -> Vec<StoredRow> {
    let (mut rows, mut after) = (Vec::new(), i64::MIN);
    loop {
        let mut visit = |row: LogRow<'_>| {
            if let LogRow::Placed(row) = row {
                rows.push(row.clone());
            }
        };
        let shown = store.read(|view| view.log_rows(after, 100, &mut visit)).unwrap();
        let Some(last) = shown else { return rows };
        after = last;
    }
}

/// Verifies the whole log and returns its rows.
pub(super) fn verified_log<B: Backend>(backend: &B) -> Vec<StoredRow> {
    backend.settle_log();
    let store = backend.store();
    let rows = log(&*store);
    let mut verifier = Verifier::from_genesis();
    for row in &rows {
        verifier.push(row).unwrap();
    }
    let verdict = verifier.finish_with(&store.read(|view| view.log_facts()).unwrap());
    assert!(verdict.ok, "{verdict:?}");
    assert_eq!(verdict.next_seq, store.read(|view| view.next_seq()).unwrap());
    rows
}
