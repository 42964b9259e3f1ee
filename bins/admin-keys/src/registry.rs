//! The registry that the commands work on: the database file, or a server.

use api_types::{CreateKey, KeyCreated, KeyView, PatchKey, RotateKey};
use cli_support::Failure;
use registry_core::KeyId;

use crate::config::RegistryChoice;
use crate::file::FileRegistry;
use crate::http::HttpRegistry;

/// One of the two.
pub enum Registry {
    /// The database file.
    File(FileRegistry),
    /// A server.
    Http(HttpRegistry),
}

impl Registry {
    /// Opens it. A database that is missing is made only where `make` says so.
    pub async fn open(config: RegistryChoice, make: bool) -> Result<Self, Failure> {
        Ok(match config {
            RegistryChoice::File(options) => Self::File(FileRegistry::open(*options, make).await?),
            RegistryChoice::Http { url, token } => Self::Http(HttpRegistry::new(&url, token)?),
        })
    }

    /// The key that a text names: a key id, or a whole key.
    pub fn key_id(&self, text: &str) -> Result<KeyId, Failure> {
        match self {
            Self::File(registry) => registry.key_id(text),
            Self::Http(_) => HttpRegistry::key_id(text),
        }
    }

    /// Makes a key.
    pub async fn create(&self, body: CreateKey) -> Result<KeyCreated, Failure> {
        match self {
            Self::File(registry) => registry.create(body).await,
            Self::Http(registry) => registry.create(body).await,
        }
    }

    /// Every key.
    pub async fn list(&self) -> Result<Vec<KeyView>, Failure> {
        match self {
            Self::File(registry) => registry.list(),
            Self::Http(registry) => registry.list().await,
        }
    }

    /// Takes a key back.
    pub async fn revoke(&self, key_id: &KeyId) -> Result<(), Failure> {
        match self {
            Self::File(registry) => registry.revoke(key_id).await,
            Self::Http(registry) => registry.revoke(key_id).await,
        }
    }

    /// Gives a key a new secret.
    pub async fn rotate(&self, key_id: &KeyId, body: RotateKey) -> Result<KeyCreated, Failure> {
        match self {
            Self::File(registry) => registry.rotate(key_id, body).await,
            Self::Http(registry) => registry.rotate(key_id, body).await,
        }
    }

    /// Changes a key.
    pub async fn patch(&self, key_id: &KeyId, body: PatchKey) -> Result<KeyView, Failure> {
        match self {
            Self::File(registry) => registry.patch(key_id, body).await,
            Self::Http(registry) => registry.patch(key_id, body).await,
        }
    }

    /// Lets go of it. What was done before is durable already.
    pub async fn close(self) {
        match self {
            Self::File(registry) => registry.close().await,
            Self::Http(_) => {}
        }
    }
}
