//! Promises of the limiter in memory.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use registry_core::{ManualClock, Timestamp};

use super::*;

const MINUTE: u64 = Limit::MINUTE_MICROS;

fn limiter() -> (Arc<ManualClock>, MemoryLimiter) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_700_000_000_000_000)));
    let limiter = MemoryLimiter::new(clock.clone());
    (clock, limiter)
}

fn admitted(limiter: &MemoryLimiter, key: &str, limit: Limit, calls: usize) -> usize {
    (0..calls).filter(|_| limiter.check_now(key, limit).admitted).count()
}

/// The rule written down as plainly as possible: all admissions for ever, counted anew each time.
#[derive(Default)]
struct Naive(Vec<u64>);

impl Naive {
    fn check(&mut self, now: u64, limit: Limit) -> Decision {
        let counted = |times: &[u64]| -> Vec<u64> {
            times.iter().copied().filter(|t| now - t < limit.window_micros).collect()
        };
        let most = limit.per_window as usize;
        if most == 0 {
            return Decision::never(limit);
        }
        let admitted = counted(&self.0).len() < most;
        if admitted {
            self.0.push(now);
        }
        let live = counted(&self.0);
        Decision {
            admitted,
            limit: limit.per_window,
            remaining: u32::try_from(most.saturating_sub(live.len())).unwrap(),
            reset_micros: live
                .get(live.len().saturating_sub(most))
                .map_or(0, |t| t + limit.window_micros - now),
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    Call { key: u8, per_window: u32 },
    Undo { key: u8, back: usize },
    Purge,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_u64..40).prop_map(Step::Wait),
        // Around one and two windows, and around one and two wraps of 32 bits.
        1 => (95_u64..205).prop_map(Step::Wait),
        1 => ((1_u64 << 32) - 110..(1_u64 << 32) + 110).prop_map(Step::Wait),
        1 => ((2_u64 << 32) - 110..(2_u64 << 32) + 110).prop_map(Step::Wait),
        12 => (0_u8..2, 0_u32..6).prop_map(|(key, per_window)| Step::Call { key, per_window }),
        2 => (0_u8..2, 0_usize..4).prop_map(|(key, back)| Step::Undo { key, back }),
        1 => Just(Step::Purge),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_decision_is_that_of_the_plain_rule(steps in proptest::collection::vec(step(), 1..120)) {
        let (clock, limiter) = limiter();
        let mut naive = [Naive::default(), Naive::default()];
        let mut taken: [Vec<Admission>; 2] = [Vec::new(), Vec::new()];
        for step in steps {
            match step {
                Step::Wait(micros) => clock.advance_micros(micros),
                Step::Purge => limiter.purge(),
                Step::Call { key, per_window } => {
                    let limit = Limit { per_window, window_micros: 100 };
                    let (decision, admission) = limiter.admit(&key.to_string(), limit);
                    let now = clock.monotonic_micros();
                    prop_assert_eq!(decision, naive[usize::from(key)].check(now, limit));
                    prop_assert_eq!(decision.admitted, admission.is_some());
                    taken[usize::from(key)].extend(admission);
                }
                Step::Undo { key, back } => {
                    let key = usize::from(key);
                    let Some(place) = taken[key].len().checked_sub(back + 1) else { continue };
                    let admission = taken[key].remove(place);
                    limiter.undo(&key.to_string(), admission);
                    let plain = naive[key].0.iter().rposition(|t| *t == admission.at).unwrap();
                    naive[key].0.remove(plain);
                }
            }
        }
    }
}

/// Each reading is later than the one before it, and the thread that took it can look it up.
struct TickingClock(AtomicU64);

thread_local! {
    static LAST_READING: Cell<u64> = const { Cell::new(0) };
}

impl Clock for TickingClock {
    fn now(&self) -> Timestamp {
        Timestamp::EPOCH
    }

