//! Property test: any order of holds, settlements, releases, lost servers and clock jumps leaves the ledger correct.

use std::collections::BTreeMap;
use std::sync::Arc;

use api_types::KeyCreated;
use control_plane::{LocalLedger, jobs};
use llm_policy::{
    AccountKey, BudgetScope, HoldAsk, HoldId, Ledger as _, LedgerError, OutputWish, ReleaseReason, WindowKind,
};
use proptest::prelude::*;
use storage::HoldRow;

use crate::support::{AMOUNT, World, ask, rule, used, worst};

#[derive(Debug, Clone)]
enum Step {
    Hold { key: usize, input: u64, fill: bool },
    Settle { pick: usize, prompt: u64, completion: u64 },
    Worst { pick: usize },
    Release { pick: usize },
    Crash,
    Orphans,
    Renew,
    Jump { hours: i64 },
    Limit { key: usize, calls: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    let pick = 0_usize..20;
    prop_oneof![
        6 => (0_usize..3, 0_u64..1_500, any::<bool>())
            .prop_map(|(key, input, fill)| Step::Hold { key, input, fill }),
        4 => (pick.clone(), 0_u64..1_000, 0_u64..100)
            .prop_map(|(pick, prompt, completion)| Step::Settle { pick, prompt, completion }),
        1 => pick.clone().prop_map(|pick| Step::Worst { pick }),
        2 => pick.prop_map(|pick| Step::Release { pick }),
        1 => Just(Step::Crash),
        2 => Just(Step::Orphans),
        1 => Just(Step::Renew),
        2 => (-30_i64..30).prop_map(|hours| Step::Jump { hours }),
        1 => (0_usize..3, 0_i64..6).prop_map(|(key, calls)| Step::Limit { key, calls }),
    ]
}

/// What a run knows besides the store.
struct Run {
    world: World,
    keys: Vec<KeyCreated>,
    ledgers: Vec<Arc<LocalLedger>>,
    /// Every hold that was ever made, with its key and the accounts it is booked on.
    made: Vec<(usize, HoldId, Vec<AccountKey>)>,
    calls: usize,
}

impl Run {
    async fn new() -> Self {
        let world = World::with_budgets(vec![
            rule(BudgetScope::Agent, "*", WindowKind::Day, 4 * AMOUNT),
            rule(BudgetScope::Owner, "*", WindowKind::Week, 6 * AMOUNT),
            rule(BudgetScope::Platform, "*", WindowKind::Month, 20 * AMOUNT),
        ])
        .await;
        let mut keys = Vec::new();
        for (agent, zone) in [("a", None), ("a", Some("Pacific/Auckland")), ("b", Some("America/New_York"))] {
            keys.push(world.key_of(agent, Some("team"), 3 * AMOUNT, zone).await);
        }
        let mut run = Self { world, keys, ledgers: Vec::new(), made: Vec::new(), calls: 0 };
        run.crash().await;
        run
    }

    /// A new start: nobody of before settles or renews anything.
    async fn crash(&mut self) {
        self.ledgers.clear();
        for key in &self.keys {
            self.ledgers.push(self.world.ledger(key).await);
        }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Hold { key, input, fill } => {
                self.calls += 1;
                let output = if fill { OutputWish::Fill } else { OutputWish::Stated(100) };
                let asked = HoldAsk { input_tokens: input, output, ..ask(&format!("c{}", self.calls)) };
                match self.ledgers[key].hold(asked).await {
                    Ok(held) => {
                        let row = self.row(&held.hold_id).unwrap();
                        for account in &row.accounts {
                            let limit = self.limit(account, &row);
                            let (settled, held) = self.world.state(account);
                            assert!(settled + held <= limit, "{account:?}: {settled} + {held} > {limit}");
                        }
                        self.made.push((key, held.hold_id, row.accounts));
                    }
                    Err(LedgerError::Quota(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            Step::Settle { pick, prompt, completion } => {
                self.end(pick, Some(used(prompt, completion))).await;
            }
            Step::Worst { pick } => self.end(pick, Some(worst())).await,
            Step::Release { pick } => self.end(pick, None).await,
            Step::Crash => self.crash().await,
            Step::Orphans => {
                jobs::settle_orphans(&self.world.instance.services, self.world.now()).await.unwrap();
            }
            Step::Renew => {
                jobs::renew_leases(&self.world.instance.services, self.world.now()).await.unwrap();
            }
            Step::Jump { hours } => {
                self.world.clock.set_wall(self.world.now().plus_seconds(hours * 3600));
            }
            Step::Limit { key, calls } => {
                self.world
                    .change_key(&self.keys[key], move |key| key.daily_limit_pico_usd = calls * AMOUNT)
                    .await;
            }
        }
    }

    async fn end(&self, pick: usize, end: Option<llm_policy::Settlement>) {
        let Some((key, id, _)) = self.made.get(pick % self.made.len().max(1)) else { return };
        let ledger = &self.ledgers[*key];
        let ended = match end {
            Some(end) => ledger.settle(id.clone(), end).await.map(drop),
            None => ledger.release(id.clone(), ReleaseReason::NotSent).await,
        };
        match ended {
            Ok(()) | Err(LedgerError::Settled | LedgerError::UnknownHold) => {}
            Err(error) => panic!("{error}"),
        }
    }

    fn row(&self, id: &HoldId) -> Option<HoldRow> {
        self.world.holds().into_iter().find(|hold| hold.id == *id)
    }

    fn limit(&self, account: &AccountKey, row: &HoldRow) -> i64 {
        let services = &self.world.instance.services;
        match account.scope {
            BudgetScope::Key => {
                let key = services.store.read(|view| view.key(&row.key_id)).unwrap();
                key.unwrap().daily_limit_pico_usd
            }
            scope => {
                let rule = services.llm.rules.budgets.iter().find(|rule| rule.scope == scope);
                rule.unwrap().limit_pico_usd
            }
        }
    }

    /// Every account is the sum of its calls: nothing is lost, nothing counted twice.
    fn check(&self) {
        let mut expected: BTreeMap<AccountKey, (i64, i64)> = BTreeMap::new();
        let holds = self.world.holds();
        let usage = self.world.usage();
        for (_, id, accounts) in &self.made {
            let line = usage.iter().find(|line| {
                format!("{}.{}", line.call_id.as_deref().unwrap(), line.attempt.unwrap()) == id.as_str()
            });
            let hold = holds.iter().find(|hold| hold.id == *id);
            let open = hold.filter(|hold| !hold.orphaned).map(|hold| hold.amount_pico_usd);
            assert!(line.is_none() || open.is_none(), "{id}: settled and held");
            for account in accounts {
                let sum = expected.entry(account.clone()).or_default();
                sum.0 += line.map_or(0, |line| line.cost_pico_usd);
                sum.1 += open.unwrap_or(0);
            }
        }
        for (account, sum) in expected {
            assert_eq!(self.world.state(&account), sum, "{account:?}");
        }
        assert!(usage.len() <= self.made.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_books_are_true_after_any_order_of_events(steps in proptest::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut run = Run::new().await;
            for step in steps {
                run.take(step).await;
                run.check();
            }
        });
    }
}
