//! Verification of the audit log as it grows, so that a start has little to verify.

use std::sync::atomic::Ordering;

use registry_core::Timestamp;
use storage::{SealedCheckpoint, StoreError};

use crate::audit::verify_tail;
use crate::services::Services;

/// Number of rows that make a new checkpoint worth its write.
const ROWS: u64 = 5_000;

/// Verifies the rows since the last checkpoint when there are many (or at all, with `force`) and stores a new
/// checkpoint. `None` when there was nothing to do, or when the log is broken, which the metrics then show.
///
/// # Errors
/// A storage error.
pub async fn checkpoint_audit(
    services: &Services,
    now: Timestamp,
    force: bool,
) -> Result<Option<SealedCheckpoint>, StoreError> {
    let (from, to) = services.store.read(|view| {
        let from = view.checkpoint()?.map_or(0, |checkpoint| checkpoint.next_seq);
        Ok((from, view.next_seq()?))
    })?;
    let grown = to.saturating_sub(from);
    // A log that ends before its checkpoint was cut off; the verification reports that.
    let cut_off = to < from;
    if !cut_off && (grown == 0 || (grown < ROWS && !force)) {
        return Ok(None);
    }
    let store = std::sync::Arc::clone(&services.store);
    let verified = tokio::task::spawn_blocking(move || verify_tail(store.as_ref()))
        .await
        .map_err(|error| StoreError::Panicked(error.to_string()))??;
    match verified {
        Ok(checkpoint) => {
            let kept = checkpoint.clone();
            services.store.upkeep(move |tx| tx.put_checkpoint(&kept, now)).await?;
            Ok(Some(checkpoint))
        }
        Err(bad) => {
            services.audit.broken.store(true, Ordering::Relaxed);
            tracing::error!(
                audit.id = bad.id,
                audit.seq = bad.seq,
                "the audit log does not verify: {}",
                bad.reason
            );
            Ok(None)
        }
    }
}
