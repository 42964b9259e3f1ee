//! Deletes idempotency keys after 24 hours.

use registry_core::Timestamp;
use storage::StoreError;

use crate::services::Services;

/// How long an idempotency key is kept, in seconds (CONTRACT).
const KEPT_SECONDS: i64 = 24 * 3600;
/// Number of keys that are deleted in one transaction.
const AT_ONCE: u32 = 500;

/// Deletes old keys; returns how many.
///
/// # Errors
/// A storage error.
pub async fn forget_idempotency(services: &Services, now: Timestamp) -> Result<u64, StoreError> {
    let before = now.plus_seconds(-KEPT_SECONDS);
    let mut all = 0;
    loop {
        let forgotten = services.store.upkeep(move |tx| tx.forget_idempotency(before, AT_ONCE)).await?;
        all += forgotten;
        if forgotten == 0 {
            return Ok(all);
        }
    }
}
