//! Audit log: drafts, records, redaction, the hashes that make an edit visible, and verification.
//!
//! This crate owns the content of a row, its leaf and its place in the chain. It has no storage: rows are arguments
//! and results. Times are arguments.

mod adopted;
mod anonymous;
mod body;
mod draft;
mod draft_slot;
mod log_rows;
mod outcome;
mod principal;
mod record;
mod redact;
mod refusals;
mod schema;
mod seal;
mod statements;
mod verdict;
mod verify;

pub use adopted::{Adopted, AdoptedDigest, AdoptedRow, ExactDigest, StoredCell, UnplacedRow};
pub use body::Body;
pub use draft::Draft;
pub use draft_slot::{DraftSlot, OwnedDraft};
pub use log_rows::{LogFacts, LogRow, StoredRow};
pub use outcome::Outcome;
pub use principal::{Actor, Principal, who_of};
pub use record::{GENESIS_CHAIN, RECORD_VERSION, Record, chain, event};
pub use redact::{REDACTED, redact_json, redact_log_text, redact_path, redact_text};
pub use refusals::Refusals;
pub use schema::{SchemaDigest, SchemaObject, SchemaStatement};
pub use seal::{Leafed, LogHead, SealedBatch, SealedRecord, id_of};
pub use statements::{ExternalChange, external_change_record, genesis_record, log_id_of, retention_record};
pub use verdict::{BadReason, BadRow, LogVerdict};
pub use verify::Verifier;
