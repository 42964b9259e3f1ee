//! Times of the last admissions of one key.

use std::collections::VecDeque;

use crate::limit::{Decision, Limit};

/// Size from which on a log is freed when its key becomes idle.
const KEEP_CAPACITY: usize = 1024;

/// Admissions of one key in the last window, oldest first.
///
/// A time takes four bytes, the low 32 bits of its microseconds, because limits go up to ten million in a window.
/// INVARIANT: every stored time is at most two windows older than any `now` it is compared with. At `newest` all were
/// younger than a window, and after a window without an admission the whole log is cleared. Two of the longest
/// windows are below 2^32 microseconds, so a difference of low halves is the true age.
#[derive(Debug, Default)]
pub(crate) struct SlidingLog {
    times: VecDeque<u32>,
    /// Full time of the last admission, undone ones included: it distinguishes a wrapped time from a young one.
    newest: u64,
    /// Window that was asked for last.
    window: u64,
}

impl SlidingLog {
    /// Returns the number of admissions.
    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether no admission can count any more.
    pub(crate) fn is_idle(&self, now: u64) -> bool {
        self.times.is_empty() || now.saturating_sub(self.newest) >= self.window
    }

    /// Decides about one call and counts it. The second part is its time, when it was admitted.
    pub(crate) fn decide(&mut self, now: u64, limit: Limit) -> (Decision, Option<u64>) {
        if !limit.admits_any() {
            return (Decision::never(limit), None);
        }
        let now = self.forget(now, limit.window_micros);
        let most = usize::try_from(limit.per_window).unwrap_or(usize::MAX);
        let admitted = self.times.len() < most;
        if admitted {
            self.push(now);
        }
        let free = most.saturating_sub(self.times.len());
        let decision = Decision {
            admitted,
            limit: limit.per_window,
            remaining: u32::try_from(free).unwrap_or(u32::MAX),
            reset_micros: self.until_free(now, most),
        };
        (decision, admitted.then_some(now))
    }

    /// Drops admissions that have left the window. Returns `now`, or the time of the last admission if that is later.
    pub(crate) fn forget(&mut self, now: u64, window: u64) -> u64 {
        let now = now.max(self.newest);
        self.window = window;
        if now - self.newest >= window {
            self.times.clear();
            if self.times.capacity() > KEEP_CAPACITY {
                self.times = VecDeque::new();
            }
        } else if self.times.front().is_some_and(|time| age(now, *time) >= window) {
            let gone = self.times.partition_point(|time| age(now, *time) >= window);
            self.times.drain(..gone);
        }
        now
    }

    /// Adds an admission. `now` is the result of [`Self::forget`].
    pub(crate) fn push(&mut self, now: u64) {
        self.times.push_back(low(now));
        self.newest = now;
    }

    /// Drops the oldest admission.
    pub(crate) fn pop_oldest(&mut self) {
        self.times.pop_front();
    }

    /// Returns the microseconds until fewer than `most` are counted; with room left, until the oldest leaves; 0 when
    /// empty.
    pub(crate) fn until_free(&self, now: u64, most: usize) -> u64 {
        let leaving = self.times.get(self.times.len().saturating_sub(most));
        leaving.map_or(0, |time| self.window.saturating_sub(age(now, *time)))
    }

    /// Takes back the newest admission.
    pub(crate) fn undo_newest(&mut self) {
        self.times.pop_back();
    }

    /// Takes back the admission that was counted at `at`, if it still exists. Two of one time are interchangeable.
    pub(crate) fn undo(&mut self, at: u64) {
        let since = self.newest.saturating_sub(at);
        let place = self.times.partition_point(|time| age(self.newest, *time) > since);
        if self.times.get(place).is_some_and(|time| age(self.newest, *time) == since) {
            self.times.remove(place);
        }
    }

    /// Frees memory that the log no longer needs.
    pub(crate) fn shrink(&mut self) {
        if self.times.capacity() > KEEP_CAPACITY.max(self.times.len().saturating_mul(4)) {
            self.times.shrink_to(self.times.len().saturating_mul(2));
        }
    }
}

fn low(micros: u64) -> u32 {
    let [a, b, c, d, ..] = micros.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

fn age(now: u64, time: u32) -> u64 {
    u64::from(low(now).wrapping_sub(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_admission_takes_four_bytes() {
        let mut log = SlidingLog::default();
        let limit = Limit::per_minute(1_000_000);
        for now in 0..1_000_000 {
            assert!(log.decide(now, limit).0.admitted);
        }
        assert!(!log.decide(1_000_000, limit).0.admitted);
        assert_eq!(size_of_val(log.times.front().unwrap()), 4);
        assert!(log.times.capacity() <= 2 * 1_048_576);
        // An idle key frees the memory at its next call.
        log.decide(70_000_000, limit);
        assert!(log.times.capacity() <= KEEP_CAPACITY);
    }

    #[test]
    fn an_undone_admission_takes_its_own_time_along() {
        let mut log = SlidingLog::default();
        let limit = Limit { per_window: 3, window_micros: 100 };
        for now in [10, 20, 30] {
            log.decide(now, limit);
        }
        log.undo(20);
        log.undo(25);
        assert_eq!(log.times, [10, 30]);
        log.undo(30);
        assert_eq!(log.times, [10]);
        // It has left the window: nothing to undo.
        log.decide(200, limit);
        log.undo(10);
        assert_eq!(log.times, [200]);
    }

    #[test]
    fn a_log_that_shrank_gives_memory_back() {
        let mut log = SlidingLog::default();
        let limit = Limit { per_window: 100_000, window_micros: 1000 };
        for _ in 0..50_000 {
            log.decide(0, limit);
        }
        log.decide(999, limit);
        log.decide(1001, limit);
        assert_eq!(log.len(), 2);
        log.shrink();
        assert!(log.times.capacity() <= KEEP_CAPACITY);
        assert_eq!(log.len(), 2);
    }
}
