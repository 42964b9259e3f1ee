//! Accounts: what a budget has spent and holds in one window.

use serde::{Deserialize, Serialize};

use crate::usage::words;

words! {
    /// Whose spending a budget bounds.
    BudgetScope {
        /// One API key (its `daily_limit`).
        Key = "key",
        /// One agent, with all its keys.
        Agent = "agent",
        /// One owner, with all keys that it answers for.
        Owner = "owner",
        /// Everybody.
        Platform = "platform",
    }
}

words! {
    /// The calendar unit that a budget covers.
    WindowKind {
        /// Midnight to midnight.
        Day = "day",
        /// Monday to Sunday (ISO 8601).
        Week = "week",
        /// The first to the last of a month.
        Month = "month",
    }
}

/// The name of an account. The window is part of it, so nothing is ever reset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccountKey {
    /// Whose.
    pub scope: BudgetScope,
    /// The key id, agent, owner, or `*` for the platform.
    pub id: String,
    /// The kind of window.
    pub window: WindowKind,
    /// The window: `2026-11-21`, `2026-W47` or `2026-11`.
    pub window_id: String,
}

/// What an account has spent and holds, in pico-dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AccountState {
    /// Settled calls.
    pub settled_pico_usd: i64,
    /// Calls under way, at their worst case.
    pub held_pico_usd: i64,
}

impl AccountState {
    /// What the limit still allows; never below zero.
    #[must_use]
    pub fn remaining(self, limit_pico_usd: i64) -> i64 {
        limit_pico_usd.saturating_sub(self.settled_pico_usd).saturating_sub(self.held_pico_usd).max(0)
    }
}

/// An account with its limit, as a decision sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub key: AccountKey,
    /// Its limit, in pico-dollars.
    pub limit_pico_usd: i64,
    /// How it stands.
    pub state: AccountState,
}

/// The account that a call does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// Which.
    pub account: AccountKey,
    /// Its limit, in pico-dollars.
    pub limit_pico_usd: i64,
    /// What it still allows, in pico-dollars.
    pub remaining_pico_usd: i64,
    /// What the call needs, in pico-dollars.
    pub needed_pico_usd: i64,
}

/// Whether an amount fits every account; it must fit all.
///
/// # Errors
/// The account with the least left, of those that it does not fit.
pub fn fits(accounts: &[Account], amount_pico_usd: i64) -> Result<(), Shortfall> {
    let short = accounts
        .iter()
        .map(|account| (account.state.remaining(account.limit_pico_usd), account))
        .filter(|(remaining, _)| *remaining < amount_pico_usd)
        .min_by_key(|(remaining, _)| *remaining);
    match short {
        None => Ok(()),
        Some((remaining, account)) => Err(Shortfall {
            account: account.key.clone(),
            limit_pico_usd: account.limit_pico_usd,
            remaining_pico_usd: remaining,
            needed_pico_usd: amount_pico_usd,
        }),
    }
}
