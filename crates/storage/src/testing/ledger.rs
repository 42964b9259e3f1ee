//! Conformance: accounts of the ledger, and what is held on them.

use llm_policy::{Account, AccountKey, AccountState, fits};

use super::Backend;
use super::fixtures::{key, key_id};
use super::ledger_fixtures::{account, hold, hold_id, platform};
use super::support::{submit, write};
use crate::{HoldRow, Store, StoreError};

fn state(store: &dyn Store, key: &AccountKey) -> AccountState {
    store.read(|view| view.account(key)).unwrap()
}

fn stands(settled_pico_usd: i64, held_pico_usd: i64) -> AccountState {
    AccountState { settled_pico_usd, held_pico_usd }
}

fn book(store: &dyn Store, key: AccountKey, settled: i64, held: i64) -> Result<AccountState, StoreError> {
    write(store, move |tx| tx.book(&key, settled, held))
}

fn insert(store: &dyn Store, hold: HoldRow) -> bool {
    write(store, move |tx| tx.insert_hold(&hold)).unwrap()
}

/// An account without bookings is empty; bookings add up, separately for each account.
pub fn accounts_begin_empty_and_add_up<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    assert_eq!(state(&*store, &account("t4_a")), stands(0, 0));
    let bookings =
        [(0, 70, stands(0, 70)), (40, -70, stands(40, 0)), (-15, 0, stands(25, 0)), (0, 9, stands(25, 9))];
    for (settled, held, after) in bookings {
        assert_eq!(book(&*store, account("t4_a"), settled, held).unwrap(), after);
        assert_eq!(state(&*store, &account("t4_a")), after);
    }
    let others = [
        account("t4_A"),
        platform(),
        AccountKey { window_id: "2026-11-22".to_owned(), ..account("t4_a") },
        AccountKey { window: platform().window, ..account("t4_a") },
        AccountKey { scope: platform().scope, ..account("t4_a") },
    ];
    for other in others {
        assert_eq!(state(&*store, &other), stands(0, 0), "{other:?}");
        assert_eq!(write(&*store, move |tx| tx.account(&other)).unwrap(), stands(0, 0));
    }
    assert_eq!(write(&*store, |tx| tx.account(&account("t4_a"))).unwrap(), stands(25, 9));
}

/// A negative amount on hold, or an amount that is too large to count, is an error, and nothing is booked.
pub fn an_account_never_holds_less_than_nothing<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let far = 9_000_000_000_000_000_000;
    book(&*store, account("t4_a"), far, 5).unwrap();
    let refused = [("t4_a", 0, -6), ("t4_new", 0, -1), ("t4_a", far, 0), ("t4_a", 0, i64::MAX)];
    for (name, settled, held) in refused {
        let end = book(&*store, account(name), settled, held);
        assert!(
            matches!(end, Err(StoreError::Corrupt { table: "llm_accounts", .. })),
            "{name} {held}: {end:?}"
        );
        assert_eq!(state(&*store, &account("t4_a")), stands(far, 5));
        assert_eq!(state(&*store, &account("t4_new")), stands(0, 0));
    }
}

/// A job that ends in an error has booked nothing and held nothing.
pub fn a_failed_job_leaves_the_ledger_as_it_was<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    book(&*store, account("t4_a"), 3, 5).unwrap();
    let failed: Result<(), _> = write(&*store, |tx| {
        tx.book(&account("t4_a"), 1, 1)?;
        tx.book(&platform(), 1, 1)?;
        tx.insert_hold(&hold("a"))?;
        Err(StoreError::Unavailable("made up".to_owned()))
    });
    assert!(failed.is_err());
    assert_eq!(state(&*store, &account("t4_a")), stands(3, 5));
    assert_eq!(state(&*store, &platform()), stands(0, 0));
    assert_eq!(store.read(|view| view.holds(None, None, 10)).unwrap(), []);
}

/// Of many jobs that check and book at once, exactly those that fit succeed.
pub fn at_once_exactly_what_fits_is_held<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let limits = [(account("t4_a"), 1000), (platform(), 700)];
    let endings: Vec<_> = (0..200)
        .map(|n| {
            let limits = limits.clone();
            let row = HoldRow { amount_pico_usd: 7, ..hold(&n.to_string()) };
            submit(&*store, move |tx| {
                let mut accounts = Vec::new();
                for (key, limit_pico_usd) in limits.clone() {
                    let state = tx.account(&key)?;
                    accounts.push(Account { key, limit_pico_usd, state });
                }
                if fits(&accounts, row.amount_pico_usd).is_ok() {
                    for account in &accounts {
                        tx.book(&account.key, 0, row.amount_pico_usd)?;
                    }
                    tx.insert_hold(&row)?;
                }
                Ok(())
            })
        })
        .collect();
    for ending in endings {
        ending.get().unwrap();
    }
    for (key, _) in &limits {
        assert_eq!(state(&*store, key), stands(0, 700));
    }
    assert_eq!(store.read(|view| view.held_totals()).unwrap(), (100, 700));
}

/// Open holds are counted; orphans are settled already.
pub fn totals_count_what_is_under_way<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    assert_eq!(store.read(|view| view.held_totals()).unwrap(), (0, 0));
    for (name, amount_pico_usd) in [("a", 5), ("b", 7), ("c", 11)] {
        insert(&*store, HoldRow { amount_pico_usd, ..hold(name) });
    }
    write(&*store, |tx| tx.orphan_hold(&key_id("t4_a"), &hold_id("b"))).unwrap();
    assert_eq!(store.read(|view| view.held_totals()).unwrap(), (2, 16));
}

/// The row of a key shows what it has spent. Its version does not change, and cached keys are not read again.
pub fn what_a_key_has_spent_moves_neither_version_nor_epoch<B: Backend>() {
    const TIMES: u64 = 100;
    let backend = B::start();
    let store = backend.store();
    write(&*store, |tx| tx.insert_key(&key("t4_a"))).unwrap();
    let before = store.watch();
    for used in 0..TIMES {
        let used = 9_000_000_000_000_000_000 + i64::try_from(used).unwrap();
        assert!(write(&*store, move |tx| tx.put_key_usage(&key_id("t4_a"), "2026-11-21", used)).unwrap());
    }
    // A store that watches for others' changes may see its own commits now and then, but not each of them.
    let after = store.watch();
    assert!(
        after.durable >= before.durable + TIMES && after.epoch < before.epoch + TIMES,
        "{before:?} {after:?}"
    );
    let mut expected = key("t4_a");
    expected.daily_used_pico_usd = 9_000_000_000_000_000_099;
    expected.used_on = Some("2026-11-21".to_owned());
    assert_eq!(store.read(|view| view.key(&key_id("t4_a"))).unwrap(), Some(expected));
    assert!(!write(&*store, |tx| tx.put_key_usage(&key_id("t4_b"), "2026-11-21", 1)).unwrap());
}
