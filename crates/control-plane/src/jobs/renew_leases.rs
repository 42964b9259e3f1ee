//! Renews the leases of this server's holds while it runs.

use std::sync::Arc;

use llm_policy::HoldId;
use registry_core::{KeyId, Timestamp};
use storage::{HoldRow, StoreError, Tx};

use crate::services::Services;

/// Moves the leases of this server's holds on; returns how many. Holds that nobody will settle are let go first, so
/// that theirs run out.
///
/// # Errors
/// Trouble of the store.
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

/// Lets go of `abandoned` holds, and moves the leases of the others.
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
