//! The product as processes: real binaries, real files, a real Redis, real signals.
//!
//! It links no server crate, so that it builds fast and sees only what an operator sees.

mod adoption;
mod config;
mod crash;
mod database;
mod redis_limits;
mod revocation;
mod runbook;
mod sharing;
mod stop;
mod transport;

use std::time::Duration;

/// How often a long test repeats: `whole` times when `T4_TEST_LONG=1`, else `short` times.
fn times(short: usize, whole: usize) -> usize {
    if std::env::var("T4_TEST_LONG").is_ok_and(|value| value == "1") { whole } else { short }
}

/// The time within which what another process commits must be obeyed (CONTRACT), with what a busy machine adds to
/// the measurement itself.
const OBEYED_WITHIN: Duration = Duration::from_millis(1000);
