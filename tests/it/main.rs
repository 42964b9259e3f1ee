//! The product in process: a real database file, the application as the server builds it, a clock that stands until
//! a test moves it, and randomness that repeats.
//!
//! Every answer of every test is held against the one shape of an error, the headers that every answer carries, and
//! the OpenAPI document (`support/answer.rs`).

mod audit_change;
mod audit_coverage;
mod audit_verify;
mod authz_matrix;
mod bad_bodies;
mod bad_requests;
mod busy_readers;
mod canary;
mod crates;
mod docs_page;
mod errors;
mod fields;
mod generated;
mod idempotency;
mod imports;
mod intents;
mod keys;
mod keys_life;
mod limits;
mod list_rows;
mod lists;
mod llm_ledger;
mod panics;
mod pre_pr;
mod quotas;
mod readmes;
mod rights;
mod rows_wait;
mod support;
mod transitions;
