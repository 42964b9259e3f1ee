//! Whether a call fits its budgets, and with how much output.

use crate::account::fits;
use crate::{Account, Grant, HoldAsk, LedgerError, Operation, OutputWish, PriceEntry, Rates};

/// What a call that is asked for may hold. `cap` is the most output tokens of one choice, by configuration; the
/// model's own limit caps them as well. The grant's amount fits every account. A missing `max_tokens` is filled in
/// with the cap, or with the most that every account still allows, if that is at least [`OutputWish::LEAST`] (or the
/// cap, where that is smaller).
///
/// # Errors
/// [`LedgerError::NotPriced`] when the entry is for another operation, or has no prices and is not free;
/// [`LedgerError::AboveCap`]; [`LedgerError::Quota`] with the amount that was needed at least;
/// [`LedgerError::Uncountable`] when the worst case reaches `i64::MAX` pico-dollars.
pub fn decide(
    entry: &PriceEntry,
    ask: &HoldAsk,
    cap: u64,
    accounts: &[Account],
) -> Result<Grant, LedgerError> {
    let unpriced = !entry.free && entry.rates == Rates::FREE;
    // A price for another operation says nothing: embeddings have no price for output.
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
        // An answer always has output: without a number it takes what it gets.
        (Operation::Chat, OutputWish::Fill | OutputWish::Nothing) => Some(fill(entry, ask, cap, accounts)?),
    };
    let amount_pico_usd = worst_case(&entry.rates, ask, max_tokens.unwrap_or(0))?;
    fits(accounts, amount_pico_usd).map_err(|short| LedgerError::Quota(Box::new(short)))?;
    Ok(Grant { amount_pico_usd, max_tokens })
}

/// The `max_tokens` of a call that states none: as much as every account allows, but never less than the least, which
/// then fits or is refused like a stated one.
fn fill(entry: &PriceEntry, ask: &HoldAsk, cap: u64, accounts: &[Account]) -> Result<u64, LedgerError> {
    // No answer has less than one token.
    if cap == 0 {
        return Err(LedgerError::AboveCap { stated: 1, cap });
    }
    let remaining = accounts.iter().map(|account| account.state.remaining(account.limit_pico_usd)).min();
    let affordable = remaining.map_or(Some(u64::MAX), |remaining| {
        entry.rates.affordable_output(ask.input_tokens, ask.choices, remaining)
    });
    Ok(cap.min(affordable.unwrap_or(0)).max(cap.min(OutputWish::LEAST)))
}

/// The most that all choices can cost together.
fn worst_case(rates: &Rates, ask: &HoldAsk, max_tokens: u64) -> Result<i64, LedgerError> {
    // A product beyond `u64` is beyond any amount too, unless output costs nothing.
    let output = max_tokens.saturating_mul(u64::from(ask.choices.max(1)));
    let amount = rates.worst_case(ask.input_tokens, output);
    if amount == i64::MAX { Err(LedgerError::Uncountable) } else { Ok(amount) }
}

#[cfg(test)]
mod tests;
