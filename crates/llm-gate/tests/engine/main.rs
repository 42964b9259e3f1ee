//! The way of a call through the gate, on a provider that follows a script and a ledger that forgives nothing.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking as well"
)]

mod breaking;
mod cuts;
mod failures;
mod hang_ups;
mod ledger_trouble;
mod library;
mod many;
mod refusals;
mod retries;
mod secrets;
mod streams;
mod support;
mod whole;
