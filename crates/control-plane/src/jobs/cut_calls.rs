//! Ends model calls whose key has lost its right.

use std::collections::HashMap;
use std::sync::Arc;

use registry_core::{KeyId, Timestamp};
use storage::{ReadLane, StoreError, View};

use crate::auth::TRUSTED_MICROS;
use crate::llm::ReadKeys;
use crate::services::Services;

/// Signals every call under way whose key was revoked, rotated, has expired or lost a scope; returns how many. Rows
/// of keys are read only when the store's epoch has moved since the last read, or when the store could not be looked
/// at for a second.
///
/// # Errors
/// A storage error. Calls whose keys could not be read continue until the next run.
pub async fn cut_calls(services: &Services, now: Timestamp) -> Result<u64, StoreError> {
    // The epoch is read before the rows: a change in between is seen by the next run.
    let watch = services.store.watch();
    let age = services.clock.monotonic_micros().saturating_sub(watch.last_good_look_micros);
    let wanted = services.llm.running.keys_to_read(watch.epoch, age <= TRUSTED_MICROS);
    let mut read = ReadKeys { rows: HashMap::new(), epoch: watch.epoch };
    let found = if wanted.is_empty() {
        Ok(HashMap::new())
    } else {
        let store = Arc::clone(&services.store);
        let rows = move |view: &dyn View| {
            let row = |id: &KeyId| Ok((id.clone(), view.key(id)?));
            wanted.iter().map(row).collect()
        };
        let reading = move || store.read_point(ReadLane::Blocking, |view| rows(view));
        let ended = tokio::task::spawn_blocking(reading).await;
        ended.unwrap_or_else(|error| Err(StoreError::Panicked(error.to_string())))
    };
    let trouble = found.map(|rows| read.rows = rows);
    // Also where no row could be read: a key that has expired meanwhile needs none.
    let cut = services.llm.running.check(&read, now);
    trouble.map(|()| cut)
}
