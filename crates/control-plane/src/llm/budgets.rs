//! Budgets that a call must fit, and their alerts.

use std::sync::Arc;

use api_keys::KeyRecord;
use llm_policy::{
    Account, AccountKey, AccountState, BudgetRule, BudgetScope, CalendarWindow, CallLimits, PriceBook,
    Shortfall, WindowKind, crossed,
};
use registry_core::Timestamp;
use storage::{AlertRow, StoreError, Tx};

use super::calendar::Calendar;

/// Prices, caps and budgets.
#[derive(Debug)]
pub struct LlmRules {
    /// Prices of tokens.
    pub prices: PriceBook,
    /// Caps.
    pub limits: CallLimits,
    /// Budgets in addition to each key's daily limit.
    pub budgets: Vec<BudgetRule>,
    /// Whether prompts are kept in the audit log.
    pub keep_prompts: bool,
    /// This server's name for the leases of its holds; a new one after each start.
    pub holder: String,
    pub(super) calendar: Calendar,
}

impl LlmRules {
    /// Creates the rules of a server.
    #[must_use]
    pub fn new(
        prices: PriceBook,
        limits: CallLimits,
        budgets: Vec<BudgetRule>,
        keep_prompts: bool,
        holder: String,
    ) -> Self {
        Self { prices, limits, budgets, keep_prompts, holder, calendar: Calendar::default() }
    }
}

/// Budget at one time: the account that it limits, and the limit.
#[derive(Debug, Clone)]
pub(crate) struct BudgetBound {
    pub account: AccountKey,
    pub limit_pico_usd: i64,
    pub span: Arc<CalendarWindow>,
}

impl LlmRules {
    /// Returns every budget that a call of this key must fit at `at`, each account once: where several rules limit
    /// one account, the lowest limit counts.
    pub(crate) fn bounds(&self, key: &KeyRecord, at: Timestamp) -> Vec<BudgetBound> {
        let day = self.calendar.window_of(key.time_zone.as_deref(), WindowKind::Day, at);
        let own = account(BudgetScope::Key, key.key_id.as_str(), WindowKind::Day, &day);
        let mut bounds =
            vec![BudgetBound { account: own, limit_pico_usd: key.daily_limit_pico_usd, span: day }];
        for rule in &self.budgets {
            let Some(id) = subject(rule, key) else { continue };
            let span = self.calendar.window(&rule.zone, rule.window, at);
            let account = account(rule.scope, id, rule.window, &span);
            match bounds.iter_mut().find(|bound| bound.account == account) {
                None => bounds.push(BudgetBound { account, limit_pico_usd: rule.limit_pico_usd, span }),
                Some(bound) if rule.limit_pico_usd < bound.limit_pico_usd => {
                    *bound = BudgetBound { account, limit_pico_usd: rule.limit_pico_usd, span };
                }
                Some(_) => {}
            }
        }
        bounds
    }

    /// Returns the present limit of an account: zero for a key that is gone, `None` when its rule is gone.
    pub(crate) fn limit_of(&self, account: &AccountKey, key: Option<&KeyRecord>) -> Option<i64> {
        match account.scope {
            BudgetScope::Key => Some(key.map_or(0, |key| key.daily_limit_pico_usd)),
            BudgetScope::Agent | BudgetScope::Owner | BudgetScope::Platform => self
                .budgets
                .iter()
                .filter(|rule| rule.scope == account.scope && rule.window == account.window)
                .filter(|rule| rule.id == "*" || rule.id == account.id)
                .map(|rule| rule.limit_pico_usd)
                .min(),
        }
    }
}

/// Returns the subject whose spending the rule limits when this key calls; `None` when the rule does not apply.
fn subject<'a>(rule: &'a BudgetRule, key: &'a KeyRecord) -> Option<&'a str> {
    let id = match rule.scope {
        // A key's own budget is its `daily_limit`.
        BudgetScope::Key => return None,
        BudgetScope::Agent => key.agent_id.as_str(),
        BudgetScope::Owner => key.owner.as_ref()?.as_str(),
        BudgetScope::Platform => "*",
    };
    (rule.id == "*" || rule.id == id).then_some(id)
}

fn account(scope: BudgetScope, id: &str, window: WindowKind, span: &CalendarWindow) -> AccountKey {
    AccountKey { scope, id: id.to_owned(), window, window_id: span.id.clone() }
}

