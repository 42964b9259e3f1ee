//! The registry in one SQLite file: one writer thread that commits many jobs at once, and a pool of readers.
//!
//! This crate owns the schema, the group commit, the order of the audit log (its sealer) and the adoption of a
//! database of the original service. It refuses rules: what may be written is decided in the jobs that it runs.

mod adopt;
mod adopt_audit;
mod audit_rows;
mod audit_view;
mod batch;
mod columns;
mod copy;
mod errors;
mod idempotency;
mod intent_rows;
mod intents;
mod intents_view;
mod key_rows;
mod keys;
mod ledger_accounts;
mod ledger_alerts;
mod ledger_holds;
mod ledger_usage;
mod ledger_view;
mod meta;
mod migrate;
mod open;
mod outside;
mod pragmas;
mod queue;
mod read_only;
mod readers;
mod seal;
mod store;
mod strict;
mod tx;
mod usage_lines;
mod watch;
mod writer;

pub use copy::backup;
pub use errors::OpenError;
pub use migrate::SCHEMA_VERSION;
pub use open::{AdoptReport, OpenMode, OpenReport, Options};
pub use read_only::{ReadOnly, has_pepper, open_read_only};
pub use store::SqliteStore;
