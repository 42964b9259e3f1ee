//! Options of the limiter, and reasons why it can't start.

use std::time::Duration;

/// The times of a [`RedisLimiter`](crate::RedisLimiter).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedisOptions {
    /// How long a call waits for Redis before the memory's decision counts.
    pub reply_within: Duration,
    /// How often Redis is looked at, in both modes.
    pub probe_every: Duration,
    /// How long making a connection may take.
    pub dial_within: Duration,
}

impl Default for RedisOptions {
    /// 100 ms for a reply, a look every 250 ms, 1 s for a connection.
    fn default() -> Self {
        Self {
            reply_within: Duration::from_millis(100),
            probe_every: Duration::from_millis(250),
            dial_within: Duration::from_secs(1),
        }
    }
}

/// Why no limiter could be made. A server that can't be reached is none of the reasons.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The address is not one of a Redis. Its text is left out, for it may hold a password.
    #[error("the address of redis can't be used ({reason}); it looks like `redis://host:6379/0`")]
    BadUrl {
        /// What is wrong with it.
        reason: String,
    },
    /// Called outside an asynchronous runtime, which the connection needs to live on.
    #[error("redis can only be connected from within an asynchronous runtime")]
    NoRuntime,
}
