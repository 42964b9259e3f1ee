//! Conformance: single intents.

use registry_core::Status;

use super::Backend;
use super::fixtures::{at, bare, id, intent};
use super::support::write;
use crate::Inserted;

/// What is stored is read back field by field, from a view and from a write.
pub fn an_inserted_intent_is_read_back_whole<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let mut odd = bare("odd");
    odd.stored_status = Some("wip".to_owned());
    odd.resolved_at = Some(at(3));
    for given in [intent("full"), bare("bare"), odd] {
        let stored = given.clone();
        let inserted = write(&*store, move |tx| tx.insert_intent(&stored, &[7; 32], None)).unwrap();
        assert_eq!(inserted, Inserted::Yes);
        let seen = store.read(|view| view.intent(&given.id)).unwrap();
        assert_eq!(seen.as_ref(), Some(&given));
        let wanted = given.id.clone();
        assert_eq!(write(&*store, move |tx| tx.intent(&wanted)).unwrap().as_ref(), Some(&given));
    }
    assert_eq!(store.read(|view| view.intent(&id("other"))).unwrap(), None);
}

/// A conflict is a value: the existing row, and the digest of the body that created it.
pub fn a_taken_id_is_told_with_what_is_there<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let first = intent("taken");
    let stored = first.clone();
    write(&*store, move |tx| tx.insert_intent(&stored, &[7; 32], None)).unwrap();
    let again = write(&*store, |tx| {
        let refused = tx.insert_intent(&bare("taken"), &[8; 32], None)?;
        // The transaction continues after a conflict.
        assert_eq!(tx.insert_intent(&bare("free"), &[8; 32], None)?, Inserted::Yes);
        Ok(refused)
    });
    let expected = Inserted::No { existing: Box::new(first.clone()), creation: Some([7; 32]) };
    assert_eq!(again.unwrap(), expected);
    assert_eq!(store.read(|view| view.intent(&first.id)).unwrap(), Some(first));
    assert!(store.read(|view| view.intent(&id("free"))).unwrap().is_some());
}

/// Of two changes based on one version, only one succeeds.
pub fn an_update_needs_the_version_before<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    write(&*store, |tx| tx.insert_intent(&intent("a"), &[7; 32], None)).unwrap();
    let mut changed = intent("a");
    changed.owner = None;
    changed.status = Status::Implemented;
    changed.resolved_at = Some(at(9));
    changed.modified_at = at(9);
    changed.version = 2;
    let update = |changed: &registry_core::Intent| {
        let changed = changed.clone();
        write(&*store, move |tx| tx.update_intent(&changed, None)).unwrap()
    };
    assert!(update(&changed));
    assert_eq!(store.read(|view| view.intent(&changed.id)).unwrap().as_ref(), Some(&changed));
    let late = registry_core::Intent { reason: None, ..changed.clone() };
    assert!(!update(&late));
    assert!(!update(&registry_core::Intent { version: 4, ..late }));
    assert_eq!(store.read(|view| view.intent(&changed.id)).unwrap(), Some(changed));
    assert!(!update(&registry_core::Intent { version: 2, ..intent("unknown") }));
}

/// A deletion reports whether there was an intent, and frees the id.
pub fn a_deleted_intent_is_gone_and_its_id_free<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    write(&*store, |tx| tx.insert_intent(&intent("a"), &[7; 32], None)).unwrap();
    assert!(write(&*store, |tx| tx.delete_intent(&id("a"))).unwrap());
    assert!(!write(&*store, |tx| tx.delete_intent(&id("a"))).unwrap());
    assert_eq!(store.read(|view| view.intent(&id("a"))).unwrap(), None);
    assert_eq!(write(&*store, |tx| tx.insert_intent(&bare("a"), &[8; 32], None)).unwrap(), Inserted::Yes);
}

/// A write sees what it has written.
pub fn a_write_sees_what_it_wrote<B: Backend>() {
    let backend = B::start();
    let seen = write(&*backend.store(), |tx| {
        tx.insert_intent(&intent("a"), &[7; 32], None)?;
        let inserted = tx.intent(&id("a"))?;
        tx.delete_intent(&id("a"))?;
        Ok((inserted, tx.intent(&id("a"))?))
    });
    assert_eq!(seen.unwrap(), (Some(intent("a")), None));
}
