//! Sources of time.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::Timestamp;

/// Source of time. Code that needs the time takes one as an argument, so that tests can set it.
pub trait Clock: Send + Sync {
    /// Returns the wall-clock time. It may jump, also backwards.
    fn now(&self) -> Timestamp;
    /// Returns microseconds since a fixed start. It never goes back. For durations, limits and timeouts.
    fn monotonic_micros(&self) -> u64;
}

/// Clock of the machine.
#[cfg(feature = "system")]
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: std::time::Instant,
}

#[cfg(feature = "system")]
impl SystemClock {
    /// Creates a clock whose monotonic reading starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    pub fn new() -> Self {
        Self { start: std::time::Instant::now() }
    }
}

#[cfg(feature = "system")]
impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "system")]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Timestamp::from_micros(since.map_or(0, |d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX)))
    }

    fn monotonic_micros(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// Clock that moves only when told to, for tests and replays.
#[derive(Debug)]
pub struct ManualClock {
    wall: AtomicI64,
    monotonic: AtomicU64,
}

impl ManualClock {
    /// Creates a clock that shows `now`, with its monotonic reading at zero.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { wall: AtomicI64::new(now.as_micros()), monotonic: AtomicU64::new(0) }
    }

    /// Moves both readings forward.
    pub fn advance_micros(&self, micros: u64) {
        self.wall.fetch_add(i64::try_from(micros).unwrap_or(i64::MAX), Ordering::SeqCst);
        self.monotonic.fetch_add(micros, Ordering::SeqCst);
    }

    /// Sets the wall clock alone, as an administrator or a time service would. The monotonic reading does not change.
    pub fn set_wall(&self, now: Timestamp) {
        self.wall.store(now.as_micros(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.wall.load(Ordering::SeqCst))
    }

    fn monotonic_micros(&self) -> u64 {
        self.monotonic.load(Ordering::SeqCst)
    }
}
