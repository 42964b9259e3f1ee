//! Conformance: keys.

use api_keys::{KeyQuotas, KeyRecord, ScopeSet};

use super::Backend;
use super::fixtures::{at, key, key_id};
use super::support::write;

/// What is stored is read back field by field, from a view and from a write.
pub fn a_key_is_read_back_whole<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let bare = KeyRecord {
        owner: None,
        scopes: ScopeSet::default(),
        roles: Vec::new(),
        expires_at: None,
        revoked: true,
        previous_mac: None,
        nonce: None,
        daily_limit_pico_usd: 0,
        daily_used_pico_usd: 0,
        used_on: None,
        time_zone: None,
        rate_per_minute: None,
        quotas: KeyQuotas::default(),
        ..key("t4_bare")
    };
    for given in [key("t4_full"), bare] {
        let stored = given.clone();
        assert!(write(&*store, move |tx| tx.insert_key(&stored)).unwrap());
        assert_eq!(store.read(|view| view.key(&given.key_id)).unwrap().as_ref(), Some(&given));
        let id = given.key_id.clone();
        assert_eq!(write(&*store, move |tx| tx.key(&id)).unwrap(), Some(given));
    }
    assert_eq!(store.read(|view| view.key(&key_id("t4_other"))).unwrap(), None);
}

/// An existing key is not overwritten.
pub fn a_taken_key_id_is_told<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    assert!(write(&*store, |tx| tx.insert_key(&key("t4_a"))).unwrap());
    let other = || KeyRecord { owner: None, ..key("t4_a") };
    assert!(!write(&*store, move |tx| tx.insert_key(&other())).unwrap());
    assert_eq!(store.read(|view| view.key(&key_id("t4_a"))).unwrap(), Some(key("t4_a")));
}

/// Of two changes based on one version, only one succeeds.
pub fn an_update_of_a_key_needs_the_version_before<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    write(&*store, |tx| tx.insert_key(&key("t4_a"))).unwrap();
    let revoked = key("t4_a").revoked(at(7));
    for (expected, change) in [(true, revoked.clone()), (false, revoked.clone())] {
        assert_eq!(write(&*store, move |tx| tx.update_key(&change)).unwrap(), expected);
    }
    assert_eq!(store.read(|view| view.key(&key_id("t4_a"))).unwrap(), Some(revoked));
    let unknown = || KeyRecord { version: 2, ..key("t4_unknown") };
    assert!(!write(&*store, move |tx| tx.update_key(&unknown())).unwrap());
}

/// Keys are listed by id, each once.
pub fn keys_are_listed_by_their_ids<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    for name in ["t4_c", "t4_a", "t4_B"] {
        write(&*store, move |tx| tx.insert_key(&key(name))).unwrap();
    }
    for size in 1..=4 {
        let mut found: Vec<KeyRecord> = Vec::new();
        loop {
            let after = found.last().map(|last| last.key_id.clone());
            let page = store.read(|view| view.keys(after.as_ref(), size)).unwrap();
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        let names: Vec<_> = found.iter().map(|key| key.key_id.as_str()).collect();
        assert_eq!(names, ["t4_B", "t4_a", "t4_c"]);
    }
}

/// A write knows whether a key that was read at an epoch may have changed since: by a commit, or by its own changes.
pub fn a_change_of_a_key_is_seen_by_the_writes_after_it<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let moved = |epoch| write(&*store, move |tx| tx.keys_moved(epoch)).unwrap();
    // For a moment a backend may mistake a commit of this process for another's.
    assert!((0..1000).any(|_| !moved(store.watch().epoch)), "no key has changed");
    let epoch = store.watch().epoch;
    write(&*store, |tx| tx.insert_key(&key("t4_a"))).unwrap();
    assert!(moved(epoch));
    let epoch = store.watch().epoch;
    let both = move |tx: &mut dyn crate::Tx| {
        let before = tx.keys_moved(epoch)?;
        tx.update_key(&key("t4_a").revoked(at(7)))?;
        Ok((before, tx.keys_moved(epoch)?))
    };
    let (_, after) = write(&*store, both).unwrap();
    assert!(after, "the change of this write");
    assert!(moved(epoch));
}
