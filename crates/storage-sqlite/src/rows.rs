//! The statements on each table, writes and reads of one area side by side.

pub(crate) mod external_changes;
pub(crate) mod idempotency;
mod intent_lists;
pub(crate) mod intents;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod meta;
