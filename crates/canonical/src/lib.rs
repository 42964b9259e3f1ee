//! Canonical bytes and their digests: JSON in the form of RFC 8785, SHA-256, and the leaf hash of RFC 6962.
//!
//! This crate owns how a value becomes the bytes that are hashed or signed. What is in a value, and what a digest
//! means, is decided by the caller. A JSON text that names a member twice has no canonical form: see
//! [`members_once`].

mod digest;
mod jcs;
mod members;
mod text;
mod writer;

pub use digest::{Digest, DigestError, leaf_hash};
pub use jcs::{CanonicalError, MAX_DEPTH, MAX_INTEGER, to_jcs};
pub use members::{DuplicateMember, MemberFault, members_once, value_once};
pub use writer::ObjectWriter;
