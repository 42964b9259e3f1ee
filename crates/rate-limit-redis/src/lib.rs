//! One limit over several processes, counted in Redis, with the limiter in memory always beside it.
//!
//! A call is asked of the memory first and of Redis second. So the memory's log is warm at any moment: when Redis
//! is gone its decision counts at once, and what all processes admit together stays below the limit times their
//! number, also in the window after Redis came back.
//!
//! This crate owns the script, the connection and the switch between the two. It refuses any rule of its own: what
//! a limit means is in `rate_limit`. Redis 5 or later.

mod limiter;
mod options;
mod probe;
mod script;

pub use limiter::RedisLimiter;
pub use options::{ConnectError, RedisOptions};
