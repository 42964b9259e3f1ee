//! Storage interface of the registry: traits, errors, and the conformance suite that every backend must pass.
//!
//! This crate owns the contract between use cases and databases (`Store`, `Tx`, `View`). It has no SQL, rules or
//! policy: whether a caller may act is decided by an [`Authority`] that the use case supplies. Two laws hold for
//! every `Tx`. It never expects the caller to continue after an `Err`, so a conflict is a value. And it never returns
//! a sequence number of the audit log, because the sealer decides the order.
//!
//! Features: `testing` adds the conformance suite ([`testing`]).

mod authority;
mod error;
mod job;
mod ledger;
mod list_bytes;
mod open;
mod quota;
mod rows;
#[cfg(feature = "testing")]
pub mod testing;
mod tx;
mod view;
mod write;

pub use authority::{Authority, Decided, PlatformAuthority};
pub use error::StoreError;
pub use job::{Job, JobCaller, JobClass, Precedence, Store, StoreStats, Watch};
pub use ledger::{AlertRow, HoldRow, LedgerReads, LedgerTx, UsageLine, UsageQuery, UsageRow};
pub use list_bytes::{LIST_BYTES, audit_row_bytes, intent_bytes, rows_of_page};
pub use open::{AdoptReport, OpenError, OpenMode, OpenReport};
pub use quota::{
    DayUsage, KeyUsage, QuotaReads, QuotaTx, day_of, logged_bytes, seconds_to_next_day, stored_answer_bytes,
    stored_intent_bytes,
};
pub use rows::{
    AuditQuery, Inserted, IntentList, IntentQuery, Recalled, Remembered, ScanPage, SealedCheckpoint,
};
pub use tx::{AuditTx, IdempotencyTx, IntentTx, KeyTx, Tx};
pub use view::{AuditReads, IntentReads, KeyReads, View, read_shown};
pub use write::ReadLane;
