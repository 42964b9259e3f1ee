//! Full disks, locks of other processes, and two stores on one file.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking as well")]

use std::sync::{Arc, Barrier};
use std::time::Duration;

use crate::support::{TempStore, insert, intent, options, pepper, run, submit, verdict, within};
use audit::{Actor, Leafed, Record};
use registry_core::{KeyId, Timestamp};
use rusqlite::Connection;
use storage::{Remembered, Store, StoreError, Tx, stored_intent_bytes};
use storage_sqlite::SqliteStore;
use tempfile::TempDir;

fn is_there(store: &dyn Store, name: &str) -> bool {
    let id = registry_core::IntentId::new(name).unwrap();
    store.read(|view| view.intent(&id)).unwrap().is_some()
}

fn creator() -> KeyId {
    KeyId::from_stored("t4_00000000000a".to_owned())
}

/// The intents and their bytes that count for [`creator`].
fn counted(store: &dyn Store) -> (u64, u64) {
    let usage = store.read(|view| view.key_usage(&creator())).unwrap();
    (usage.intents, usage.intent_bytes)
}

/// Verifies the whole log; returns how many rows it has.
fn verify(store: &dyn Store) -> u64 {
    let verdict = verdict(store);
    assert!(verdict.ok, "{verdict:?}");
    verdict.next_seq
}

/// Appends a record beside whatever else a job does.
fn record() -> Arc<Leafed> {
    Leafed::new(Record::of("test", Timestamp::EPOCH, Actor::System))
}

/// A store whose file may not grow beyond some pages.
fn bounded(folder: &TempDir) -> Arc<dyn Store> {
    let pepper = pepper();
    let mut options = options(&folder.path().join("registry.db"), &pepper);
    options.max_pages = Some(60);
    SqliteStore::open(options).unwrap().0
}

/// Needs more space than there is, in a statement that SQLite undoes alone.
fn greedy_statement(tx: &mut dyn Tx) -> Result<(), StoreError> {
    let mut large = intent("large");
    large.reason = Some("x".repeat(2_000_000));
    tx.insert_intent(&large, &[7; 32], None).map(drop)
}

/// The same in a statement under which SQLite drops the whole transaction, as it does on I/O errors.
fn greedy_transaction(tx: &mut dyn Tx) -> Result<(), StoreError> {
    let outcome = "x".repeat(2_000_000);
    let (caller, operation, key) = ("t4_a", "op", "k");
    tx.remember(Remembered {
        caller,
        operation,
        key,
        fingerprint: &[1; 32],
        outcome: &outcome,
        at: Timestamp::EPOCH,
    })
}

#[test]
fn a_job_that_finds_no_space_fails_alone() {
    fails_alone(greedy_statement);
}

#[test]
fn a_job_that_takes_the_transaction_down_fails_alone() {
    fails_alone(greedy_transaction);
}

fn fails_alone(greed: fn(&mut dyn Tx) -> Result<(), StoreError>) {
    let folder = TempDir::new().unwrap();
    let store = bounded(&folder);
    let barrier = Arc::new(Barrier::new(2));
    let held = Arc::clone(&barrier);
    let holding = submit(&*store, move |_| {
        held.wait();
        held.wait();
        Ok(())
    });
    barrier.wait();
    let before = submit(&*store, |tx| {
        tx.append_audit(record())?;
        tx.insert_intent(&intent("before"), &[7; 32], Some(&creator())).map(drop)
    });
    let greedy = submit(&*store, move |tx| {
        tx.append_audit(record())?;
        greed(tx)
    });
    // It runs after the transaction was dropped, for the first time or again.
    let panicking = submit(&*store, |_| panic!("a defect"));
    let after = submit(&*store, |tx| {
        tx.append_audit(record())?;
        tx.insert_intent(&intent("after"), &[7; 32], Some(&creator())).map(drop)
    });
    barrier.wait();
    let end = |ends: std::sync::mpsc::Receiver<_>| ends.recv_timeout(Duration::from_mins(1)).unwrap();
    end(holding).unwrap();
    end(before).unwrap();
    assert!(matches!(end(greedy), Err(StoreError::Full)));
    assert!(matches!(end(panicking), Err(StoreError::Panicked(_))));
    end(after).unwrap();
    assert!(is_there(&*store, "before") && is_there(&*store, "after") && !is_there(&*store, "large"));
    // Genesis, and the two that were kept.
    assert_eq!(verify(&*store), 3);
    // Also a job that ran twice is counted once.
    let bytes = ["before", "after"].map(|name| stored_intent_bytes(&intent(name))).iter().sum();
    assert_eq!(counted(&*store), (2, bytes));
}

