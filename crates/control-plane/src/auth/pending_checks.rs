//! Queue for the checks of admin tokens against an argon2id hash.
//!
//! A check takes 19 MiB and tens of milliseconds, and anyone can cause one. So one runs at a time, and the number of
//! waiting checks is limited, in total and per network: a caller of another network waits for few checks. Requests
//! with the same token share one check.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use registry_core::Network;
use tokio::sync::{OnceCell, Semaphore};

/// Number of checks of one network that wait or run.
pub(crate) const MAX_PER_NETWORK: usize = 2;
/// Number of checks that wait or run in total.
pub(crate) const MAX_IN_ALL: usize = 32;

/// Checks that wait or run, by the hidden token.
#[derive(Debug)]
pub(crate) struct PendingChecks {
    waiting: Mutex<HashMap<[u8; 32], WaitingCheck>>,
    turn: Arc<Semaphore>,
}

#[derive(Debug)]
struct WaitingCheck {
    network: Network,
    place: Weak<CheckPlace>,
}

/// Place among the checks that wait or run. It is free again when no request waits for the check and it does not run.
#[derive(Debug)]
struct CheckPlace {
    checks: Arc<PendingChecks>,
    hidden: [u8; 32],
    fits: OnceCell<bool>,
}

/// Check that has a place.
#[derive(Debug)]
pub(crate) struct PendingCheck(Arc<CheckPlace>);

impl Default for PendingChecks {
    fn default() -> Self {
        Self { waiting: Mutex::default(), turn: Arc::new(Semaphore::new(1)) }
    }
}

impl PendingChecks {
    /// Takes a place for the check of a token, or joins the check of the same token; `None` when no place is left.
    pub(crate) fn enter(self: &Arc<Self>, hidden: [u8; 32], network: Network) -> Option<PendingCheck> {
        let mut waiting = self.waiting();
        if let Some(place) = waiting.get(&hidden).and_then(|check| check.place.upgrade()) {
            drop(waiting);
            return Some(PendingCheck(place));
        }
        let of_network = waiting.values().filter(|check| check.network == network).count();
        if of_network >= MAX_PER_NETWORK || waiting.len() >= MAX_IN_ALL {
            return None;
        }
        let place = CheckPlace { checks: Arc::clone(self), hidden, fits: OnceCell::new() };
        let place = Arc::new(place);
        waiting.insert(hidden, WaitingCheck { network, place: Arc::downgrade(&place) });
        Some(PendingCheck(place))
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<[u8; 32], WaitingCheck>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PendingCheck {
    /// Runs the check in its turn, once for all requests that share it; `None` when it did not run.
    pub(crate) async fn run(self, check: impl FnOnce() -> bool + Send + 'static) -> Option<bool> {
        let place = &self.0;
        let run = || async {
            let turn = Arc::clone(&place.checks.turn).acquire_owned().await.map_err(drop)?;
            // The thread keeps the turn and the place: a caller that disconnects does not end the work.
            let place = Arc::clone(place);
            let running = tokio::task::spawn_blocking(move || {
                let fits = check();
                drop((turn, place));
                fits
            });
            running.await.map_err(drop)
        };
        place.fits.get_or_try_init(run).await.ok().copied()
    }
}

impl Drop for CheckPlace {
    fn drop(&mut self) {
        let mut waiting = self.checks.waiting();
        // A later check of the same token may have replaced the entry.
        if waiting.get(&self.hidden).is_some_and(|check| check.place.strong_count() == 0) {
            waiting.remove(&self.hidden);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn network(third: u8) -> Network {
        Network::of(std::net::Ipv4Addr::new(192, 0, third, 1).into())
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn a_network_has_two_places_and_all_together_have_thirty_two() {
        let checks = Arc::<PendingChecks>::default();
        let mut held: Vec<_> = (0..2).map(|token| checks.enter([token; 32], network(0)).unwrap()).collect();
        assert!(checks.enter([9; 32], network(0)).is_none());
        // The same token has a place already, whatever network it comes from.
        drop(checks.enter([0; 32], network(0)).unwrap());
        for token in 2..32 {
            held.push(checks.enter([token; 32], network(token)).unwrap());
        }
        assert!(checks.enter([99; 32], network(99)).is_none());
        held.truncate(1);
        assert!(checks.enter([99; 32], network(0)).is_some());
        drop(held);
        assert!(checks.waiting().is_empty());
    }

    #[test]
    fn requests_with_the_same_token_share_one_check() {
        let checks = Arc::<PendingChecks>::default();
        let runs = Arc::new(Mutex::new(0));
        let check = || {
            let runs = Arc::clone(&runs);
            let place = checks.enter([1; 32], network(0)).unwrap();
            place.run(move || {
                *runs.lock().unwrap() += 1;
                true
            })
        };
        let (first, second) = (check(), check());
        assert_eq!(block_on(async { (first.await, second.await) }), (Some(true), Some(true)));
        assert_eq!(*runs.lock().unwrap(), 1);
        assert!(checks.waiting().is_empty());
    }

    #[test]
    fn a_caller_that_goes_away_frees_neither_its_place_nor_the_turn_of_a_running_check() {
        let checks = Arc::<PendingChecks>::default();
        let (begun, has_begun) = mpsc::channel();
        let (go_on, may_end) = mpsc::channel::<()>();
        block_on(async {
            let mut running = Box::pin(checks.enter([1; 32], network(0)).unwrap().run(move || {
                begun.send(()).unwrap();
                may_end.recv().is_ok()
            }));
            let once = std::future::poll_fn(|context| std::task::Poll::Ready(running.as_mut().poll(context)));
            assert!(once.await.is_pending());
            has_begun.recv().unwrap();
            drop(running);
            let other = checks.enter([2; 32], network(0)).unwrap();
            assert!(checks.enter([3; 32], network(0)).is_none());
            assert_eq!(checks.turn.available_permits(), 0);
            go_on.send(()).unwrap();
            assert_eq!(other.run(|| false).await, Some(false));
        });
        assert!(checks.waiting().is_empty());
    }
}
