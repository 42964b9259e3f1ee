//! Conformance: counts for quotas.

use std::sync::Arc;

use audit::{Actor, Leafed, Record, event};
use registry_core::{Entropy as _, Intent, KeyId, SeededEntropy, Timestamp};

use super::Backend;
use super::fixtures::{at, bare, id, intent, key_id};
use super::support::{Gate, submit, wait, write};
use crate::{
    DayUsage, Inserted, KeyUsage, Remembered, Store, StoreError, Tx, day_of, logged_bytes,
    stored_answer_bytes, stored_intent_bytes,
};

const KEY: &str = "t4_00000000000a";
const OTHER: &str = "t4_00000000000b";

fn usage(store: &dyn Store, key: &str) -> KeyUsage {
    store.read(|view| view.key_usage(&key_id(key))).unwrap()
}

fn insert_for(tx: &mut dyn Tx, intent: &Intent, key: &str) -> Result<(), StoreError> {
    let inserted = tx.insert_intent(intent, &[7; 32], Some(&key_id(key)))?;
    assert_eq!(inserted, Inserted::Yes);
    Ok(())
}

fn remembered<'a>(caller: &'a str, key: &'a str, outcome: &'a str, at: Timestamp) -> Remembered<'a> {
    Remembered { caller, operation: "op", key, fingerprint: &[9; 32], outcome, at }
}

/// Each intent counts for the key that created it, from its creation over its changes to its deletion.
pub fn intents_count_for_the_key_that_created_them<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let (first, second) = (intent("first"), bare("second"));
    let bytes = stored_intent_bytes(&first) + stored_intent_bytes(&second);
    let given = (first.clone(), second);
    let within = write(&*store, move |tx| {
        insert_for(tx, &given.0, KEY)?;
        insert_for(tx, &given.1, KEY)?;
        // A taken id stores nothing, and a creation without a key counts for no key.
        tx.insert_intent(&given.1, &[7; 32], Some(&key_id(OTHER)))?;
        tx.insert_intent(&bare("nobody's"), &[7; 32], None)?;
        tx.key_usage(&key_id(KEY))
    });
    let within = within.unwrap();
    assert_eq!((within.intents, within.intent_bytes), (2, bytes), "a write sees what it wrote");
    assert_eq!(usage(&*store, KEY), within);
    assert_eq!(usage(&*store, OTHER), KeyUsage::default());

    let grown = Intent { reason: Some("longer".repeat(100)), version: first.version + 1, ..first.clone() };
    let more = stored_intent_bytes(&grown) - stored_intent_bytes(&first);
    assert!(write(&*store, move |tx| tx.update_intent(&grown, None)).unwrap());
    // A change that finds no row changes no count.
    let late = Intent { reason: None, version: 9, ..first };
    assert!(!write(&*store, move |tx| tx.update_intent(&late, None)).unwrap());
    assert_eq!(usage(&*store, KEY).intent_bytes, bytes + more);

    let creator = |name: &'static str| write(&*store, move |tx| tx.creator(&id(name))).unwrap();
    assert_eq!((creator("first"), creator("nobody's"), creator("none")), (Some(key_id(KEY)), None, None));
    for (name, deleted) in [("first", true), ("second", true), ("second", false), ("nobody's", true)] {
        assert_eq!(write(&*store, move |tx| tx.delete_intent(&id(name))).unwrap(), deleted);
    }
    assert_eq!(usage(&*store, KEY), KeyUsage::default());
}

/// An intent that counts for no key counts for the key that a change names, and stays with it.
pub fn an_intent_of_no_key_counts_for_the_one_that_a_change_names<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    write(&*store, |tx| tx.insert_intent(&bare("a"), &[7; 32], None)).unwrap();
    let change = |version: u64, creator: Option<&'static str>| {
        let next = Intent { reason: Some("r".to_owned()), version, ..bare("a") };
        assert!(
            write(&*store, move |tx| {
                let creator = creator.map(key_id);
                tx.update_intent(&next, creator.as_ref())
            })
            .unwrap()
        );
        [KEY, OTHER].map(|key| (usage(&*store, key).intents, usage(&*store, key).intent_bytes))
    };
    let bytes = stored_intent_bytes(&bare("a")) + 1;
    assert_eq!(change(2, None), [(0, 0), (0, 0)]);
    assert_eq!(change(3, Some(KEY)), [(1, bytes), (0, 0)]);
    assert_eq!(change(4, Some(OTHER)), [(1, bytes), (0, 0)]);
    assert!(write(&*store, |tx| tx.delete_intent(&id("a"))).unwrap());
    assert_eq!(usage(&*store, KEY), KeyUsage::default());
}

