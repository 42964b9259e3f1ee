//! Fair shares of a resource that callers compete for, such as the connections for scans.
//!
//! One caller holds at most a part of the resource, and a limited number of its requests wait; further requests are
//! refused at once. A free place goes to the callers in turn, not to the requests in their order. So a caller with a
//! long queue is served as often as one with a single request.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::web;
use api_types::Code;
use control_plane::ServiceError;
use tokio::sync::oneshot;

use crate::error::ApiError;

/// Longest time that a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// Seconds after which to retry a refused request.
const RETRY_SECONDS: u64 = 1;

/// Name of the admins where shares are counted; a key's is its id.
pub const ADMIN: &str = "admin";
/// Name of `/metrics` where shares are counted.
pub const METRICS: &str = "metrics";

/// Requests of one caller that may wait for a reader.
const WAITING_READS: usize = 16;
/// Requests of one caller that may wait for a thread that parses a large body.
const WAITING_BODIES: usize = 8;

/// Resources that callers share.
pub(crate) struct Shares {
    /// Lists, scans and figures: as many at a time as there are connections for them.
    pub(crate) scans: CallerShares,
    /// Reads by key that found no connection free, or whose store blocks.
    pub(crate) points: CallerShares,
    /// Large bodies that are parsed.
    pub(crate) bodies: CallerShares,
}

impl Shares {
    /// Creates the shares of a store's `readers` and of a machine's `cores`.
    pub(crate) fn new(readers: usize, cores: usize) -> Self {
        Self {
            scans: CallerShares::halves("readers", readers, WAITING_READS),
            points: CallerShares::halves("readers", readers, WAITING_READS),
            bodies: CallerShares::halves("threads for large bodies", cores.max(2), WAITING_BODIES),
        }
    }
}

/// Runs work on a large body on the blocking pool, with a place of the caller's share of the threads.
pub(crate) async fn large<T, F>(shares: &Shares, caller: &str, work: F) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let permit = shares.bodies.acquire(caller).await?;
    hop(move || {
        let _permit = permit;
        work()
    })
    .await
}

pub(crate) async fn hop<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    let cancelled = |_| ApiError::new(api_types::Code::Internal, "the work was cancelled");
    web::block(work).await.map_err(cancelled)
}

/// Resource with several places, and the callers that hold or await one.
#[derive(Clone)]
pub(crate) struct CallerShares {
    inner: Arc<Mutex<ShareState>>,
    /// Name of the resource, for the refusal.
    what: &'static str,
    /// Maximum places that one caller holds.
    held_each: usize,
    /// Maximum waiting requests of one caller.
    waiting_each: usize,
}

struct ShareState {
    free: usize,
    callers: HashMap<String, CallerShare>,
    /// Callers with waiting requests; the next one to be served comes first.
    turns: VecDeque<String>,
}

#[derive(Default)]
struct CallerShare {
    held: usize,
    waiting: VecDeque<oneshot::Sender<SharePermit>>,
}

/// A place. It is given to the next caller when this value is dropped.
#[must_use]
pub(crate) struct SharePermit {
    shares: CallerShares,
    caller: String,
}

impl CallerShares {
    /// Creates `places` in total, of which one caller holds at most half, or one.
    pub(crate) fn halves(what: &'static str, places: usize, waiting_each: usize) -> Self {
        let places = places.max(1);
        let state = ShareState { free: places, callers: HashMap::new(), turns: VecDeque::new() };
        let held_each = (places / 2).max(1);
        Self { inner: Arc::new(Mutex::new(state)), what, held_each, waiting_each }
    }

    fn lock(&self) -> MutexGuard<'_, ShareState> {
        // No foreign code runs under this lock, so a panic can't leave it half changed.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place for a request of this caller, once it is its turn.
    ///
    /// # Errors
    /// `server_busy` when too many requests of the caller wait already, or its turn did not come in time.
    pub(crate) async fn acquire(&self, caller: &str) -> Result<SharePermit, ServiceError> {
        let turn = {
            let mut state = self.lock();
            let share = state.callers.entry(caller.to_owned()).or_default();
            // A request whose client has disconnected waits no more.
            share.waiting.retain(|waiter| !waiter.is_closed());
            if share.waiting.len() >= self.waiting_each {
                return Err(self.busy());
            }
            let (sender, turn) = oneshot::channel();
            share.waiting.push_back(sender);
            if !state.turns.iter().any(|waiting| waiting == caller) {
                state.turns.push_back(caller.to_owned());
            }
            turn
        };
        self.serve();
        match tokio::time::timeout(PATIENCE, turn).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(self.busy()),
        }
    }

    fn busy(&self) -> ServiceError {
        let what = format!("the caller's share of the {} is in use", self.what);
        ServiceError::new(Code::ServerBusy, what).with_retry_after(RETRY_SECONDS)
    }

    /// Hands out free places.
    fn serve(&self) {
        while let Some((waiter, permit)) = self.next() {
            // Outside of the lock: the permit of a request that has gone meanwhile returns here and is dropped.
            drop(waiter.send(permit));
        }
    }

    fn next(&self) -> Option<(oneshot::Sender<SharePermit>, SharePermit)> {
        let mut guard = self.lock();
        let state = &mut *guard;
        if state.free == 0 {
            return None;
        }
        for _ in 0..state.turns.len() {
            let caller = state.turns.pop_front()?;
            let Some(share) = state.callers.get_mut(&caller) else { continue };
            share.waiting.retain(|waiter| !waiter.is_closed());
            if share.waiting.is_empty() {
                if share.held == 0 {
                    state.callers.remove(&caller);
                }
                continue;
            }
            if share.held >= self.held_each {
                state.turns.push_back(caller);
                continue;
            }
            let waiter = share.waiting.pop_front()?;
            share.held += 1;
            state.free -= 1;
            state.turns.push_back(caller.clone());
            return Some((waiter, SharePermit { shares: self.clone(), caller }));
        }
        None
    }

    #[cfg(test)]
    fn known_callers(&self) -> usize {
        self.lock().callers.len()
    }
}

