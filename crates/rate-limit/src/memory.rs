//! Limiter of one process.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use registry_core::Clock;

use crate::limit::{Decision, Limit};
use crate::limiter::{Deciding, Limiter, LimiterMode};
use crate::log::SlidingLog;

const SHARDS: usize = 64;
/// Number of keys below which a shard is not swept.
const SWEEP_FROM: usize = 256;

/// Exact limiter in memory: in no window are more calls of a key admitted than its limit, from however many threads
/// they come. It uses only the monotonic time, so a wall clock that jumps changes nothing.
///
/// Memory: four bytes (eight while a log grows) for each admission of the last window, and one entry for each key
/// that had one. Idle keys are dropped by [`Self::purge`], and when a shard has doubled since its last sweep.
pub struct MemoryLimiter {
    clock: Arc<dyn Clock>,
    hasher: RandomState,
    shards: [Mutex<KeyShard>; SHARDS],
}

struct KeyShard {
    keys: HashMap<Box<str>, SlidingLog>,
    sweep_at: usize,
}

/// A counted call, to take it back with [`MemoryLimiter::undo`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    at: u64,
}

impl MemoryLimiter {
    /// Creates a limiter without counts.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let shard = |_| Mutex::new(KeyShard { keys: HashMap::new(), sweep_at: SWEEP_FROM });
        Self { clock, hasher: RandomState::new(), shards: std::array::from_fn(shard) }
    }

    /// Decides about one call of `key`, and counts it when it is admitted.
    pub fn check_now(&self, key: &str, limit: Limit) -> Decision {
        self.admit(key, limit).0
    }

    /// Like [`Self::check_now`], with what is needed to take the admission back; `None` for a refused call.
    pub fn admit(&self, key: &str, limit: Limit) -> (Decision, Option<Admission>) {
        let mut shard = self.shard(key);
        // Read under the lock, so that the times of a log are in order.
        let now = self.clock.monotonic_micros();
        let (decision, at) = match shard.keys.get_mut(key) {
            Some(log) => log.decide(now, limit),
            None => shard.first_call(key, now, limit),
        };
        (decision, at.map(|at| Admission { at }))
    }

    /// Takes back one admission of `key`, as if the call had never been made.
    pub fn undo(&self, key: &str, admission: Admission) {
        if let Some(log) = self.shard(key).keys.get_mut(key) {
            log.undo(admission.at);
        }
    }

    /// Drops idle keys and frees memory. Call it about once a minute.
    pub fn purge(&self) {
        for shard in &self.shards {
            let mut shard = lock(shard);
            let now = self.clock.monotonic_micros();
            shard.sweep(now);
            shard.keys.values_mut().for_each(SlidingLog::shrink);
        }
    }

    /// Returns how many keys have an entry.
    #[must_use]
    pub fn tracked_keys(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).keys.len()).sum()
    }

    #[expect(clippy::indexing_slicing, reason = "the remainder is below the number of shards")]
    fn shard(&self, key: &str) -> MutexGuard<'_, KeyShard> {
        let hash = usize::try_from(self.hasher.hash_one(key) & 0xffff).unwrap_or(0);
        lock(&self.shards[hash % SHARDS])
    }
}

impl KeyShard {
    fn first_call(&mut self, key: &str, now: u64, limit: Limit) -> (Decision, Option<u64>) {
        let mut log = SlidingLog::default();
        let decided = log.decide(now, limit);
        if decided.1.is_some() {
            if self.keys.len() >= self.sweep_at {
                self.sweep(now);
            }
            self.keys.insert(key.into(), log);
        }
        decided
    }

    fn sweep(&mut self, now: u64) {
        self.keys.retain(|_, log| !log.is_idle(now));
        // Twice what is left: each sweep is paid for by as many new keys.
        self.sweep_at = SWEEP_FROM.max(self.keys.len().saturating_mul(2));
        self.keys.shrink_to(self.sweep_at);
    }
}

impl Limiter for MemoryLimiter {
    fn check<'a>(&'a self, key: &'a str, limit: Limit) -> Deciding<'a> {
        Box::pin(std::future::ready(self.check_now(key, limit)))
    }

    fn mode(&self) -> LimiterMode {
        LimiterMode::Memory
    }
}

impl fmt::Debug for MemoryLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryLimiter").field("tracked_keys", &self.tracked_keys()).finish_non_exhaustive()
    }
}

/// No code panics under these locks; a count is worth keeping even if one did.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