/// Idempotency keys count for their caller until they are deleted.
pub fn idempotency_keys_count_until_they_are_forgotten<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let size = |key: &str, outcome: &str| stored_answer_bytes(&remembered(KEY, key, outcome, at(0)));
    for (caller, key, outcome, seconds) in
        [(KEY, "a", "short", 1), (KEY, "b", "a longer outcome", 2), (OTHER, "a", "other", 3)]
    {
        write(&*store, move |tx| tx.remember(remembered(caller, key, outcome, at(seconds)))).unwrap();
    }
    let rows_and_bytes = |key| {
        let usage = usage(&*store, key);
        (usage.idempotency_rows, usage.idempotency_bytes, usage.stored_bytes())
    };
    let both = size("a", "short") + size("b", "a longer outcome");
    assert_eq!(rows_and_bytes(KEY), (2, both, both));
    // A key that is stored again counts once, with its new size.
    write(&*store, |tx| tx.remember(remembered(KEY, "a", "no longer short", at(4)))).unwrap();
    let both = size("a", "no longer short") + size("b", "a longer outcome");
    assert_eq!(rows_and_bytes(KEY), (2, both, both));
    assert_eq!(write(&*store, |tx| tx.forget_idempotency(at(4), 10)).unwrap(), 2);
    let left = size("a", "no longer short");
    assert_eq!((rows_and_bytes(KEY), rows_and_bytes(OTHER)), ((1, left, left), (0, 0, 0)));
}

/// A job that fails or panics takes its counts back; the other jobs of its batch keep theirs.
pub fn a_job_that_fails_counts_for_nothing<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    // All wait until the first has begun, so that they share a batch.
    let gate = Gate::default();
    let door = gate.clone();
    let first = submit(&*store, move |tx| {
        door.pass();
        insert_for(tx, &bare("a"), KEY)
    });
    gate.wait_for_one();
    let failed = submit(&*store, |tx| {
        insert_for(tx, &bare("b"), KEY)?;
        tx.remember(remembered(KEY, "k", "x", at(0)))?;
        Err(StoreError::Unavailable("on purpose".to_owned()))
    });
    let panicked = submit(&*store, |tx| {
        insert_for(tx, &bare("c"), KEY)?;
        panic!("on purpose");
    });
    let last = submit(&*store, |tx| {
        assert_eq!(tx.key_usage(&key_id(KEY))?.intents, 1, "the first job's intent alone");
        insert_for(tx, &bare("d"), KEY)
    });
    gate.open();
    assert!(first.get().is_ok() && failed.get().is_err() && panicked.get().is_err() && last.get().is_ok());
    let bytes = stored_intent_bytes(&bare("a")) + stored_intent_bytes(&bare("d"));
    assert_eq!(usage(&*store, KEY), KeyUsage { intents: 2, intent_bytes: bytes, ..KeyUsage::default() });
}

/// Of many jobs that check before they insert, exactly as many insert as there are places.
pub fn the_last_place_is_given_once<B: Backend>() {
    const PLACES: u64 = 5;
    let backend = B::start();
    let store = backend.store();
    let jobs: Vec<_> = (0..40)
        .map(|n| {
            submit(&*store, move |tx| {
                if tx.key_usage(&key_id(KEY))?.intents < PLACES {
                    insert_for(tx, &bare(&format!("i{n}")), KEY)?;
                }
                Ok(())
            })
        })
        .collect();
    assert!(jobs.iter().all(|job| job.get().is_ok()));
    assert_eq!(usage(&*store, KEY).intents, PLACES);
}

fn row(key: Option<&str>, time: Timestamp) -> Record {
    let mut record = Record::of(event::REQUEST, time, Actor::Agent);
    record.api_key = key.map(str::to_owned);
    record.body = Some("a body".repeat(10));
    record
}

