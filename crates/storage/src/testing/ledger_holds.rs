//! Conformance: holds of the ledger.

use super::Backend;
use super::fixtures::{at, key_id};
use super::ledger_fixtures::{bare_hold, hold, hold_id, usage};
use super::support::write;
use crate::{HoldRow, Store, UsageRow};

fn insert(store: &dyn Store, hold: HoldRow) -> bool {
    write(store, move |tx| tx.insert_hold(&hold)).unwrap()
}

fn names(holds: &[HoldRow]) -> Vec<&str> {
    holds.iter().map(|hold| hold.id.as_str()).collect()
}

/// What is stored is read back field by field, from a view and from a write.
pub fn a_hold_is_read_back_whole<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    for given in [hold("full"), bare_hold("bare")] {
        assert!(insert(&*store, given.clone()));
        let id = given.id.clone();
        assert_eq!(write(&*store, move |tx| tx.hold(&key_id("t4_a"), &id)).unwrap().as_ref(), Some(&given));
        let listed = store.read(|view| view.holds(None, None, 10)).unwrap();
        assert!(listed.contains(&given), "{listed:?}");
    }
    assert_eq!(write(&*store, |tx| tx.hold(&key_id("t4_a"), &hold_id("other"))).unwrap(), None);
}

/// An existing hold is not overwritten, and is deleted once.
pub fn a_taken_hold_is_told_and_a_removed_one_is_gone<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    assert!(insert(&*store, hold("a")));
    assert!(!insert(&*store, bare_hold("a")));
    assert_eq!(write(&*store, |tx| tx.hold(&key_id("t4_a"), &hold_id("a"))).unwrap(), Some(hold("a")));
    assert!(!write(&*store, |tx| tx.remove_hold(&key_id("t4_a"), &hold_id("b"))).unwrap());
    assert!(write(&*store, |tx| tx.remove_hold(&key_id("t4_a"), &hold_id("a"))).unwrap());
    assert!(!write(&*store, |tx| tx.remove_hold(&key_id("t4_a"), &hold_id("a"))).unwrap());
    assert_eq!(write(&*store, |tx| tx.hold(&key_id("t4_a"), &hold_id("a"))).unwrap(), None);
}

/// Two jobs that find the same orphan settle it once.
pub fn a_hold_is_orphaned_once<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    insert(&*store, hold("a"));
    insert(&*store, hold("b"));
    for expected in [true, false] {
        assert_eq!(write(&*store, |tx| tx.orphan_hold(&key_id("t4_a"), &hold_id("a"))).unwrap(), expected);
    }
    assert!(!write(&*store, |tx| tx.orphan_hold(&key_id("t4_a"), &hold_id("unknown"))).unwrap());
    let listed = store.read(|view| view.holds(None, None, 10)).unwrap();
    assert_eq!(listed, [HoldRow { orphaned: true, ..hold("a") }, hold("b")]);
}

/// A server renews its own calls and no others; an orphan that was settled does not return.
pub fn a_renewal_moves_the_leases_of_its_server_alone<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let of = |name: &str, holder: Option<&str>| HoldRow { holder: holder.map(str::to_owned), ..hold(name) };
    let holds = [
        of("a", Some("one")),
        of("b", Some("two")),
        of("c", None),
        HoldRow { orphaned: true, ..of("d", Some("one")) },
        of("e", Some("one")),
    ];
    for hold in holds.clone() {
        insert(&*store, hold);
    }
    assert_eq!(write(&*store, |tx| tx.renew_leases("one", at(500))).unwrap(), 2);
    assert_eq!(write(&*store, |tx| tx.renew_leases("three", at(900))).unwrap(), 0);
    let moved = |hold: HoldRow| HoldRow { lease_until: at(500), ..hold };
    let [own, others, nobodys, orphan, second] = holds;
    let listed = store.read(|view| view.holds(None, None, 10)).unwrap();
    assert_eq!(listed, [moved(own), others, nobodys, orphan, moved(second)]);
    let expired = write(&*store, |tx| tx.expired_holds(at(499), 10)).unwrap();
    assert_eq!(names(&expired), ["b.1", "c.1"]);
}

