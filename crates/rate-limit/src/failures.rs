//! Limit on failed authentications of a network.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use registry_core::{Clock, Network};

use crate::limit::Limit;
use crate::log::SlidingLog;

const SHARDS: usize = 16;
/// How long a full shard waits between two searches for idle networks, so that a flood of networks does not pay for
/// one with every failure.
const SWEEP_EVERY_MICROS: u64 = 1_000_000;

/// Counter of failed authentications by the [`Network`] of the address, to slow down guessing. Successes cost
/// nothing.
///
/// At most [`Self::MAX_NETWORKS`] networks are kept. When all of them are active, further ones share a bucket: under
/// such a flood, strangers are refused together rather than not at all.
pub struct FailureLimiter {
    clock: Arc<dyn Clock>,
    limit: Limit,
    hasher: RandomState,
    shards: [Mutex<FailureShard>; SHARDS],
}

#[derive(Default)]
struct FailureShard {
    networks: HashMap<Network, SlidingLog>,
    overflow: SlidingLog,
    sweep_after: u64,
}

impl FailureLimiter {
    /// Number of networks that are kept.
    pub const MAX_NETWORKS: usize = 65_536;

    /// Creates a counter with a limit of 60 failures per minute.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::with_limit(clock, Limit::per_minute(60))
    }

    /// Creates a counter with another limit. A limit that admits no call blocks a network from its first failure on.
    #[must_use]
    pub fn with_limit(clock: Arc<dyn Clock>, limit: Limit) -> Self {
        let limit = Limit {
            per_window: limit.per_window.max(1),
            window_micros: limit.window_micros.clamp(1, Limit::MAX_WINDOW_MICROS),
        };
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { clock, limit, hasher: RandomState::new(), shards }
    }

    /// Returns the whole seconds to wait, at least 1, if the network of the address has used up its failures.
    #[must_use]
    pub fn blocked(&self, address: IpAddr) -> Option<u64> {
        let network = Network::of(address);
        let mut shard = self.shard(network);
        let now = self.clock.monotonic_micros();
        let FailureShard { networks, overflow, .. } = &mut *shard;
        let log = networks.get_mut(&network).unwrap_or(overflow);
        let now = log.forget(now, self.limit.window_micros);
        let most = self.most();
        (log.len() >= most).then(|| log.until_free(now, most).div_ceil(1_000_000).max(1))
    }

    /// Counts one failure of the network of the address.
    pub fn record(&self, address: IpAddr) {
        let network = Network::of(address);
        let mut shard = self.shard(network);
        let now = self.clock.monotonic_micros();
        let log = shard.log_of(network, now);
        let now = log.forget(now, self.limit.window_micros);
        // The newest entries of a full log decide alone, so a flood of failures takes no more memory than the limit.
        if log.len() >= self.most() {
            log.pop_oldest();
        }
        log.push(now);
    }

    /// Takes back the newest failure of the network of the address: an attempt that was counted on arrival turned out
    /// right.
    /// out right.
    pub fn take_back(&self, address: IpAddr) {
        let network = Network::of(address);
        let mut shard = self.shard(network);
        let FailureShard { networks, overflow, .. } = &mut *shard;
        networks.get_mut(&network).unwrap_or(overflow).undo_newest();
    }

    /// Drops idle networks. Call it about once a minute.
    pub fn purge(&self) {
        for shard in &self.shards {
            let mut shard = lock(shard);
            let now = self.clock.monotonic_micros();
            shard.sweep(now);
            shard.networks.shrink_to(64);
        }
    }

    /// Returns how many networks have an entry.
    #[must_use]
    pub fn tracked_networks(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).networks.len()).sum()
    }

    fn most(&self) -> usize {
        usize::try_from(self.limit.per_window).unwrap_or(usize::MAX)
    }

    #[expect(clippy::indexing_slicing, reason = "the remainder is below the number of shards")]
    fn shard(&self, network: Network) -> MutexGuard<'_, FailureShard> {
        let hash = usize::try_from(self.hasher.hash_one(network) & 0xffff).unwrap_or(0);
        lock(&self.shards[hash % SHARDS])
    }
}

impl FailureShard {
    fn log_of(&mut self, network: Network, now: u64) -> &mut SlidingLog {
        if !self.networks.contains_key(&network) && self.is_full() {
            if now >= self.sweep_after {
                self.sweep(now);
            }
            if self.is_full() {
                return &mut self.overflow;
            }
        }
        self.networks.entry(network).or_default()
    }

    fn is_full(&self) -> bool {
        self.networks.len() >= FailureLimiter::MAX_NETWORKS / SHARDS
    }

