//! Authentication: from a key or the admin token to a caller.

mod admin_token;
mod authenticate;
mod authenticate_admin;
mod key_cache;
mod pending_checks;
mod rights;
mod static_keys;

pub use admin_token::{AdminToken, AdminTokenError};
pub use authenticate::{AdmittedCaller, RefusedCaller, authenticate_agent, authenticate_settling_agent};
pub use authenticate_admin::authenticate_admin;
pub(crate) use key_cache::TRUSTED_MICROS;
pub use key_cache::{KeyCache, KnownKey};
pub(crate) use rights::{ActingCaller, KeyRights, SettlingAuthority};
pub use static_keys::{StaticKeyError, StaticKeys};
