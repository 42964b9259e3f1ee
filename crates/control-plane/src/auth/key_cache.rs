//! Cache of recently read keys, so that most requests need no read of the store.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, PoisonError, RwLock};

use api_keys::KeyRecord;
use registry_core::KeyId;
use storage::{DayUsage, Watch};

/// Number of keys in the cache, over all shards.
const CAPACITY: usize = 65_536;
const SHARDS: usize = 16;
/// After this long without a successful look at the database, a cached key counts as unknown. (CONTRACT: what another
/// process commits takes effect within one second.)
pub(crate) const TRUSTED_MICROS: u64 = 1_000_000;

/// Key as it was read, with the bytes of its audit rows at that time.
#[derive(Debug, Clone)]
pub struct KnownKey {
    /// The key.
    pub key: Arc<KeyRecord>,
    /// Bytes of audit rows.
    pub audit: DayUsage,
}

struct CachedKey {
    known: KnownKey,
    /// The store's epoch before the row was read.
    epoch: u64,
}

/// Cache of keys. An entry is valid while the store's epoch does not move and the store was looked at recently.
#[derive(Default)]
pub struct KeyCache {
    hasher: RandomState,
    shards: [RwLock<HashMap<KeyId, CachedKey>>; SHARDS],
}

impl KeyCache {
    fn shard(&self, id: &KeyId) -> Option<&RwLock<HashMap<KeyId, CachedKey>>> {
        let hash = usize::try_from(self.hasher.hash_one(id) % 16).unwrap_or(0);
        self.shards.get(hash % SHARDS)
    }

    /// Returns a key that needs no read.
    #[must_use]
    pub fn fresh(&self, id: &KeyId, watch: Watch, now_micros: u64) -> Option<KnownKey> {
        if now_micros.saturating_sub(watch.last_good_look_micros) > TRUSTED_MICROS {
            return None;
        }
        let shard = self.shard(id)?.read().unwrap_or_else(PoisonError::into_inner);
        shard.get(id).filter(|entry| entry.epoch == watch.epoch).map(|entry| entry.known.clone())
    }

    /// Stores a key as it was read at `epoch`, or removes it when it no longer exists.
    pub fn put(&self, id: &KeyId, key: Option<&KnownKey>, epoch: u64) {
        let Some(shard) = self.shard(id) else { return };
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        match key {
            Some(key) => {
                if shard.len() >= CAPACITY / SHARDS && !shard.contains_key(id) {
                    // Any entry may be evicted: a missing key is read again.
                    let victim = shard.keys().next().cloned();
                    victim.and_then(|victim| shard.remove(&victim));
                }
                shard.insert(id.clone(), CachedKey { known: key.clone(), epoch });
            }
            None => {
                shard.remove(id);
            }
        }
    }
}