/// Returns the accounts of these budgets with their balances.
pub(super) fn accounts(tx: &mut dyn Tx, bounds: &[BudgetBound]) -> Result<Vec<Account>, StoreError> {
    let of = |bound: &BudgetBound| {
        let state = tx.account(&bound.account)?;
        Ok(Account { key: bound.account.clone(), limit_pico_usd: bound.limit_pico_usd, state })
    };
    bounds.iter().map(of).collect()
}

/// Returns what the tightest of some budgets allows; budgets without a limit do not count.
#[derive(Debug, Clone, Copy)]
pub(super) struct TightestBudget(i64);

impl TightestBudget {
    pub(super) const NONE: Self = Self(i64::MAX);

    pub(super) fn and(self, limit_pico_usd: Option<i64>, state: AccountState) -> Self {
        limit_pico_usd.map_or(self, |limit| Self(self.0.min(state.remaining(limit))))
    }

    pub(super) fn remaining_pico_usd(self) -> i64 {
        self.0
    }
}

/// Percentage of a budget that must be settled for a refused call to count as its end: what is left is too little for
/// a call, and would hide that nothing runs any more.
const SPENT_PERCENT: i128 = 99;

/// Stores an alert for every percentage of the limit that an account's spending has just reached.
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

/// Stores the last alert of an account that is nearly spent and has just refused a call.
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

#[cfg(test)]
mod tests {
    use super::super::testing::{key, rule, rules};
    use super::*;

    fn names(bounds: &[BudgetBound]) -> Vec<String> {
        bounds
            .iter()
            .map(|bound| {
                let AccountKey { scope, id, window, window_id } = &bound.account;
                let (scope, window) = (scope.as_str(), window.as_str());
                format!("{scope} {id} {window} {window_id} {}", bound.limit_pico_usd)
            })
            .collect()
    }

    #[test]
    fn a_call_must_fit_its_key_and_every_rule_about_it() {
        let rules = rules(vec![
            rule(BudgetScope::Agent, "*", WindowKind::Day, 20),
            rule(BudgetScope::Agent, "somebody-else", WindowKind::Day, 1),
            rule(BudgetScope::Owner, "team", WindowKind::Month, 30),
            rule(BudgetScope::Platform, "*", WindowKind::Week, 40),
        ]);
        let at = Timestamp::parse("2026-11-21T23:30:00Z").unwrap();
        let mut key = key(10);
        assert_eq!(
            names(&rules.bounds(&key, at)),
            [
                "key t4_000000000001 day 2026-11-21 10",
                "agent agent-1 day 2026-11-21 20",
                "owner team month 2026-11 30",
                "platform * week 2026-W47 40",
            ]
        );
        key.owner = None;
        key.time_zone = Some("Asia/Tokyo".to_owned());
        assert_eq!(
            names(&rules.bounds(&key, at)),
            [
                "key t4_000000000001 day 2026-11-22 10",
                "agent agent-1 day 2026-11-21 20",
                "platform * week 2026-W47 40",
            ]
        );
    }

    #[test]
    fn rules_about_one_account_are_one_budget_with_the_lowest_limit() {
        let rules = rules(vec![
            rule(BudgetScope::Agent, "*", WindowKind::Day, 20),
            rule(BudgetScope::Agent, "agent-1", WindowKind::Day, 5),
            rule(BudgetScope::Agent, "*", WindowKind::Day, 7),
        ]);
        let at = Timestamp::parse("2026-11-21T12:00:00Z").unwrap();
        let bounds = rules.bounds(&key(10), at);
        assert_eq!(names(&bounds)[1..], ["agent agent-1 day 2026-11-21 5"]);
        assert_eq!(rules.limit_of(&bounds[1].account, None), Some(5));
        let other = AccountKey { id: "agent-2".to_owned(), ..bounds[1].account.clone() };
        assert_eq!(rules.limit_of(&other, None), Some(7));
        assert_eq!(rules.limit_of(&AccountKey { window: WindowKind::Week, ..other }, None), None);
        assert_eq!(rules.limit_of(&bounds[0].account, None), Some(0), "the key is gone");
        assert_eq!(rules.limit_of(&bounds[0].account, Some(&key(10))), Some(10));
    }
}
