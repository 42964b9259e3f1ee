//! Tests of whole calls through the gate, with a scripted provider and a ledger that detects every violation of its
//! rules.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test helpers report failures by panicking"
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
