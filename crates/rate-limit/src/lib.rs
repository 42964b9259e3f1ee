//! Rate limits: how often a key may call, and how often a network may fail to authenticate.
//!
//! The rule is a sliding log of admission times. In no window of the given length are more calls admitted than the
//! limit, and an idle key may use all of it at once. [`MemoryLimiter`] is exact within one process.
//!
//! This crate owns the rule, the [`Limiter`] trait and the limiter in memory. It has no network: the limiter that
//! several processes share is in `rate-limit-redis`.

mod failures;
mod limit;
mod limiter;
mod log;
mod memory;

pub use failures::FailureLimiter;
pub use limit::{Decision, Limit};
pub use limiter::{Deciding, Limiter, LimiterMode};
pub use memory::{Admission, MemoryLimiter};