/// The oldest lease first, ties by id, a few at a time; a lease ends at its very moment.
pub fn expired_holds_come_oldest_first_and_a_few_at_a_time<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    for (name, until) in [("d", 20), ("b", 20), ("c", 10), ("a", 30), ("e", 31)] {
        insert(&*store, HoldRow { lease_until: at(until), ..hold(name) });
    }
    insert(&*store, HoldRow { lease_until: at(1), orphaned: true, ..hold("o") });
    let expired = |now, limit| write(&*store, move |tx| tx.expired_holds(at(now), limit)).unwrap();
    assert_eq!(names(&expired(30, 10)), ["c.1", "b.1", "d.1", "a.1"]);
    assert_eq!(names(&expired(30, 2)), ["c.1", "b.1"]);
    assert_eq!(names(&expired(9, 10)), Vec::<&str>::new());
    assert_eq!(expired(10, 10), [HoldRow { lease_until: at(10), ..hold("c") }]);
}

/// Orphans stay for late settlements, and are deleted later; open holds stay whatever their lease says.
pub fn old_orphans_are_forgotten_a_few_at_a_time<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    for (name, until, orphaned) in
        [("a", 10, true), ("b", 20, true), ("c", 30, true), ("d", 10, false), ("e", 40, true)]
    {
        insert(&*store, HoldRow { lease_until: at(until), orphaned, ..hold(name) });
    }
    let forget = |limit| write(&*store, move |tx| tx.forget_orphans(at(40), limit)).unwrap();
    assert_eq!([forget(2), forget(2), forget(2)], [2, 1, 0]);
    let left = store.read(|view| view.holds(None, None, 10)).unwrap();
    assert_eq!(names(&left), ["d.1", "e.1"]);
}

/// An id is unique among the holds and usage of its key only; each row is found, ended and deleted by key and id.
pub fn two_keys_may_use_one_name<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let theirs = HoldRow { key_id: key_id("t4_b"), amount_pico_usd: 7, ..hold("a") };
    assert!(insert(&*store, hold("a")) && insert(&*store, theirs.clone()));
    let get = |key: &'static str| write(&*store, move |tx| tx.hold(&key_id(key), &hold_id("a"))).unwrap();
    assert_eq!([get("t4_a"), get("t4_b"), get("t4_c")], [Some(hold("a")), Some(theirs.clone()), None]);
    assert!(write(&*store, |tx| tx.orphan_hold(&key_id("t4_b"), &hold_id("a"))).unwrap());
    assert_eq!(get("t4_a"), Some(hold("a")));
    assert_eq!(write(&*store, |tx| tx.forget_orphans(at(1000), 10)).unwrap(), 1);
    assert_eq!([get("t4_a"), get("t4_b")], [Some(hold("a")), None]);
    assert!(!write(&*store, |tx| tx.remove_hold(&key_id("t4_b"), &hold_id("a"))).unwrap());
    assert_eq!(get("t4_a"), Some(hold("a")));

    let paid = UsageRow { key_id: key_id("t4_b"), cost_pico_usd: 7, ..usage("a") };
    for row in [usage("a"), paid.clone()] {
        assert!(write(&*store, move |tx| tx.insert_usage(&row)).unwrap());
    }
    let amended = UsageRow { cost_pico_usd: 8, ..paid };
    let row = amended.clone();
    assert!(write(&*store, move |tx| tx.amend_usage(&row)).unwrap());
    let get = |key: &'static str| write(&*store, move |tx| tx.usage(&key_id(key), &hold_id("a"))).unwrap();
    assert_eq!([get("t4_a"), get("t4_b"), get("t4_c")], [Some(usage("a")), Some(amended), None]);
}

/// Holds are listed by id, each once; of one key when it is given.
pub fn holds_are_listed_by_their_ids<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    for (name, of) in [("c", "t4_a"), ("c", "t4_b"), ("a", "t4_b"), ("B", "t4_a"), ("d", "t4_a")] {
        insert(&*store, HoldRow { key_id: key_id(of), ..hold(name) });
    }
    let listed = |of: Option<&str>, size| {
        let of = of.map(key_id);
        let mut found: Vec<HoldRow> = Vec::new();
        loop {
            let after = found.last().map(|last| (&last.id, &last.key_id));
            let page = store.read(|view| view.holds(of.as_ref(), after, size)).unwrap();
            assert!(page.len() <= usize::try_from(size).unwrap());
            if page.is_empty() {
                return found;
            }
            found.extend(page);
        }
    };
    for size in 1..=5 {
        assert_eq!(names(&listed(None, size)), ["B.1", "a.1", "c.1", "c.1", "d.1"]);
        assert_eq!(names(&listed(Some("t4_a"), size)), ["B.1", "c.1", "d.1"]);
        assert_eq!(names(&listed(Some("t4_c"), size)), Vec::<&str>::new());
    }
}
