//! The statements on each table, writes and reads of one area side by side.

mod idempotency;
mod intent_lists;
pub(crate) mod intents;
mod keys;
mod ledger;
pub(crate) mod meta;
pub(crate) mod quota;