impl Drop for SharePermit {
    fn drop(&mut self) {
        {
            let mut state = self.shares.lock();
            state.free += 1;
            let idle = state.callers.get_mut(&self.caller).is_some_and(|share| {
                share.held = share.held.saturating_sub(1);
                share.held == 0 && share.waiting.is_empty()
            });
            if idle {
                state.callers.remove(&self.caller);
            }
        }
        self.shares.serve();
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    type Turn = Pin<Box<dyn Future<Output = Result<SharePermit, ServiceError>>>>;

    fn turn(shares: &CallerShares, caller: &'static str) -> Turn {
        let shares = shares.clone();
        let mut turn: Turn = Box::pin(async move { shares.acquire(caller).await });
        // It takes its place in the queue when it is first polled.
        match poll(turn.as_mut()) {
            Poll::Pending => turn,
            Poll::Ready(done) => Box::pin(std::future::ready(done)),
        }
    }

    fn granted(turn: &mut Turn) -> Option<SharePermit> {
        match poll(turn.as_mut()) {
            Poll::Pending => None,
            Poll::Ready(permit) => Some(permit.map_err(|busy| busy.message).expect("a permit")),
        }
    }

    #[actix_web::test]
    async fn a_caller_holds_at_most_half_and_another_is_served_at_once() {
        let shares = CallerShares::halves("readers", 4, 8);
        let mut greedy: Vec<_> = (0..5).map(|_| turn(&shares, "greedy")).collect();
        let held: Vec<_> = greedy.iter_mut().filter_map(granted).collect();
        assert_eq!(held.len(), 2);
        let mut other = turn(&shares, "other");
        assert!(granted(&mut other).is_some());
    }

    #[actix_web::test]
    async fn more_requests_than_may_wait_are_refused_at_once() {
        let shares = CallerShares::halves("readers", 2, 3);
        let _turns: Vec<_> = (0..4).map(|_| turn(&shares, "greedy")).collect();
        let refused = pin!(shares.acquire("greedy"));
        let Poll::Ready(Err(busy)) = poll(refused) else { panic!("it waits") };
        assert_eq!((busy.code, busy.retry_after), (Code::ServerBusy, Some(1)));
        let mut other = turn(&shares, "other");
        assert!(granted(&mut other).is_some());
    }

    #[actix_web::test]
    async fn what_is_given_back_goes_to_the_callers_in_turn() {
        let shares = CallerShares::halves("readers", 1, 8);
        let mut first = turn(&shares, "greedy");
        let mut holding = granted(&mut first);
        let mut greedy: Vec<_> = (0..3).map(|_| turn(&shares, "greedy")).collect();
        let mut other = turn(&shares, "other");
        let mut order = Vec::new();
        for _ in 0..4 {
            drop(holding.take());
            if let Some(permit) = granted(&mut other) {
                order.push("other");
                holding = Some(permit);
                other = Box::pin(std::future::pending());
                continue;
            }
            holding = greedy.iter_mut().find_map(granted);
            drop(greedy.remove(0));
            order.push("greedy");
        }
        assert_eq!(order, ["greedy", "other", "greedy", "greedy"]);
    }

    #[actix_web::test]
    async fn a_request_that_goes_away_leaves_its_place_and_no_trace() {
        let shares = CallerShares::halves("readers", 1, 1);
        let mut first = turn(&shares, "a");
        let held = granted(&mut first);
        drop(turn(&shares, "b"));
        let mut again = turn(&shares, "b");
        drop(held);
        drop(granted(&mut again).expect("the place of the one that has gone is free"));
        assert_eq!(shares.known_callers(), 0);
        // A request that is dropped between the grant and its next poll gives the place back.
        let held = granted(&mut turn(&shares, "a"));
        let waiting = turn(&shares, "b");
        drop(held);
        drop(waiting);
        assert!(granted(&mut turn(&shares, "c")).is_some());
    }
}
