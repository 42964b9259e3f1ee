//! Deletes orphans after a week. Their usage rows remain as they are by then.

use registry_core::Timestamp;
use storage::StoreError;

use crate::services::Services;

/// How long an orphan can still be settled late, in days.
const KEPT_DAYS: i64 = 7;
/// Number of orphans that are deleted in one transaction.
const AT_ONCE: u32 = 250;

/// Deletes old orphans; returns how many.
///
/// # Errors
/// A storage error.
pub async fn forget_orphans(services: &Services, now: Timestamp) -> Result<u64, StoreError> {
    let before = now.plus_days(-KEPT_DAYS);
    let mut all = 0;
    loop {
        let forgotten = services.store.upkeep(move |tx| tx.forget_orphans(before, AT_ONCE)).await?;
        all += forgotten;
        if forgotten < u64::from(AT_ONCE) {
            return Ok(all);
        }
    }
}