    fn sweep(&mut self, now: u64) {
        self.networks.retain(|_, log| !log.is_idle(now));
        self.sweep_after = now.saturating_add(SWEEP_EVERY_MICROS);
    }
}

impl fmt::Debug for FailureLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailureLimiter").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// No code panics under these locks; a count is worth keeping even if one did.
fn lock(shard: &Mutex<FailureShard>) -> MutexGuard<'_, FailureShard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use registry_core::{ManualClock, Timestamp};

    fn limiter(per_window: u32) -> (Arc<ManualClock>, FailureLimiter) {
        let clock = Arc::new(ManualClock::at(Timestamp::EPOCH));
        let limit = Limit { per_window, window_micros: 60_000_000 };
        (clock.clone(), FailureLimiter::with_limit(clock, limit))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_default_blocks_after_60_failures_in_a_minute() {
        let clock = Arc::new(ManualClock::at(Timestamp::EPOCH));
        let limiter = FailureLimiter::new(clock.clone());
        let address = ip("192.0.2.1");
        for _ in 0..60 {
            assert_eq!(limiter.blocked(address), None);
            limiter.record(address);
            clock.advance_micros(100_000);
        }
        // The first failure was six seconds ago.
        assert_eq!(limiter.blocked(address), Some(54));
        assert_eq!(limiter.blocked(ip("192.0.3.1")), None);
        clock.advance_micros(54_000_000);
        assert_eq!(limiter.blocked(address), None);
        limiter.record(address);
        assert_eq!(limiter.blocked(address), Some(1));
    }

    #[test]
    fn asking_alone_counts_nothing() {
        let (_clock, limiter) = limiter(1);
        for _ in 0..100 {
            assert_eq!(limiter.blocked(ip("192.0.2.1")), None);
        }
        assert_eq!(limiter.tracked_networks(), 0);
    }

    #[test]
    fn failures_while_blocked_lengthen_the_wait_but_not_the_log() {
        let (clock, limiter) = limiter(3);
        let address = ip("192.0.2.1");
        for _ in 0..1000 {
            limiter.record(address);
        }
        clock.advance_micros(30_000_000);
        for _ in 0..3 {
            limiter.record(address);
        }
        clock.advance_micros(30_000_000);
        assert_eq!(limiter.blocked(address), Some(30));
        assert_eq!(limiter.shard(Network::of(address)).networks[&Network::of(address)].len(), 3);
    }

    #[test]
    fn the_addresses_of_one_network_are_one() {
        let (_clock, limiter) = limiter(1);
        limiter.record(ip("2001:db8:1:2:3:4:5:6"));
        assert!(limiter.blocked(ip("2001:db8:1:2::1")).is_some());
        assert!(limiter.blocked(ip("2001:db8:1:3::1")).is_none());
        limiter.record(ip("::ffff:192.0.2.1"));
        assert!(limiter.blocked(ip("192.0.2.254")).is_some());
        assert!(limiter.blocked(ip("::ffff:192.0.3.1")).is_none());
    }

    #[test]
    fn a_flood_of_networks_shares_a_bucket_and_takes_bounded_memory() {
        let (clock, limiter) = limiter(2);
        let known = ip("192.0.2.1");
        limiter.record(known);
        for bits in 0..100_000_u32 {
            limiter.record(IpAddr::V6((u128::from(bits) << 64).into()));
        }
        assert_eq!(limiter.tracked_networks(), FailureLimiter::MAX_NETWORKS);
        // Who has an entry keeps it; a stranger shares the bucket.
        assert_eq!(limiter.blocked(known), None);
        assert!(limiter.blocked(ip("198.51.100.1")).is_some());
        // When the flood is over, strangers are free again and get entries.
        clock.advance_micros(60_000_000);
        assert_eq!(limiter.blocked(ip("198.51.100.1")), None);
        limiter.record(ip("198.51.100.1"));
        limiter.record(ip("198.51.100.1"));
        assert!(limiter.blocked(ip("198.51.100.1")).is_some());
        assert!(limiter.blocked(ip("198.51.101.1")).is_none());
        limiter.purge();
        assert_eq!(limiter.tracked_networks(), 1);
    }

    #[test]
    fn a_failure_that_is_taken_back_does_not_count() {
        let (_clock, limiter) = limiter(2);
        for _ in 0..10 {
            limiter.record(ip("192.0.2.1"));
            limiter.take_back(ip("192.0.2.2"));
        }
        assert_eq!(limiter.blocked(ip("192.0.2.1")), None);
    }
}
