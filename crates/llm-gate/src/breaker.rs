//! Circuit breaker for one provider. After several failures in a row, no calls are sent to the provider for a while.
//! Then one call probes whether it works again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The number of failures in a row that open the breaker.
const FAILURES: u32 = 5;
/// The time for which it stays open, in microseconds.
const OPEN_MICROS: u64 = 10_000_000;

/// The state of a provider's circuit breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BreakerState {
    /// Calls are sent to the provider.
    Closed,
    /// The provider failed too often; no calls are sent to it.
    Open,
    /// One call may probe the provider, or is probing it.
    HalfOpen,
}

impl BreakerState {
    /// Returns the name that the API uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Closed { failures: u32 },
    Open { until_micros: u64 },
    Probing,
}

/// The circuit breaker of one provider. All times are from one monotonic clock, in microseconds.
#[derive(Debug)]
pub(crate) struct Breaker(Mutex<Phase>);

impl Breaker {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Phase::Closed { failures: 0 })))
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Admits an attempt, or returns the number of microseconds until one may be admitted.
    pub(crate) fn admit(self: &Arc<Self>, now_micros: u64) -> Result<Pass, u64> {
        let mut phase = self.phase();
        let probe = match *phase {
            Phase::Closed { .. } => false,
            Phase::Open { until_micros } if until_micros <= now_micros => {
                *phase = Phase::Probing;
                true
            }
            Phase::Open { until_micros } => return Err(until_micros - now_micros),
            Phase::Probing => return Err(OPEN_MICROS),
        };
        drop(phase);
        Ok(Pass { breaker: Arc::clone(self), probe, counts: true })
    }

    pub(crate) fn state(&self, now_micros: u64) -> BreakerState {
        match *self.phase() {
            Phase::Closed { .. } => BreakerState::Closed,
            Phase::Open { until_micros } if until_micros > now_micros => BreakerState::Open,
            Phase::Open { .. } | Phase::Probing => BreakerState::HalfOpen,
        }
    }
}

/// The permission for one attempt. Dropping it without a result changes nothing. After a dropped probe, the next
/// attempt is the probe.
#[derive(Debug)]
pub(crate) struct Pass {
    breaker: Arc<Breaker>,
    probe: bool,
    counts: bool,
}

impl Pass {
    /// Marks a further attempt of a call that has already failed at this provider. Its failure does not count again.
    pub(crate) fn uncounted(mut self) -> Self {
        self.counts = false;
        self
    }

    /// Records that the provider has begun to answer. A probe succeeds at this point: the breaker must not stay
    /// half-open until a long stream ends.
    pub(crate) fn answered(&mut self) {
        if std::mem::take(&mut self.probe) {
            *self.breaker.phase() = Phase::Closed { failures: 0 };
        }
    }

    /// Records a success.
    pub(crate) fn succeeded(mut self) {
        self.answered();
        let mut phase = self.breaker.phase();
        // An older request may succeed after the breaker has opened. It must not close the breaker.
        if let Phase::Closed { failures } = &mut *phase {
            *failures = 0;
        }
    }

    /// Records a failure.
    pub(crate) fn failed(mut self, now_micros: u64) {
        let open = Phase::Open { until_micros: now_micros.saturating_add(OPEN_MICROS) };
        let probe = std::mem::take(&mut self.probe);
        let mut phase = self.breaker.phase();
        match &mut *phase {
            Phase::Closed { .. } if !self.counts => {}
            Phase::Closed { failures } => {
                *failures += 1;
                if *failures >= FAILURES {
                    *phase = open;
                }
            }
            Phase::Probing if probe => *phase = open,
            Phase::Open { .. } | Phase::Probing => {}
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if self.probe {
            *self.breaker.phase() = Phase::Open { until_micros: 0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(breaker: &Arc<Breaker>, times: u32, now: u64) {
        for _ in 0..times {
            breaker.admit(now).unwrap().failed(now);
        }
    }

    #[test]
    fn five_failures_in_a_row_open_the_breaker_for_ten_seconds() {
        let breaker = Breaker::new();
        fail(&breaker, 4, 1);
        assert_eq!(breaker.state(1), BreakerState::Closed);
        fail(&breaker, 1, 1);
        assert_eq!(breaker.state(1), BreakerState::Open);
        assert_eq!(breaker.admit(1).unwrap_err(), OPEN_MICROS);
        assert_eq!(breaker.admit(OPEN_MICROS).unwrap_err(), 1);
        assert!(breaker.admit(OPEN_MICROS + 1).is_ok());
    }

    #[test]
    fn a_success_resets_the_count_of_failures() {
        let breaker = Breaker::new();
        fail(&breaker, 4, 0);
        breaker.admit(0).unwrap().succeeded();
        fail(&breaker, 4, 0);
        assert_eq!(breaker.state(0), BreakerState::Closed);
    }

    #[test]
    fn only_one_probe_at_a_time_is_admitted_and_its_result_decides() {
        let breaker = Breaker::new();
        fail(&breaker, 5, 0);
        let probe = breaker.admit(OPEN_MICROS).unwrap();
        assert_eq!(breaker.state(OPEN_MICROS), BreakerState::HalfOpen);
        assert!(breaker.admit(OPEN_MICROS).is_err());
        probe.failed(OPEN_MICROS);
        assert_eq!(breaker.state(OPEN_MICROS), BreakerState::Open);
        let mut probe = breaker.admit(2 * OPEN_MICROS).unwrap();
        probe.answered();
        assert_eq!(breaker.state(2 * OPEN_MICROS), BreakerState::Closed);
    }

    #[test]
    fn a_probe_without_a_result_allows_the_next_probe() {
        let breaker = Breaker::new();
        fail(&breaker, 5, 0);
        drop(breaker.admit(OPEN_MICROS).unwrap());
        assert!(breaker.admit(OPEN_MICROS).is_ok());
    }

    #[test]
    fn attempts_from_before_the_breaker_opened_neither_close_nor_prolong_it() {
        let breaker = Breaker::new();
        let (early, other) = (breaker.admit(0).unwrap(), breaker.admit(0).unwrap());
        fail(&breaker, 5, 0);
        early.succeeded();
        other.failed(OPEN_MICROS / 2);
        assert_eq!(breaker.admit(1).unwrap_err(), OPEN_MICROS - 1);
    }
}
