//! Limit on the concurrent model calls of a key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use registry_core::KeyId;

/// Counter of the calls under way, by key. Keys without calls take no memory.
#[derive(Debug, Default)]
pub struct CallSlots(Mutex<HashMap<KeyId, u32>>);

/// One call under way; it ends when this is dropped.
#[derive(Debug)]
pub struct CallSlot {
    slots: Arc<CallSlots>,
    key: KeyId,
}

impl CallSlots {
    fn lock(&self) -> MutexGuard<'_, HashMap<KeyId, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a slot for one more call of the key; `None` when `most` are under way.
    #[must_use]
    pub fn take(self: &Arc<Self>, key: &KeyId, most: u32) -> Option<CallSlot> {
        let mut counts = self.lock();
        let taken = counts.get(key).copied().unwrap_or(0);
        if taken >= most {
            return None;
        }
        counts.insert(key.clone(), taken + 1);
        drop(counts);
        Some(CallSlot { slots: Arc::clone(self), key: key.clone() })
    }

    /// Returns the number of all calls under way.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.lock().values().map(|count| u64::from(*count)).sum()
    }
}

impl Drop for CallSlot {
    fn drop(&mut self) {
        let mut counts = self.slots.lock();
        match counts.get_mut(&self.key) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> KeyId {
        KeyId::from_stored(text.to_owned())
    }

    #[test]
    fn a_key_gets_its_places_and_no_more_until_one_is_free() {
        let slots = Arc::new(CallSlots::default());
        let first = slots.take(&key("a"), 2).unwrap();
        let second = slots.take(&key("a"), 2).unwrap();
        assert!(slots.take(&key("a"), 2).is_none());
        assert!(slots.take(&key("b"), 2).is_some(), "another key has its own places");
        drop(first);
        let third = slots.take(&key("a"), 2).unwrap();
        assert!(slots.take(&key("a"), 2).is_none());
        drop((second, third));
        assert_eq!(slots.taken(), 0);
        assert!(slots.lock().is_empty(), "a key without calls takes no room");
    }

    #[test]
    fn of_many_threads_as_many_get_a_place_as_there_are() {
        let slots = Arc::new(CallSlots::default());
        let taken: Vec<CallSlot> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(|| slots.take(&key("a"), 5))).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(taken.len(), 5);
    }
}
