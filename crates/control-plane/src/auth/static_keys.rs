//! Static keys of the configuration (`API_TOKENS`, `API_KEY`), which are in no database.

use std::collections::HashMap;
use std::sync::Arc;

use api_keys::{KeyQuotas, KeyRecord, Pepper, PresentedKey, ScopeSet};
use registry_core::{AgentId, KeyId, Timestamp};

/// Shortest static key that is accepted on an address that others can reach (CONTRACT).
pub const MIN_LENGTH: usize = 20;

/// Keys of the configuration, found by their key id like all others.
#[derive(Default)]
pub struct StaticKeys(HashMap<KeyId, Arc<KeyRecord>>);

/// Reason why a static key is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StaticKeyError {
    /// It is too short for an address that others can reach.
    #[error("a static key under {MIN_LENGTH} characters is taken on a loopback address only")]
    TooShort,
    /// The text can't be a key.
    #[error("a static key takes 1 to 512 printable ASCII characters and must not start with `t4_`")]
    Malformed,
}

impl StaticKeys {
    /// Reads the keys of the configuration. Each acts as an agent named after its key id, with the default scopes.
    ///
    /// # Errors
    /// [`StaticKeyError`] without the key's text.
    pub fn new(texts: &[String], loopback: bool, pepper: &Pepper) -> Result<Self, StaticKeyError> {
        let mut keys = HashMap::new();
        for text in texts {
            if text.len() < MIN_LENGTH && !loopback {
                return Err(StaticKeyError::TooShort);
            }
            let presented = PresentedKey::parse(text).map_err(|_| StaticKeyError::Malformed)?;
            let key_id = presented.key_id(pepper);
            let agent_id = AgentId::from_stored(format!("static-{}", key_id.as_str()));
            let record = KeyRecord {
                key_id: key_id.clone(),
                agent_id,
                owner: None,
                scopes: ScopeSet::default_grant(),
                roles: Vec::new(),
                created_at: Timestamp::EPOCH,
                expires_at: None,
                revoked: false,
                mac: presented.mac(pepper),
                previous_mac: None,
                nonce: None,
                daily_limit_pico_usd: 0,
                daily_used_pico_usd: 0,
                used_on: None,
                time_zone: None,
                rate_per_minute: None,
                quotas: KeyQuotas::default(),
                version: 1,
                modified_at: Timestamp::EPOCH,
            };
            keys.insert(key_id, Arc::new(record));
        }
        Ok(Self(keys))
    }

    /// Returns the static key with this id.
    #[must_use]
    pub fn get(&self, id: &KeyId) -> Option<Arc<KeyRecord>> {
        if self.0.is_empty() { None } else { self.0.get(id).cloned() }
    }
}
