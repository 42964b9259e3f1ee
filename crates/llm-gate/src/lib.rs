//! What agents link for LLM calls: hold, call the provider, settle, on any ledger.
//!
//! It owns the way of one call: which provider is asked, in which order, how its answer is read, and that every
//! attempt that left is settled. It refuses budgets and prices (`llm-policy` and the ledger have them), storage,
//! and the HTTP server.

mod error;
pub mod provider;

pub use error::SetupError;
