//! Model test: the ledger in a real file against one in memory, for any order of steps.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking as well")]

mod model;

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use crate::support::TempStore;
use crate::support::ledger::usage;
use audit::{Draft, Outcome};
use llm_policy::{Account, AccountKey, fits};
use model::{KEYS, Model, limit};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use registry_core::{RequestId, Timestamp};
use storage::{Decided, HoldRow, JobClass, PlatformAuthority, Store, StoreError, Tx, UsageRow};

/// What may happen. An index picks one of the holds that are there.
#[derive(Debug, Clone)]
enum Step {
    Hold {
        key: &'static str,
        amount: i64,
    },
    /// All of a hold is done, and then the job fails.
    FailedHold {
        key: &'static str,
        amount: i64,
    },
    Settle {
        which: Index,
        cost: i64,
    },
    Release {
        which: Index,
    },
    Orphan {
        which: Index,
    },
    SettleLate {
        which: Index,
        cost: i64,
    },
    /// A settlement that comes a second time.
    Repeat {
        which: Index,
    },
    /// The clock goes to another day, forwards or back.
    Day(i64),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let (key, amount, which) = (select(KEYS.to_vec()), 0..60_i64, any::<Index>());
    prop_oneof![
        10 => (key.clone(), amount.clone()).prop_map(|(key, amount)| Step::Hold { key, amount }),
        1 => (key, amount).prop_map(|(key, amount)| Step::FailedHold { key, amount }),
        5 => (which.clone(), 0..70_i64).prop_map(|(which, cost)| Step::Settle { which, cost }),
        2 => which.clone().prop_map(|which| Step::Release { which }),
        3 => which.clone().prop_map(|which| Step::Orphan { which }),
        3 => (which.clone(), 0..70_i64).prop_map(|(which, cost)| Step::SettleLate { which, cost }),
        1 => which.prop_map(|which| Step::Repeat { which }),
        2 => (0..3_i64).prop_map(Step::Day),
        1 => Just(Step::Reopen),
    ]
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Writes like a request, with its record, and waits for it.
fn write<T: Send + 'static>(
    store: &dyn Store,
    mut f: impl FnMut(&mut dyn Tx) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let draft = Draft::request(Timestamp::EPOCH, RequestId::sane("model").unwrap(), "POST", "/", None);
    let writing = store.write(PlatformAuthority, JobClass::platform(), draft.into(), 0, move |tx, ()| {
        Ok(Decided::new(Ok::<_, Infallible>(f(tx)?), Outcome::ok(200)))
    });
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut writing = pin!(writing);
    loop {
        match writing.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(end) => return end.map(|Ok(value)| value),
            Poll::Pending => std::thread::park(),
        }
    }
}

/// Holds if it fits, as the use case does.
fn try_hold(tx: &mut dyn Tx, row: &HoldRow) -> Result<bool, StoreError> {
    let mut accounts = Vec::new();
    for key in &row.accounts {
        let state = tx.account(key)?;
        accounts.push(Account { key: key.clone(), limit_pico_usd: limit(key), state });
    }
    if fits(&accounts, row.amount_pico_usd).is_err() {
        return Ok(false);
    }
    for key in &row.accounts {
        tx.book(key, 0, row.amount_pico_usd)?;
    }
    tx.insert_hold(row)
}

/// Ends a hold: books on its accounts, and keeps or removes it.
fn end(tx: &mut dyn Tx, row: &HoldRow, paid: Option<&UsageRow>, orphan: bool) -> Result<(), StoreError> {
    for key in &row.accounts {
        tx.book(key, paid.map_or(0, |paid| paid.cost_pico_usd), -row.amount_pico_usd)?;
    }
    assert!(if orphan {
        tx.orphan_hold(&row.key_id, &row.id)?
    } else {
        tx.remove_hold(&row.key_id, &row.id)?
    });
    if let Some(paid) = paid {
        assert!(tx.insert_usage(paid)?);
    }
    Ok(())
}

