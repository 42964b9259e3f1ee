//! What an operator sets.

use std::path::PathBuf;

use intent_service::AuditMode;

/// Where the pepper comes from.
#[derive(Clone)]
pub enum PepperSource {
    /// This text.
    Text(String),
    /// This file.
    File(PathBuf),
    /// A file beside the database, made when both are missing.
    Beside,
}

/// Where the admin token comes from.
#[derive(Clone)]
pub enum AdminSource {
    /// This token.
    Token(String),
    /// The argon2id hash of the token.
    Hash(String),
    /// A file beside the database, made when it is missing.
    Beside,
}

/// What an operator sets.
#[derive(Clone)]
pub struct Options {
    /// The database file.
    pub db: PathBuf,
    /// The pepper.
    pub pepper: PepperSource,
    /// The admin token.
    pub admin: AdminSource,
    /// Whether only this machine can reach the server.
    pub loopback: bool,
    /// Keys of the configuration.
    pub static_keys: Vec<String>,
    /// The Redis server that counts limits for all processes.
    pub redis: Option<String>,
    /// Requests that a key may make in any 60 seconds, unless the key says otherwise.
    pub rate_per_minute: u32,
    /// When the row of a read is durable.
    pub audit: AuditMode,
    /// A file that each verified checkpoint of the audit log is appended to.
    pub checkpoints: Option<PathBuf>,
    /// How many connections read.
    pub readers: u32,
}

impl Options {
    /// The usual options for a database file.
    #[must_use]
    pub fn new(db: PathBuf) -> Self {
        Self {
            db,
            pepper: PepperSource::Beside,
            admin: AdminSource::Beside,
            loopback: true,
            static_keys: Vec::new(),
            redis: None,
            rate_per_minute: 120,
            audit: AuditMode::Batched,
            checkpoints: None,
            readers: 4,
        }
    }
}
