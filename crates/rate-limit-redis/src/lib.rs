//! Rate limiter shared by several processes over Redis, with a limiter in memory as a fallback.
//!
//! Every call is counted in memory first and in Redis second, so the log in memory is always current. When Redis
//! fails, the decision in memory counts at once. All processes together then admit at most the limit times their
//! number, also in the window after Redis has come back.
//!
//! This crate owns the script, the connection and the switch between the two. What a limit means is in `rate_limit`.
//! It needs Redis 5 or later.

mod limiter;
mod options;
mod probe;
mod script;

pub use limiter::RedisLimiter;
pub use options::{ConnectError, RedisOptions};
