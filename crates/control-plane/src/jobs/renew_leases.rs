//! Renews the leases of this server's holds while it runs.

use std::sync::Arc;

use llm_policy::HoldId;
use registry_core::{KeyId, Timestamp};
use storage::{HoldRow, StoreError, Tx};

use crate::services::Services;

/// Renews the leases of this server's holds; returns how many. Holds that will not be settled are abandoned first, so
/// that their leases run out.
///
/// # Errors
/// A storage error.
pub async fn renew_leases(services: &Services, now: Timestamp) -> Result<u64, StoreError> {
    let abandoned = services.llm.abandoned.take();
    if abandoned.is_empty() && services.store.read(|view| view.held_totals())?.0 == 0 {
        return Ok(0);
    }
    let kept = abandoned.clone();
    let rules = Arc::clone(&services.llm.rules);
    let renewed = services
        .store
        .upkeep(move |tx| {
            let until = now.plus_seconds(i64::from(rules.limits.lease_seconds));
            keep_alive(tx, &rules.holder, &abandoned, until)
        })
        .await;
    if renewed.is_err() {
        services.llm.abandoned.put_back(kept);
    }
    renewed
}

/// Removes the server's name from `abandoned` holds, and renews the leases of the others.
pub(super) fn keep_alive(
    tx: &mut dyn Tx,
    holder: &str,
    abandoned: &[(KeyId, HoldId)],
    until: Timestamp,
) -> Result<u64, StoreError> {
    for (key, id) in abandoned {
        let own = tx.hold(key, id)?.filter(|hold| !hold.orphaned && hold.holder.as_deref() == Some(holder));
        let Some(hold) = own else { continue };
        tx.remove_hold(key, id)?;
        if !tx.insert_hold(&HoldRow { holder: None, ..hold })? {
            return Err(StoreError::Invariant(format!("the hold `{id}` moved inside a transaction")));
        }
    }
    tx.renew_leases(holder, until)
}
