//! The decision whether a call fits its budgets, and how much output it may have.

use crate::account::fits;
use crate::{Account, Grant, HoldAsk, LedgerError, Operation, OutputWish, PriceEntry, Rates};

/// Returns the hold that a call may have, with an amount that fits every account.
///
/// `cap` is the configured maximum of output tokens for one choice; the model's `max_output` lowers it further. A
/// missing `max_tokens` is filled in with the cap, or with less when the accounts allow less. It is never filled in
/// with less than [`OutputWish::LEAST`], or the cap if that is smaller.
///
/// # Errors
/// - [`LedgerError::NotPriced`] when the entry is for another operation, or has no prices and is not free.
/// - [`LedgerError::AboveCap`] when the stated `max_tokens` is above the cap, or the cap is 0.
/// - [`LedgerError::Quota`] when an account has too little left, with the smallest amount that the call needs.
/// - [`LedgerError::Uncountable`] when the worst case reaches `i64::MAX` pico-dollars.
pub fn decide(
    entry: &PriceEntry,
    ask: &HoldAsk,
    cap: u64,
    accounts: &[Account],
) -> Result<Grant, LedgerError> {
    let unpriced = !entry.free && entry.rates == Rates::FREE;
    // Prices hold for one operation only: embeddings have no output price, which would make a chat's output free.
    if unpriced || entry.operation != ask.operation {
        return Err(LedgerError::NotPriced { provider: entry.provider.clone(), model: entry.model.clone() });
    }
    let cap = entry.max_output.map_or(cap, |most| most.min(cap));
    let max_tokens = match (ask.operation, ask.output) {
        (Operation::Embeddings, _) => None,
        (Operation::Chat, OutputWish::Stated(stated)) if stated > cap => {
            return Err(LedgerError::AboveCap { stated, cap });
        }
        (Operation::Chat, OutputWish::Stated(stated)) => Some(stated),
        // A chat always has output, so a chat that claims none is filled in as well.
        (Operation::Chat, OutputWish::Fill | OutputWish::Nothing) => Some(fill(entry, ask, cap, accounts)?),
    };
    let amount_pico_usd = worst_case(&entry.rates, ask, max_tokens.unwrap_or(0))?;
    fits(accounts, amount_pico_usd).map_err(|short| LedgerError::Quota(Box::new(short)))?;
    Ok(Grant { amount_pico_usd, max_tokens })
}

/// Returns the `max_tokens` of a call that states none: as much as every account allows, but at least
/// [`OutputWish::LEAST`] or the cap. The caller then checks the amount as it does for a stated one.
fn fill(entry: &PriceEntry, ask: &HoldAsk, cap: u64, accounts: &[Account]) -> Result<u64, LedgerError> {
    // The smallest possible answer has one token.
    if cap == 0 {
        return Err(LedgerError::AboveCap { stated: 1, cap });
    }
    let remaining = accounts.iter().map(|account| account.state.remaining(account.limit_pico_usd)).min();
    let affordable = remaining.map_or(Some(u64::MAX), |remaining| {
        entry.rates.affordable_output(ask.input_tokens, ask.choices, remaining)
    });
    Ok(cap.min(affordable.unwrap_or(0)).max(cap.min(OutputWish::LEAST)))
}

/// Returns the maximum cost of all choices together.
fn worst_case(rates: &Rates, ask: &HoldAsk, max_tokens: u64) -> Result<i64, LedgerError> {
    // Saturation is safe: that many tokens cost more than any amount, unless output is free.
    let output = max_tokens.saturating_mul(u64::from(ask.choices.max(1)));
    let amount = rates.worst_case(ask.input_tokens, output);
    if amount == i64::MAX { Err(LedgerError::Uncountable) } else { Ok(amount) }
}

#[cfg(test)]
mod tests;