/// Rows of the log count for the key that they name, on their day, and the store knows the count without reading the
/// data.
pub fn rows_of_the_log_count_for_the_key_that_they_name<B: Backend>() {
    let mut backend = B::start();
    let store = backend.store();
    let append = |store: &dyn Store, records: Vec<Record>| {
        wait(store.append(records.into_iter().map(Leafed::new).collect::<Vec<Arc<_>>>())).unwrap();
    };
    assert_eq!(store.audit_usage(&key_id(KEY)), None);
    let one = logged_bytes(&row(Some(KEY), at(0)));
    append(
        &*store,
        vec![row(Some(KEY), at(0)), row(Some(OTHER), at(0)), row(None, at(0)), row(Some(KEY), at(1))],
    );
    append(&*store, vec![row(Some(KEY), at(2))]);
    let today = DayUsage { day: day_of(at(0)), bytes: 3 * one };
    assert_eq!((usage(&*store, KEY).audit, store.audit_usage(&key_id(KEY))), (today, Some(today)));
    assert_eq!(usage(&*store, OTHER).audit.bytes, one);
    // A late row of yesterday counts with today's; tomorrow starts again.
    let tomorrow = at(0).plus_days(1);
    append(&*store, vec![row(Some(KEY), tomorrow), row(Some(KEY), at(3))]);
    let next = DayUsage { day: day_of(tomorrow), bytes: 2 * one };
    assert_eq!(usage(&*store, KEY).audit, next);
    append(&*store, vec![row(Some(KEY), at(4))]);
    let next = DayUsage { bytes: 3 * one, ..next };
    assert_eq!((usage(&*store, KEY).audit, store.audit_usage(&key_id(KEY))), (next, Some(next)));
    // A write's own row counts too, and the counts survive a restart.
    write(&*store, |tx| insert_for(tx, &bare("a"), OTHER)).unwrap();
    let (mine, others) = (usage(&*store, KEY), usage(&*store, OTHER));
    drop(store);
    backend.reopen();
    let store = backend.store();
    assert_eq!((usage(&*store, KEY), usage(&*store, OTHER)), (mine, others));
    assert_eq!(others.intents, 1);
}

/// After any operations in any order, the counts equal those of a recount.
pub fn counts_are_always_those_of_a_recount<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let keys = [KEY, OTHER, "t4_00000000000c"].map(key_id);
    let entropy = SeededEntropy::new(11);
    let below = move |end: u64| usize::try_from(entropy.next_u64() % end).unwrap();
    let mut now = 0;
    for round in 0..24 {
        now += 100;
        let jobs: Vec<_> = (0..below(12))
            .map(|_| {
                let any_key = || keys.get(below(3)).unwrap().clone();
                let steps: Vec<_> =
                    (0..below(4)).map(|_| (below(6), below(8), any_key(), below(400))).collect();
                submit(&*store, move |tx| {
                    steps
                        .iter()
                        .try_for_each(|(act, which, key, length)| step(tx, *act, *which, key, *length, now))
                })
            })
            .collect();
        for job in jobs {
            // Some fail on purpose.
            drop(job.get());
        }
        let kept = keys.each_ref().map(|key| usage(&*store, key.as_str()));
        backend.recount();
        assert_eq!(keys.each_ref().map(|key| usage(&*store, key.as_str())), kept, "in round {round}");
    }
}

fn step(
    tx: &mut dyn Tx,
    act: usize,
    which: usize,
    key: &KeyId,
    length: usize,
    now: i64,
) -> Result<(), StoreError> {
    let name = format!("i{which}");
    match act {
        0 => {
            let intent = Intent { reason: Some("ä".repeat(length)), ..bare(&name) };
            tx.insert_intent(&intent, &[7; 32], (!length.is_multiple_of(4)).then_some(key)).map(drop)
        }
        1 => {
            if let Some(old) = tx.intent(&id(&name))? {
                let raw = Some(format!("{}", 10_u128.pow(u32::try_from(length % 30).unwrap())));
                let next =
                    Intent { suggestion: Some("x".repeat(length)), raw, version: old.version + 1, ..old };
                assert!(tx.update_intent(&next, (!length.is_multiple_of(2)).then_some(key))?);
            }
            Ok(())
        }
        2 => tx.delete_intent(&id(&name)).map(drop),
        3 => tx.remember(remembered(key.as_str(), &name, &"y".repeat(length), at(now))),
        4 => tx.forget_idempotency(at(now - 50), 3).map(drop),
        _ => Err(StoreError::Unavailable("on purpose".to_owned())),
    }
}