#[test]
fn trouble_is_shown_and_goes_when_writing_works_again() {
    let folder = TempDir::new().unwrap();
    let store = bounded(&folder);
    let full = run(&*store, greedy_statement);
    assert!(matches!(full, Err(StoreError::Full)));
    assert!(store.watch().write_trouble);
    // Nobody writes: the store finds out by itself.
    assert!(within(Duration::from_secs(10), || !store.watch().write_trouble));
    insert(&*store, "a").unwrap();
}

#[test]
fn a_lock_that_is_held_too_long_is_told_and_the_store_recovers() {
    let store = TempStore::new();
    let other = store.by_hand();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let store = store.store();
    assert!(matches!(insert(&*store, "a"), Err(StoreError::Locked)));
    assert!(!store.watch().write_trouble, "another's lock says nothing about the disk");
    other.execute_batch("ROLLBACK").unwrap();
    insert(&*store, "a").unwrap();
    assert_eq!(verify(&*store), 1);
}

#[test]
fn a_lock_that_is_held_for_a_moment_is_waited_for() {
    let store = TempStore::new();
    let other = store.by_hand();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let intent = intent("a");
    let ends = submit(&*store.store(), move |tx| tx.insert_intent(&intent, &[7; 32], None).map(drop));
    assert!(ends.recv_timeout(Duration::from_millis(200)).is_err());
    other.execute_batch("COMMIT").unwrap();
    ends.recv_timeout(Duration::from_mins(1)).unwrap().unwrap();
}

#[test]
fn every_column_of_a_sealed_row_is_covered() {
    let store = TempStore::new();
    let body = br#"{"a":1}"#;
    let mut full = Record::of("test", Timestamp::EPOCH, Actor::Agent);
    full.status_code = Some(200);
    full.path = Some("/p".to_owned());
    full.body = Some(String::from_utf8_lossy(body).into_owned());
    full.body_kept = true;
    full.body_bytes = 7;
    full.body_sha256 = Some(canonical::Digest::sha256(body).to_string());
    let leafed = Leafed::new(full);
    run(&*store.store(), move |tx| tx.append_audit(Arc::clone(&leafed))).unwrap();
    assert_eq!(verify(&*store.store()), 2);
    let conn: Connection = store.by_hand();
    let edits = [
        "timestamp = '1970-01-01 00:00:00'",
        "timestamp = NULL",
        "api_key = ''",
        "agent_id = x'00'",
        "path = '/'",
        "method = 'GET'",
        "status_code = NULL",
        "status_code = 70000",
        "status_code = 'many'",
        "ip = ''",
        "body = '{\"a\":2}'",
        "body = NULL",
        "body = CAST(body AS BLOB)",
        "path = CAST(path AS BLOB)",
        "outcome = outcome || char(0) || 'x'",
        "body_bytes = 7.5",
        "id = 1000",
        "id = 9223372036854775807",
        "id = -5",
        "v = 257",
        "v = 0",
        "event = 'request'",
        "event = NULL",
        "request_id = ''",
        "actor = 'nobody'",
        "actor = NULL",
        "route = ''",
        "outcome = ''",
        "outcome = NULL",
        "count = 2",
        "count = -1",
        "count = NULL",
        "body_bytes = 8",
        "body_kept = 0",
        "body_kept = 2",
        "body_kept = NULL",
        "body_sha256 = NULL",
        "detail = ''",
        "leaf = NULL",
        "leaf = zeroblob(32)",
        "chain = zeroblob(32)",
        "seq = NULL",
        "seq = 7",
        "seq = 'x'",
        "seq = -1",
    ];
    for edit in edits {
        conn.execute_batch(&format!("SAVEPOINT e; UPDATE audit_log SET {edit} WHERE seq = 1; RELEASE e"))
            .unwrap();
        assert!(!verdict(&*store.store()).ok, "`{edit}` is not found");
        let undo = "DELETE FROM audit_log WHERE id <> 1; INSERT INTO audit_log SELECT * FROM kept";
        if edit == edits[0] {
            // The row as it was, from the second edit on.
            conn.execute_batch("UPDATE audit_log SET timestamp = '1970-01-01T00:00:00.000000Z' WHERE id = 2")
                .unwrap();
            conn.execute_batch("CREATE TEMP TABLE kept AS SELECT * FROM audit_log WHERE id = 2").unwrap();
        } else {
            conn.execute_batch(undo).unwrap();
        }
        assert_eq!(verify(&*store.store()), 2, "after `{edit}`");
    }
}
