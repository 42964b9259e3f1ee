//! Options of the limiter, and reasons why it can't start.

use std::time::Duration;

/// Time limits of a [`RedisLimiter`](crate::RedisLimiter).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedisOptions {
    /// How long a call waits for Redis before the decision in memory counts.
    pub reply_within: Duration,
    /// Interval in which Redis is checked, in both modes.
    pub probe_every: Duration,
    /// How long making a connection may take.
    pub dial_within: Duration,
}

impl Default for RedisOptions {
    /// 100 ms for a reply, a check every 250 ms, 1 s for a connection.
    fn default() -> Self {
        Self {
            reply_within: Duration::from_millis(100),
            probe_every: Duration::from_millis(250),
            dial_within: Duration::from_secs(1),
        }
    }
}

/// Reason why no limiter could be created. An unreachable server is not one of the reasons.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The address is not that of a Redis. Its text is left out, because it may hold a password.
    #[error("the address of redis can't be used ({reason}); it looks like `redis://host:6379/0`")]
    BadUrl {
        /// What is wrong with it.
        reason: String,
    },
    /// It was called outside an asynchronous runtime, which the connection needs.
    #[error("redis can only be connected from within an asynchronous runtime")]
    NoRuntime,
}
