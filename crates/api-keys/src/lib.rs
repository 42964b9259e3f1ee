//! API keys: format, minting, keyed hashes, scopes, expiry and rotation.
//!
//! A native key is `t4_<12 base62: public id>_<43 base62: 256-bit secret><6 base62: CRC-32/ISO-HDLC of everything
//! before>`. The checksum refuses a typing error without a lookup. The public id finds the record without the secret.
//! Every other text is an opaque key: one of an adopted database, or a static key of the configuration. Only
//! HMAC-SHA-256 values under a [`Pepper`] are stored, and the pepper is not in the database.
//!
//! This crate owns what a key is and when it is valid. It has no storage, clock or environment: time and randomness
//! are arguments.

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
