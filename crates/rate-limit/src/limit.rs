//! Limit, and its decision about one call.

/// Limit: how many calls are admitted in any window of a given length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Number of calls; 0 admits none.
    pub per_window: u32,
    /// Length of the window in microseconds, 1 to [`Limit::MAX_WINDOW_MICROS`]. A window outside that range can't be
    /// counted, and so admits nothing.
    pub window_micros: u64,
}

impl Limit {
    /// One minute.
    pub const MINUTE_MICROS: u64 = 60_000_000;

    /// Longest window, 30 minutes: the log keeps the low 32 bits of each time, which are unique over 71 minutes, and
    /// needs two windows of that.
    pub const MAX_WINDOW_MICROS: u64 = 30 * Self::MINUTE_MICROS;

    /// Creates a limit per minute.
    #[must_use]
    pub const fn per_minute(calls: u32) -> Self {
        Self { per_window: calls, window_micros: Self::MINUTE_MICROS }
    }

    /// Whether a call could ever be admitted.
    #[must_use]
    pub const fn admits_any(self) -> bool {
        self.per_window > 0 && self.window_micros > 0 && self.window_micros <= Self::MAX_WINDOW_MICROS
    }
}

impl Default for Limit {
    /// 120 calls per minute.
    fn default() -> Self {
        Self::per_minute(120)
    }
}

/// Decision of a limiter about one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether the call is admitted; it has been counted then.
    pub admitted: bool,
    /// Limit that was asked.
    pub limit: u32,
    /// Number of further calls that would be admitted now.
    pub remaining: u32,
    /// Microseconds until the next counted call leaves the window and its place is free again; 0 when none is
    /// counted. For a limit that admits nothing, the whole window.
    pub reset_micros: u64,
}

impl Decision {
    /// Decision of a limit that admits nothing.
    #[must_use]
    pub const fn never(limit: Limit) -> Self {
        Self { admitted: false, limit: limit.per_window, remaining: 0, reset_micros: limit.window_micros }
    }

    /// Returns the seconds until a place is free again, rounded up.
    #[must_use]
    pub const fn reset_seconds(&self) -> u64 {
        self.reset_micros.div_ceil(1_000_000)
    }

    /// Returns how long a refused caller should wait: whole seconds, at least 1.
    #[must_use]
    pub const fn retry_after_seconds(&self) -> u64 {
        let seconds = self.reset_seconds();
        if seconds == 0 { 1 } else { seconds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded_up_and_waiting_takes_at_least_one() {
        let after = |reset_micros| Decision { reset_micros, ..Decision::never(Limit::default()) };
        let cases = [(0, 0, 1), (1, 1, 1), (1_000_000, 1, 1), (1_000_001, 2, 2), (60_000_000, 60, 60)];
        for (micros, reset, retry) in cases {
            assert_eq!(after(micros).reset_seconds(), reset, "{micros}");
            assert_eq!(after(micros).retry_after_seconds(), retry, "{micros}");
        }
    }

    #[test]
    fn the_default_is_120_in_a_minute() {
        assert_eq!(Limit::default(), Limit { per_window: 120, window_micros: 60_000_000 });
    }
}
