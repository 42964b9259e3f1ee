//! The audit log: rows that wait to be written, what admins read of it, and whether it is whole.

mod read;
mod recorder;
mod verify;

pub use read::list_audit;
pub use recorder::{AuditMode, Recorder};
pub use verify::{SnapshotReader, verify_audit, verify_log, verify_tail};
