//! Tests of the limiter against a real `redis-server`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helper functions of an integration test are not known as test code to the lints"
)]

mod failover;
mod logs;
mod shared;
mod support;
