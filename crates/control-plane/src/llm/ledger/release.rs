//! Release: gives a hold back whose request surely never reached the provider.

use llm_policy::{HoldId, LedgerError, ReleaseReason};
use serde_json::json;
use storage::{HoldRow, StoreError, Tx};

use super::hold::Payer;

/// Frees a hold of this payer's, without a usage row. `by_agent` says whose word it is: an agent does not end what the
/// gate holds for it.
pub(in crate::llm) fn release(
    tx: &mut dyn Tx,
    payer: &Payer,
    by_agent: bool,
    id: &HoldId,
) -> Result<Result<HoldRow, LedgerError>, StoreError> {
    let Some(hold) = tx.hold(&payer.key_id, id)?.filter(|hold| hold.by_agent == by_agent) else {
        let settled = tx.usage(&payer.key_id, id)?.is_some();
        return Ok(Err(if settled { LedgerError::Settled } else { LedgerError::UnknownHold }));
    };
    // Its worst case is in the books; a settlement without tokens puts that right, and leaves a trace.
    if hold.orphaned {
        return Ok(Err(LedgerError::Settled));
    }
    for account in &hold.accounts {
        tx.book(account, 0, -hold.amount_pico_usd)?;
    }
    if tx.remove_hold(&payer.key_id, id)? {
        return Ok(Ok(hold));
    }
    Err(StoreError::Invariant(format!("the hold `{id}` moved inside a transaction")))
}

/// What the audit log says of a hold that was given back.
pub(in crate::llm) fn release_detail(id: &HoldId, reason: ReleaseReason) -> String {
    json!({ "hold_id": id.as_str(), "released": reason.as_str() }).to_string()
}
