//! The room for the bodies of calls under way. A body is kept until its call is settled, in more than one form, so that
//! long prompts of many calls could fill the memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many bytes the bodies of all calls under way may have together.
const MOST_BYTES: usize = 256 << 20;

/// The room of one server.
#[derive(Debug, Default)]
pub struct BodyMemory(Arc<AtomicUsize>);

/// A part of the room; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct ReservedMemory {
    room: Arc<AtomicUsize>,
    bytes: usize,
}

impl BodyMemory {
    /// Takes room for a body; `None` when there is not enough.
    pub(crate) fn take(&self, bytes: usize) -> Option<ReservedMemory> {
        let add = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= MOST_BYTES);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).ok()?;
        Some(ReservedMemory { room: Arc::clone(&self.0), bytes })
    }
}

impl Drop for ReservedMemory {
    fn drop(&mut self) {
        self.room.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_given_until_it_is_full_and_again_when_a_call_has_ended() {
        let room = BodyMemory::default();
        let first = room.take(MOST_BYTES - 1).unwrap();
        assert!(room.take(2).is_none());
        let second = room.take(1).unwrap();
        drop(first);
        assert!(room.take(MOST_BYTES).is_none() && room.take(MOST_BYTES - 1).is_some());
        drop(second);
        assert!(room.take(MOST_BYTES).is_some());
    }
}
