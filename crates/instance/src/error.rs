//! Errors of opening an instance. Each says what to do.

use std::path::PathBuf;

use api_keys::PepperError;
use control_plane::AdminTokenError;

/// Reason why an instance can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// The database can't be opened.
    #[error(transparent)]
    Store(#[from] storage::OpenError),
    /// The database was upgraded but could not be closed properly.
    #[error("the database could not be closed: {0}")]
    Close(#[from] storage::StoreError),
    /// A secret's file can't be read or created.
    #[error("the secret file `{path}` can't be used: {source}", path = path.display())]
    SecretFile {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: std::io::Error,
    },
    /// A secret's file can be read by others.
    #[error("the secret file `{path}` can be read by others: run `chmod 600 {path}`", path = path.display())]
    SecretFileOpen {
        /// The file.
        path: PathBuf,
    },
    /// The text is not a pepper.
    #[error("the key pepper is too weak: {0}")]
    Pepper(#[from] PepperError),
    /// The database exists, but its pepper does not.
    #[error(
        "the database `{db}` exists but its pepper file `{path}` does not: restore the file, or set \
         T4_KEY_PEPPER or T4_KEY_PEPPER_FILE; without it no key can be checked",
        db = db.display(), path = path.display()
    )]
    PepperMissing {
        /// The database.
        db: PathBuf,
        /// Expected path of the pepper.
        path: PathBuf,
    },
    /// The hash of the admin token is invalid.
    #[error("T4_ADMIN_TOKEN_HASH {0}")]
    AdminToken(#[from] AdminTokenError),
    /// The admin token is a well-known one, on an address that others can reach.
    #[error(
        "T4_ADMIN_TOKEN is the well-known `CHANGE_ME_ADMIN_TOKEN`: set another one, or bind to 127.0.0.1"
    )]
    WellKnownAdminToken,
    /// A static key is invalid.
    #[error("API_TOKENS: {0}")]
    StaticKey(String),
    /// Redis can't be used.
    #[error("T4_RATE_REDIS: {0}")]
    Redis(String),
    /// The webhook of alerts is invalid.
    #[error("T4_ALERT_WEBHOOK: {0}")]
    Webhook(#[from] outbound::UrlError),
}
