//! Settles holds whose lease has ended at their worst case.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use audit::{Draft, Leafed, Outcome, event};
use registry_core::Timestamp;
use storage::{StoreError, Tx};

use super::renew_leases::keep_alive;
use crate::llm::{LlmRules, end_detail, settle_orphan};
use crate::services::Services;

/// Number of holds that one transaction settles.
const AT_ONCE: u32 = 100;

/// Settles holds whose lease has ended; returns how many. This server's holds are renewed first: its clock may have
/// jumped past all leases at once.
///
/// # Errors
/// A storage error.
pub async fn settle_orphans(services: &Services, now: Timestamp) -> Result<u64, StoreError> {
    let mut all = 0;
    loop {
        if services.store.read(|view| view.held_totals())?.0 == 0 {
            return Ok(all);
        }
        let abandoned = services.llm.abandoned.take();
        let kept = abandoned.clone();
        let rules = Arc::clone(&services.llm.rules);
        let settled = services
            .store
            .upkeep(move |tx| {
                let until = now.plus_seconds(i64::from(rules.limits.lease_seconds));
                keep_alive(tx, &rules.holder, &abandoned, until)?;
                settle_expired(tx, &rules, now)
            })
            .await;
        let settled = settled.inspect_err(|_| services.llm.abandoned.put_back(kept))?;
        services.llm.orphaned_holds.fetch_add(settled, Ordering::Relaxed);
        all += settled;
        if settled < u64::from(AT_ONCE) {
            return Ok(all);
        }
    }
}

fn settle_expired(tx: &mut dyn Tx, rules: &LlmRules, now: Timestamp) -> Result<u64, StoreError> {
    let expired = tx.expired_holds(now, AT_ONCE)?;
    for hold in &expired {
        let ended = settle_orphan(tx, rules, hold, now)?;
        let mut draft = Draft::system(now, event::LLM_OUTCOME, end_detail(&ended));
        if let Some(record) = draft.close(&Outcome::ok(0), None, 0) {
            tx.append_audit(Leafed::new(record))?;
        }
    }
    Ok(u64::try_from(expired.len()).unwrap_or(u64::MAX))
}
