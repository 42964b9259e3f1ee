//! Admin token: plain, or as an argon2id hash.

use std::sync::{Arc, PoisonError, RwLock};

use api_keys::keyed_mac;
use argon2::Argon2;
use argon2::password_hash::{PasswordVerifier as _, phc::PasswordHash};
use registry_core::{Entropy, Network};
use subtle::ConstantTimeEq as _;

use super::pending_checks::{PendingCheck, PendingChecks};

/// Admin token.
pub struct AdminToken {
    /// Key that hides tokens in memory; made at start, stored nowhere.
    mask: [u8; 32],
    kind: AdminTokenKind,
}

enum AdminTokenKind {
    Plain([u8; 32]),
    Hashed { phc: Arc<str>, checks: Arc<PendingChecks>, verified: RwLock<Option<[u8; 32]>> },
}

/// Result of a check without computing argon2id.
pub(crate) enum AdminTokenCheck {
    /// It is the token.
    Right,
    /// It is not the token.
    Wrong,
    /// Only the hash can tell.
    Pending(PendingCheck),
    /// Only the hash could tell, but too many checks wait.
    TooMany,
}

/// Error of an admin token or its hash.
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
    /// Creates it from the token in clear.
    #[must_use]
    pub fn plain(token: &str, entropy: &dyn Entropy) -> Self {
        let mask = make_mask(entropy);
        let kind = AdminTokenKind::Plain(hide(&mask, token));
        Self { mask, kind }
    }

    /// Creates it from the argon2id hash of the token.
    ///
    /// # Errors
    /// [`AdminTokenError::NotArgon2id`].
    pub fn hashed(phc: &str, entropy: &dyn Entropy) -> Result<Self, AdminTokenError> {
        let hash = PasswordHash::new(phc).map_err(|_| AdminTokenError::NotArgon2id)?;
        if hash.algorithm.as_str() != "argon2id" {
            return Err(AdminTokenError::NotArgon2id);
        }
        let kind =
            AdminTokenKind::Hashed { phc: phc.into(), checks: Arc::default(), verified: RwLock::new(None) };
        Ok(Self { mask: make_mask(entropy), kind })
    }

    /// Whether this is known to be the token without computing argon2id.
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

    /// Checks a token that came from this network, as far as possible at once. A [pending](AdminTokenCheck::Pending)
    /// check has its place in the queue; [`verify`](Self::verify) runs it.
    #[must_use]
    pub(crate) fn check(&self, token: &str, network: Network) -> AdminTokenCheck {
        if self.is_known(token) {
            return AdminTokenCheck::Right;
        }
        match &self.kind {
            AdminTokenKind::Plain(_) => AdminTokenCheck::Wrong,
            AdminTokenKind::Hashed { checks, .. } => checks
                .enter(hide(&self.mask, token), network)
                .map_or(AdminTokenCheck::TooMany, AdminTokenCheck::Pending),
        }
    }

    /// Runs a queued check; returns whether this is the token.
    ///
    /// # Errors
    /// [`AdminTokenError::CheckFailed`] when the check could not run.
    pub(crate) async fn verify(&self, token: &str, check: PendingCheck) -> Result<bool, AdminTokenError> {
        let AdminTokenKind::Hashed { phc, verified, .. } = &self.kind else {
            return Ok(self.is_known(token));
        };
        let (phc, token) = (Arc::clone(phc), token.to_owned());
        let hidden = hide(&self.mask, &token);
        let fits = check.run(move || fits(&phc, &token)).await.ok_or(AdminTokenError::CheckFailed)?;
        if fits {
            *verified.write().unwrap_or_else(PoisonError::into_inner) = Some(hidden);
        }
        Ok(fits)
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
    *keyed_mac(mask, &[token.as_bytes()]).as_bytes()
}
