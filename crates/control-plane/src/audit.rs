//! Use cases of the audit log: writing rows, reading them, and verification.

mod read;
mod recorder;
mod verify;

pub use read::list_audit;
pub use recorder::{AuditMode, Recorder};
pub use verify::{SnapshotReader, verify_audit, verify_log, verify_tail};
