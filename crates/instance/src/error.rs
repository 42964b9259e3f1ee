//! Errors of opening an instance. Each says what to do.

use std::path::PathBuf;

use api_keys::PepperError;
use control_plane::AdminTokenError;

/// Why an instance can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// The database.
    #[error(transparent)]
    Store(#[from] storage::OpenError),
    /// The database was upgraded but could not be closed in order.
    #[error("the database could not be closed: {0}")]
    Close(#[from] storage::StoreError),
    /// A secret's file can't be read or made.
    #[error("the secret file `{path}` can't be used: {source}", path = path.display())]
    SecretFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A secret's file can be read by others.
    #[error("the secret file `{path}` can be read by others: run `chmod 600 {path}`", path = path.display())]
    SecretFileOpen {
        /// The file.
        path: PathBuf,
    },
    /// The pepper is no pepper.
    #[error("the key pepper is too weak: {0}")]
    Pepper(#[from] PepperError),
    /// The database is there, but its pepper is not.
    #[error(
        "the database `{db}` exists but its pepper file `{path}` does not: restore the file, or set \
         T4_KEY_PEPPER or T4_KEY_PEPPER_FILE; without it no key can be checked",
        db = db.display(), path = path.display()
    )]
    PepperMissing {
        /// The database.
        db: PathBuf,
        /// Where the pepper should be.
        path: PathBuf,
    },
    /// The admin token's hash.
    #[error("T4_ADMIN_TOKEN_HASH {0}")]
    AdminToken(#[from] AdminTokenError),
    /// A token that everybody knows, on an address that others can reach.
    #[error(
        "T4_ADMIN_TOKEN is the well-known `CHANGE_ME_ADMIN_TOKEN`: set another one, or bind to 127.0.0.1"
    )]
    WellKnownAdminToken,
    /// A static key.
    #[error("API_TOKENS: {0}")]
    StaticKey(String),
    /// Redis.
    #[error("T4_RATE_REDIS: {0}")]
    Redis(String),
    /// The webhook of alerts.
    #[error("T4_ALERT_WEBHOOK: {0}")]
    Webhook(#[from] outbound::UrlError),
}
