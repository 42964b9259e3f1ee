//! Budgets that reach a part of their limit.

use llm_policy::{Account, AccountKey, AccountState, Shortfall, crossed};
use registry_core::Timestamp;
use storage::{AlertRow, StoreError, Tx};

/// A refused call is the end of a budget once this much of it is settled, in per cent: what is left is too little
/// for a call and would hide that nothing runs any more.
const SPENT_PERCENT: i128 = 99;

/// Keeps an alert for every part of the limit that an account's spending has just reached.
pub(super) fn raise(
    tx: &mut dyn Tx,
    account: &AccountKey,
    limit_pico_usd: i64,
    before_pico_usd: i64,
    after: AccountState,
    at: Timestamp,
) -> Result<(), StoreError> {
    let settled_pico_usd = after.settled_pico_usd;
    for percent in crossed(limit_pico_usd, before_pico_usd, settled_pico_usd) {
        tx.insert_alert(&AlertRow {
            account: account.clone(),
            percent,
            limit_pico_usd,
            settled_pico_usd,
            at,
        })?;
    }
    Ok(())
}

/// Keeps the last alert of an account that is as good as spent and has just refused a call.
pub(super) fn raise_refused(
    tx: &mut dyn Tx,
    accounts: &[Account],
    short: &Shortfall,
    at: Timestamp,
) -> Result<(), StoreError> {
    let refused = accounts.iter().find(|account| account.key == short.account);
    let Some(account) = refused.filter(|account| spent(account)) else { return Ok(()) };
    tx.insert_alert(&AlertRow {
        account: account.key.clone(),
        percent: 100,
        limit_pico_usd: account.limit_pico_usd,
        settled_pico_usd: account.state.settled_pico_usd,
        at,
    })
    .map(drop)
}

fn spent(account: &Account) -> bool {
    let (limit, settled) = (i128::from(account.limit_pico_usd), i128::from(account.state.settled_pico_usd));
    limit > 0 && settled * 100 >= limit * SPENT_PERCENT
}
