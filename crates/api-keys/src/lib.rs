//! API keys: their written form, minting, keyed hashes, scopes, expiry and the overlap of a rotation.
//!
//! A native key reads `t4_<12 base62: public id>_<43 base62: 256-bit secret><6 base62: CRC-32/ISO-HDLC of
//! everything before>`. The checksum refuses a typo without a lookup; the public id finds the record without the
//! secret. Every other text is an opaque key: one of an adopted database, or a static one of the configuration.
//! At rest only HMAC-SHA-256 values under a [`Pepper`] are kept, and the pepper is not in the database.
//!
//! This crate owns what a key *is* and when it is good. It refuses storage, and it reads neither a clock nor the
//! environment: time and randomness reach it as arguments.

mod base62;
mod mac;
mod mint;
mod pepper;
mod presented;
mod quotas;
mod record;
mod scope;
mod scope_set;

pub use mac::KeyMac;
pub use mint::{NewKey, NotMintable, derive_secret, mint_key_id};
pub use pepper::{Pepper, PepperError, keyed_mac};
pub use presented::{KeyParseError, PresentedKey, hide_keys, key_id_of_text};
pub use quotas::{KeyQuotas, MAX_QUOTA, QuotaLimits};
pub use record::{KeyRecord, KeyRefusal};
pub use registry_core::{MAX_DOLLARS, MoneyError, PICO_PER_DOLLAR, dollars_to_pico, pico_to_dollars};
pub use scope::Scope;
pub use scope_set::{ScopeError, ScopeSet};
