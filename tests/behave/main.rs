//! The product in this process: every route, every refusal, every row, on a clock that stands still.

mod app;
mod audit_coverage;
mod authz_matrix;
mod bad_input;
mod bad_query;
mod canary;
mod error_table;
mod faults;
mod intents;
mod keys;
mod layers;
mod limits;
mod lists;
