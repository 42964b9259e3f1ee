//! SQL statements of each table, writes and reads together.

mod idempotency;
mod intent_lists;
pub(crate) mod intents;
mod keys;
mod ledger;
pub(crate) mod meta;
pub(crate) mod quota;
