//! The admin token: plain, or as an argon2id hash.

use std::sync::{Arc, PoisonError, RwLock};

use argon2::Argon2;
use argon2::password_hash::{PasswordVerifier as _, phc::PasswordHash};
use canonical::Digest;
use registry_core::Entropy;
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;

/// The token that admins show.
pub struct AdminToken {
    /// Hides tokens in memory; made at start, kept nowhere.
    mask: [u8; 32],
    kind: AdminTokenKind,
}

enum AdminTokenKind {
    Plain([u8; 32]),
    Hashed {
        phc: Arc<str>,
        /// One check at a time: each takes 19 MiB and tens of milliseconds.
        turn: Semaphore,
        verified: RwLock<Option<[u8; 32]>>,
    },
}

/// A token or a hash that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdminTokenError {
    /// The hash is not an argon2id PHC string.
    #[error("takes an argon2id PHC string such as `$argon2id$v=19$m=19456,t=2,p=1$...`")]
    NotArgon2id,
    /// The check could not run.
    #[error("the check of the token did not run")]
    CheckFailed,
}

impl AdminToken {
    /// A token as it is.
    #[must_use]
    pub fn plain(token: &str, entropy: &dyn Entropy) -> Self {
        let mask = make_mask(entropy);
        let kind = AdminTokenKind::Plain(hide(&mask, token));
        Self { mask, kind }
    }

    /// A token of which only the argon2id hash is known.
    ///
    /// # Errors
    /// [`AdminTokenError::NotArgon2id`].
    pub fn hashed(phc: &str, entropy: &dyn Entropy) -> Result<Self, AdminTokenError> {
        let hash = PasswordHash::new(phc).map_err(|_| AdminTokenError::NotArgon2id)?;
        if hash.algorithm.as_str() != "argon2id" {
            return Err(AdminTokenError::NotArgon2id);
        }
        let kind =
            AdminTokenKind::Hashed { phc: phc.into(), turn: Semaphore::new(1), verified: RwLock::new(None) };
        Ok(Self { mask: make_mask(entropy), kind })
    }

    /// Whether this is known to be the token without the expensive check.
    #[must_use]
    pub fn is_known(&self, token: &str) -> bool {
        let known = match &self.kind {
            AdminTokenKind::Plain(expected) => Some(*expected),
            AdminTokenKind::Hashed { verified, .. } => {
                *verified.read().unwrap_or_else(PoisonError::into_inner)
            }
        };
        known.is_some_and(|known| known.ct_eq(&hide(&self.mask, token)).into())
    }

    /// Whether this is the token.
    ///
    /// # Errors
    /// [`AdminTokenError::CheckFailed`] when the check could not run.
    pub async fn verify(&self, token: &str) -> Result<bool, AdminTokenError> {
        if self.is_known(token) {
            return Ok(true);
        }
        match &self.kind {
            AdminTokenKind::Plain(_) => Ok(false),
            AdminTokenKind::Hashed { phc, turn, verified } => {
                let hidden = hide(&self.mask, token);
                let _turn = turn.acquire().await.map_err(|_| AdminTokenError::CheckFailed)?;
                let (phc, token) = (Arc::clone(phc), token.to_owned());
                let fits = tokio::task::spawn_blocking(move || fits(&phc, &token))
                    .await
                    .map_err(|_| AdminTokenError::CheckFailed)?;
                if fits {
                    *verified.write().unwrap_or_else(PoisonError::into_inner) = Some(hidden);
                }
                Ok(fits)
            }
        }
    }
}

fn fits(phc: &str, token: &str) -> bool {
    PasswordHash::new(phc)
        .is_ok_and(|hash| Argon2::default().verify_password(token.as_bytes(), &hash).is_ok())
}

fn make_mask(entropy: &dyn Entropy) -> [u8; 32] {
    let mut mask = [0; 32];
    entropy.fill(&mut mask);
    mask
}

fn hide(mask: &[u8; 32], token: &str) -> [u8; 32] {
    let inner = Digest::sha256_parts(&[mask, token.as_bytes()]);
    *Digest::sha256_parts(&[mask, inner.as_bytes()]).as_bytes()
}