    fn monotonic_micros(&self) -> u64 {
        let now = self.0.fetch_add(1, Ordering::SeqCst);
        LAST_READING.set(now);
        now
    }
}

#[test]
fn from_16_threads_exactly_the_limit_is_admitted_in_every_window() {
    // 16 threads make 32,000 calls, one a microsecond, so that about 32 windows pass.
    let limit = Limit { per_window: 100, window_micros: 1000 };
    let limiter = MemoryLimiter::new(Arc::new(TickingClock(AtomicU64::new(0))));
    let mut calls: Vec<(u64, bool)> = std::thread::scope(|scope| {
        let caller = || {
            let call = |_| {
                let admitted = limiter.check_now("key", limit).admitted;
                (LAST_READING.get(), admitted)
            };
            (0..2000).map(call).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(caller)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    calls.sort_unstable();
    let mut naive = Naive::default();
    for (now, admitted) in &calls {
        assert_eq!(*admitted, naive.check(*now, limit).admitted, "at {now}");
    }
    assert_eq!(calls.iter().filter(|(_, admitted)| *admitted).count(), 3200);
}

#[test]
fn an_idle_key_may_use_the_whole_limit_at_once() {
    let (clock, limiter) = limiter();
    assert_eq!(admitted(&limiter, "key", Limit::default(), 500), 120);
    clock.advance_micros(MINUTE - 1);
    assert_eq!(admitted(&limiter, "key", Limit::default(), 500), 0);
    clock.advance_micros(1);
    assert_eq!(admitted(&limiter, "key", Limit::default(), 500), 120);
}

#[test]
fn a_time_that_wrapped_does_not_look_young() {
    let (clock, limiter) = limiter();
    for wraps in 1..4_u64 {
        assert_eq!(admitted(&limiter, "key", Limit::default(), 200), 120);
        // The low 32 bits stand where they stood.
        clock.advance_micros(wraps << 32);
    }
}

#[test]
fn a_wall_clock_that_jumps_changes_nothing() {
    let (clock, limiter) = limiter();
    assert_eq!(admitted(&limiter, "key", Limit::default(), 100), 100);
    clock.set_wall(Timestamp::EPOCH);
    assert_eq!(admitted(&limiter, "key", Limit::default(), 100), 20);
    clock.set_wall(Timestamp::MAX);
    assert_eq!(admitted(&limiter, "key", Limit::default(), 100), 0);
}

#[test]
fn keys_do_not_share_a_limit() {
    let (_clock, limiter) = limiter();
    for key in ["a", "b", ""] {
        assert_eq!(admitted(&limiter, key, Limit::per_minute(3), 5), 3);
    }
}

#[test]
fn a_lowered_limit_counts_what_was_admitted_before() {
    let (clock, limiter) = limiter();
    assert_eq!(admitted(&limiter, "key", Limit::per_minute(10), 10), 10);
    clock.advance_micros(10);
    let decision = limiter.check_now("key", Limit::per_minute(4));
    assert_eq!((decision.admitted, decision.remaining, decision.reset_micros), (false, 0, MINUTE - 10));
    assert_eq!(admitted(&limiter, "key", Limit::per_minute(12), 10), 2);
}

#[test]
fn a_limit_that_can_not_be_counted_admits_nothing() {
    let (_clock, limiter) = limiter();
    let limits = [
        Limit::per_minute(0),
        Limit { per_window: 5, window_micros: 0 },
        Limit { per_window: 5, window_micros: Limit::MAX_WINDOW_MICROS + 1 },
    ];
    for limit in limits {
        assert_eq!(limiter.check_now("key", limit), Decision::never(limit));
    }
    assert_eq!(Decision::never(Limit::per_minute(0)).retry_after_seconds(), 60);
    assert_eq!(limiter.tracked_keys(), 0);
}

#[test]
fn idle_keys_go_with_a_purge_and_active_ones_stay() {
    let (clock, limiter) = limiter();
    for key in 0..1000 {
        limiter.check_now(&key.to_string(), Limit::default());
    }
    clock.advance_micros(MINUTE / 2);
    assert_eq!(admitted(&limiter, "7", Limit::default(), 119), 119);
    limiter.purge();
    assert_eq!(limiter.tracked_keys(), 1000);
    clock.advance_micros(MINUTE / 2);
    limiter.purge();
    assert_eq!(limiter.tracked_keys(), 1);
    assert_eq!(admitted(&limiter, "7", Limit::default(), 10), 1);
}

#[test]
fn a_stream_of_new_keys_does_not_pile_up_without_a_purge() {
    let (clock, limiter) = limiter();
    for key in 0..400_000_u64 {
        limiter.check_now(&key.to_string(), Limit::default());
        // About 6,000 keys are active at any time.
        clock.advance_micros(10_000);
    }
    let most = SHARDS * SWEEP_FROM + 2 * 6000;
    assert!(limiter.tracked_keys() <= most, "{} keys", limiter.tracked_keys());
}

#[test]
fn through_the_trait_it_counts_in_memory() {
    use std::task::{Context, Poll, Waker};
    let (_clock, limiter) = limiter();
    let call = || match limiter
        .check("key", Limit::per_minute(1))
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(decision) => decision.admitted,
        Poll::Pending => panic!("a limiter in memory never waits"),
    };
    assert!(call());
    assert!(!call());
    assert_eq!(limiter.mode(), LimiterMode::Memory);
}
