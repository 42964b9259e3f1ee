//! Deletes idempotency keys after 24 hours.

use registry_core::Timestamp;
use storage::StoreError;

use crate::services::Services;

/// How long a key is remembered, in seconds (CONTRACT).
const KEPT_SECONDS: i64 = 24 * 3600;
/// How many are forgotten in one transaction.
const AT_ONCE: u32 = 500;

/// Forgets keys that are old enough; returns how many.
///
/// # Errors
/// Trouble of the store.
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
