//! Interruption of reads that run past their deadline.

use std::time::Duration;

use crate::support::{TempStore, accept, insert, intent, submit};
use storage::StoreError;

/// Puts an endless view in the place of a table.
fn make_endless(store: &TempStore, table: &str, columns: &str) -> rusqlite::Result<()> {
    let sql = format!(
        "ALTER TABLE {table} RENAME TO kept_{table}; \
         CREATE VIEW {table} AS \
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
         SELECT {columns} FROM n WHERE i < 0"
    );
    store.by_hand().execute_batch(&sql)?;
    accept(&store.path());
    Ok(())
}

#[test]
fn an_endless_read_of_a_job_is_interrupted_and_its_batch_mates_commit() {
    let store = TempStore::new();
    let columns = "'t4_a' AS caller, 'op' AS operation, 'k' AS key, i AS fingerprint, i AS outcome, i AS at";
    make_endless(&store, "idempotency", columns).unwrap();
    let store = store.store();
    let ends = [
        submit(&*store, |tx| tx.insert_intent(&intent("before"), &[7; 32], None).map(drop)),
        submit(&*store, |tx| {
            tx.insert_intent(&intent("endless"), &[7; 32], None)?;
            tx.recall("t4_a", "op", "k").map(drop)
        }),
        submit(&*store, |tx| tx.insert_intent(&intent("after"), &[7; 32], None).map(drop)),
    ];
    let ends = ends.map(|ends| ends.recv_timeout(Duration::from_mins(1)).unwrap());
    assert!(matches!(ends, [Ok(()), Err(StoreError::DeadlineExceeded), Ok(())]), "{ends:?}");
    let there = |name: &str| store.read(|view| view.intent(&intent(name).id)).unwrap().is_some();
    assert!(there("before") && !there("endless") && there("after"));
    assert!(!store.watch().write_trouble, "the disk is well");
}

#[test]
fn an_endless_view_is_interrupted_and_its_connection_is_of_use_again() {
    let store = TempStore::new();
    make_endless(&store, "outside_changes", "i AS id, i AS table_name, i AS key, i AS kind, i AS at")
        .unwrap();
    for _ in 0..5 {
        let end = store.sqlite().external_changes(1);
        assert!(matches!(end, Err(StoreError::DeadlineExceeded)), "{end:?}");
    }
    let store = store.store();
    insert(&*store, "a").unwrap();
    assert!(store.read(|view| view.intent(&intent("a").id)).unwrap().is_some());
    assert_eq!(store.stats().readers_busy, 0);
}
