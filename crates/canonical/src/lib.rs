//! Canonical bytes and their digests: JSON in the one form of RFC 8785, SHA-256, and the leaf hash of RFC 6962. A text that names
//! a member twice has no such form: [`members_once`].
//!
//! This crate owns how a value becomes the bytes that are hashed or signed. It refuses everything else: what is
//! in a value, and what a digest means, is the caller's to say.

mod digest;
mod jcs;
mod members;
mod text;
mod writer;

pub use digest::{Digest, DigestError, leaf_hash};
pub use jcs::{CanonicalError, MAX_DEPTH, MAX_INTEGER, to_jcs};
pub use members::{DuplicateMember, MemberFault, members_once, value_once};
pub use writer::ObjectWriter;
