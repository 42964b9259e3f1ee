//! Accounts: the settled and held amounts of one budget in one window.

use serde::{Deserialize, Serialize};

use crate::usage::words;

words! {
    /// The party whose spending a budget limits.
    BudgetScope {
        /// One API key (its `daily_limit`).
        Key = "key",
        /// One agent, with all its keys.
        Agent = "agent",
        /// One owner, with all its keys.
        Owner = "owner",
        /// All keys of the installation.
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
        /// The first to the last day of a month.
        Month = "month",
    }
}

/// The name of an account. It contains the window, so a new window starts a new account and no counter is ever reset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccountKey {
    /// The party that the budget limits.
    pub scope: BudgetScope,
    /// The key id, the agent, the owner, or `*` for the platform.
    pub id: String,
    /// The kind of window.
    pub window: WindowKind,
    /// The id of the window, such as `2026-11-21`, `2026-W47` or `2026-11`.
    pub window_id: String,
}

/// The settled and held amounts of an account, in pico-dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AccountState {
    /// The cost of settled attempts.
    pub settled_pico_usd: i64,
    /// The worst-case cost of attempts in progress.
    pub held_pico_usd: i64,
}

impl AccountState {
    /// Returns the part of the limit that is neither spent nor held; never negative.
    #[must_use]
    pub fn remaining(self, limit_pico_usd: i64) -> i64 {
        limit_pico_usd.saturating_sub(self.settled_pico_usd).saturating_sub(self.held_pico_usd).max(0)
    }
}

/// An account with its limit: the input of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub key: AccountKey,
    /// Its limit, in pico-dollars.
    pub limit_pico_usd: i64,
    /// Its settled and held amounts.
    pub state: AccountState,
}

/// An account that cannot cover a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortfall {
    /// The account.
    pub account: AccountKey,
    /// Its limit, in pico-dollars.
    pub limit_pico_usd: i64,
    /// The part of the limit that is left, in pico-dollars.
    pub remaining_pico_usd: i64,
    /// The amount that the call needs, in pico-dollars.
    pub needed_pico_usd: i64,
}

/// Checks that every account has at least this amount left.
///
/// # Errors
/// [`Shortfall`] when at least one account has less left. It names the account with the least left.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn account(id: &str, limit: i64, settled: i64, held: i64) -> Account {
        Account {
            key: AccountKey {
                scope: BudgetScope::Agent,
                id: id.to_owned(),
                window: WindowKind::Day,
                window_id: "2026-11-21".to_owned(),
            },
            limit_pico_usd: limit,
            state: AccountState { settled_pico_usd: settled, held_pico_usd: held },
        }
    }

    #[test]
    fn an_amount_must_fit_every_account() {
        let accounts = [account("a", 100, 50, 10), account("b", 1000, 0, 970), account("c", 100, 100, 0)];
        assert_eq!(fits(&accounts, 0), Ok(()));
        assert_eq!(fits(&accounts[..2], 30), Ok(()));
        let short = fits(&accounts[..2], 31).unwrap_err();
        assert_eq!((short.account.id.as_str(), short.limit_pico_usd), ("b", 1000));
        assert_eq!((short.remaining_pico_usd, short.needed_pico_usd), (30, 31));
        assert_eq!(fits(&accounts, 1).unwrap_err().account.id, "c");
    }

    #[test]
    fn the_shortfall_names_the_account_with_the_least_left() {
        let accounts = [account("a", 100, 50, 10), account("b", 1000, 990, 0), account("c", 100, 60, 20)];
        assert_eq!(fits(&accounts, 50).unwrap_err().account.id, "b");
    }

    #[test]
    fn an_account_over_its_limit_has_nothing_left_but_admits_free_calls() {
        let over = account("a", 100, 150, 0);
        assert_eq!(over.state.remaining(over.limit_pico_usd), 0);
        assert_eq!(fits(std::slice::from_ref(&over), 0), Ok(()));
        assert!(fits(&[over], 1).is_err());
    }

    #[test]
    fn without_accounts_every_amount_fits() {
        assert_eq!(fits(&[], i64::MAX), Ok(()));
    }

    proptest! {
        #[test]
        fn an_amount_fits_exactly_when_no_account_would_exceed_its_limit(
            rows in prop::collection::vec((0..=i64::MAX, 0..=i64::MAX, 0..=i64::MAX), 0..6),
            amount in prop_oneof![1..1000_i64, 1..=i64::MAX],
        ) {
            let accounts: Vec<Account> =
                rows.iter().map(|(limit, settled, held)| account("a", *limit, *settled, *held)).collect();
            let all = rows.iter().all(|(limit, settled, held)| {
                i128::from(*settled) + i128::from(*held) + i128::from(amount) <= i128::from(*limit)
            });
            prop_assert_eq!(fits(&accounts, amount).is_ok(), all);
        }
    }
}
