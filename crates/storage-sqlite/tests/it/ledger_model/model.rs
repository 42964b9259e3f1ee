//! Reference model of the ledger: a few lists in memory.

use std::collections::{BTreeMap, BTreeSet};

use llm_policy::{AccountKey, AccountState, HoldId};
use registry_core::Timestamp;
use storage::{HoldRow, Store, UsageLine, UsageQuery};

use crate::support::ledger::{account, hold, platform};

pub const KEYS: [&str; 3] = ["t4_a", "t4_b", "t4_c"];
const KEY_LIMIT: i64 = 100;
const PLATFORM_LIMIT: i64 = 220;

/// What an account may spend.
pub fn limit(key: &AccountKey) -> i64 {
    if key.id == "*" { PLATFORM_LIMIT } else { KEY_LIMIT }
}

/// What the store must agree with.
#[derive(Default)]
pub struct Model {
    pub live: Vec<HoldRow>,
    pub orphans: Vec<HoldRow>,
    pub paid: BTreeMap<HoldId, (HoldRow, i64)>,
    /// Accounts on which more was billed than was held: the only ones that may stand above their limit.
    pub overrun: BTreeSet<AccountKey>,
    pub day: i64,
    pub made: u32,
}

impl Model {
    /// How every account must stand.
    pub fn accounts(&self) -> BTreeMap<AccountKey, AccountState> {
        let mut accounts: BTreeMap<AccountKey, AccountState> = BTreeMap::new();
        for hold in &self.live {
            for key in &hold.accounts {
                accounts.entry(key.clone()).or_default().held_pico_usd += hold.amount_pico_usd;
            }
        }
        for (hold, cost) in self.paid.values() {
            for key in &hold.accounts {
                accounts.entry(key.clone()).or_default().settled_pico_usd += cost;
            }
        }
        accounts
    }

    /// A hold of a new call.
    pub fn next_hold(&mut self, key: &'static str, amount: i64) -> HoldRow {
        self.made += 1;
        let noon = Timestamp::parse("2026-11-21T12:00:00Z").unwrap().plus_days(self.day);
        let day: String = noon.to_string().chars().take(10).collect();
        let accounts = vec![account(key, &day), platform(&day)];
        hold(&format!("call_{}", self.made), key, noon, amount, accounts)
    }

    /// Counts what a hold came to; the last word holds.
    pub fn pay(&mut self, hold: &HoldRow, cost: i64) {
        if cost > hold.amount_pico_usd {
            self.overrun.extend(hold.accounts.iter().cloned());
        }
        self.paid.insert(hold.id.clone(), (hold.clone(), cost));
    }

    /// Compares everything that the store can tell.
    pub fn agrees(&self, store: &dyn Store) {
        let (accounts, mut holds, usage) = store
            .read(|view| {
                let mut accounts = BTreeMap::new();
                for day in ["2026-11-21", "2026-11-22", "2026-11-23"] {
                    for key in KEYS.map(|key| account(key, day)).into_iter().chain([platform(day)]) {
                        let state = view.account(&key)?;
                        if state != AccountState::default() {
                            accounts.insert(key, state);
                        }
                    }
                }
                let mut usage: Vec<UsageLine> = Vec::new();
                let each = &mut |line: &UsageLine| usage.push(line.clone());
                assert_eq!(view.visit_usage(&UsageQuery::default(), None, 5000, each)?, None);
                Ok((accounts, view.holds(None, None, 1000)?, usage))
            })
            .unwrap();
        let expected = self.accounts().into_iter().filter(|(_, state)| *state != AccountState::default());
        assert_eq!(accounts, expected.collect());
        for (key, state) in &accounts {
            let used = state.settled_pico_usd + state.held_pico_usd;
            assert!(used <= limit(key) || self.overrun.contains(key), "{key:?} stands at {used}");
        }
        let live: Vec<_> = holds.iter().filter(|hold| !hold.orphaned).collect();
        let held: i64 = live.iter().map(|hold| hold.amount_pico_usd).sum();
        let totals = store.read(|view| view.held_totals()).unwrap();
        assert_eq!(totals, (u64::try_from(live.len()).unwrap(), held));
        // Each day's sums again, from the rows that stand in the file.
        for (key, state) in accounts.iter().filter(|(key, _)| key.id == "*") {
            let on_day = |time: Timestamp| time.to_string().starts_with(&key.window_id);
            let made_then = live.iter().filter(|hold| on_day(hold.created_at));
            assert_eq!(state.held_pico_usd, made_then.map(|hold| hold.amount_pico_usd).sum::<i64>());
            let made_then = usage.iter().filter(|line| on_day(line.timestamp));
            assert_eq!(state.settled_pico_usd, made_then.map(|line| line.cost_pico_usd).sum::<i64>());
        }
        let by_id = |left: &HoldRow, right: &HoldRow| left.id.cmp(&right.id);
        let mut known: Vec<_> = self.live.iter().chain(&self.orphans).cloned().collect();
        holds.sort_by(by_id);
        known.sort_by(by_id);
        assert_eq!(holds, known);
        let mut paid: Vec<_> =
            usage.iter().map(|line| (line.call_id.clone().unwrap(), line.cost_pico_usd)).collect();
        paid.sort();
        let mut known: Vec<_> =
            self.paid.values().map(|(hold, cost)| (hold.call_id.as_str().to_owned(), *cost)).collect();
        known.sort();
        assert_eq!(paid, known);
    }
}
