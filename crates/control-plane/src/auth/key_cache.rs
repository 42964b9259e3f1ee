//! Cache of recently read keys, so that most requests need no read of the store.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, PoisonError, RwLock};

use api_keys::KeyRecord;
use registry_core::KeyId;
use storage::{DayUsage, Watch};

/// How many keys are kept, all shards together.
const CAPACITY: usize = 65_536;
const SHARDS: usize = 16;
/// After this long without a good look at the database a kept key counts as unknown (CONTRACT: what another
/// process commits is obeyed within one second).
pub(crate) const TRUSTED_MICROS: u64 = 1_000_000;

/// A key as it was read, with the bytes of audit rows that named it then.
#[derive(Debug, Clone)]
pub struct KnownKey {
    /// The key.
    pub key: Arc<KeyRecord>,
    /// The bytes of audit rows.
    pub audit: DayUsage,
}

struct CachedKey {
    known: KnownKey,
    /// The store's epoch before the row was read.
    epoch: u64,
}

/// The cache. An entry holds while the store's epoch stands still and the store was looked at lately.
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

    /// A key that needs no second look.
    #[must_use]
    pub fn fresh(&self, id: &KeyId, watch: Watch, now_micros: u64) -> Option<KnownKey> {
        if now_micros.saturating_sub(watch.last_good_look_micros) > TRUSTED_MICROS {
            return None;
        }
        let shard = self.shard(id)?.read().unwrap_or_else(PoisonError::into_inner);
        shard.get(id).filter(|entry| entry.epoch == watch.epoch).map(|entry| entry.known.clone())
    }

    /// Keeps a key as it was read at `epoch`, or forgets it when it is not there any more.
    pub fn put(&self, id: &KeyId, key: Option<&KnownKey>, epoch: u64) {
        let Some(shard) = self.shard(id) else { return };
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        match key {
            Some(key) => {
                if shard.len() >= CAPACITY / SHARDS && !shard.contains_key(id) {
                    // Any entry may go: whoever is missed is read again.
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