/// Does the same to the store and to the model.
fn take(model: &mut Model, store: &mut TempStore, step: &Step) {
    let shared = store.store();
    match *step {
        Step::Hold { key, amount } => {
            let row = model.next_hold(key, amount);
            let before = model.accounts();
            let state = |key: &AccountKey| before.get(key).copied().unwrap_or_default();
            let room = |key: &AccountKey| limit(key) - state(key).settled_pico_usd - state(key).held_pico_usd;
            // A call that costs nothing fits where an overrun has left less than nothing.
            let expected = row.accounts.iter().all(|key| room(key).max(0) >= amount);
            let held = row.clone();
            assert_eq!(write(&*shared, move |tx| try_hold(tx, &held)).unwrap(), expected);
            if expected {
                model.live.push(row);
            }
        }
        Step::FailedHold { key, amount } => {
            let row = model.next_hold(key, amount);
            let failed = write::<()>(&*shared, move |tx| {
                try_hold(tx, &row)?;
                Err(StoreError::Unavailable("made up".to_owned()))
            });
            assert!(failed.is_err());
        }
        Step::Settle { which, cost } if !model.live.is_empty() => {
            let hold = model.live.remove(which.index(model.live.len()));
            let paid = UsageRow { overrun: cost > hold.amount_pico_usd, ..usage(&hold, cost) };
            model.pay(&hold, cost);
            write(&*shared, move |tx| {
                assert_eq!(tx.hold(&hold.key_id, &hold.id)?.as_ref(), Some(&hold));
                end(tx, &hold, Some(&paid), false)
            })
            .unwrap();
        }
        Step::Release { which } if !model.live.is_empty() => {
            let hold = model.live.remove(which.index(model.live.len()));
            write(&*shared, move |tx| end(tx, &hold, None, false)).unwrap();
        }
        Step::Orphan { which } if !model.live.is_empty() => {
            let hold = model.live.remove(which.index(model.live.len()));
            model.pay(&hold, hold.amount_pico_usd);
            model.orphans.push(HoldRow { orphaned: true, ..hold.clone() });
            let paid = usage(&hold, hold.amount_pico_usd);
            write(&*shared, move |tx| end(tx, &hold, Some(&paid), true)).unwrap();
        }
        Step::SettleLate { which, cost } if !model.orphans.is_empty() => {
            let hold = model.orphans.remove(which.index(model.orphans.len()));
            model.pay(&hold, cost);
            let paid = UsageRow { late: true, ..usage(&hold, cost) };
            write(&*shared, move |tx| {
                let before = tx.usage(&hold.key_id, &hold.id)?.unwrap().cost_pico_usd;
                for key in &hold.accounts {
                    tx.book(key, cost - before, 0)?;
                }
                assert!(tx.amend_usage(&paid)? && tx.remove_hold(&hold.key_id, &hold.id)?);
                Ok(())
            })
            .unwrap();
        }
        Step::Repeat { which } if !model.paid.is_empty() => {
            let (hold, cost) = model.paid.values().nth(which.index(model.paid.len())).unwrap();
            let (row, id) = (usage(hold, cost + 1), hold.id.clone());
            assert!(!write(&*shared, move |tx| tx.insert_usage(&row)).unwrap());
            let again = HoldRow { amount_pico_usd: 1, ..hold.clone() };
            if model.orphans.iter().any(|orphan| orphan.id == id) {
                assert!(!write(&*shared, move |tx| tx.insert_hold(&again)).unwrap());
            }
        }
        Step::Settle { .. }
        | Step::Release { .. }
        | Step::Orphan { .. }
        | Step::SettleLate { .. }
        | Step::Repeat { .. } => {}
        Step::Day(day) => model.day = day,
        Step::Reopen => {
            drop(shared);
            store.reopen();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_ledger_never_overspends_and_every_sum_is_right(
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let (mut store, mut model) = (TempStore::new(), Model::default());
        for step in steps {
            take(&mut model, &mut store, &step);
            model.agrees(&*store.store());
        }
    }
}
