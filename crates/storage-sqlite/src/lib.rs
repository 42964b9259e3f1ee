//! Store on one SQLite file: one writer thread that commits many jobs at once, and a pool of readers.
//!
//! This crate owns the schema, the group commit, the order of the audit log (its sealer) and the adoption of a
//! database of the original service. It has no rules: the jobs that it runs decide what may be written.

mod audit;
mod columns;
mod errors;
mod external_changes;
mod migrate;
mod open;
mod options;
mod pragmas;
mod queue;
mod read_only;
mod readers;
mod recount;
mod rows;
mod store;
mod writer;

pub use crate::audit::accept::{SchemaReview, accept_schema, review_schema};
pub use migrate::copy::backup;
pub use migrate::steps::SCHEMA_VERSION;
pub use options::SqliteOptions;
pub use read_only::{ReadOnly, has_pepper, open_read_only};
pub use recount::recount;
pub use store::SqliteStore;
