//! Release: gives a hold back whose request surely never reached the provider.

use llm_policy::{HoldId, LedgerError, ReleaseReason};
use serde_json::json;
use storage::{HoldRow, StoreError, Tx};

use super::hold::Payer;

/// Deletes a hold of this payer, without a usage row. `by_agent` tells who asks for it: an agent can't end a hold of
/// the gate.
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
    // Its worst case is booked; a settlement without tokens corrects that, and leaves a trace.
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

/// Detail of the audit row of a release.
pub(in crate::llm) fn release_detail(id: &HoldId, reason: ReleaseReason) -> String {
    json!({ "hold_id": id.as_str(), "released": reason.as_str() }).to_string()
}
