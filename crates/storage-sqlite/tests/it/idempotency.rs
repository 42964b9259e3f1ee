//! Deletion of old idempotency keys does not hold the writer for long.

use crate::support::{TempStore, run};
use registry_core::Timestamp;
use storage::{Remembered, StoreError};

#[test]
fn large_outcomes_are_forgotten_a_few_at_a_time() {
    let store = TempStore::new();
    let store = store.store();
    run(&*store, |tx| {
        let outcome = "x".repeat(600_000);
        for n in 0..10 {
            let (caller, operation, key) = ("t4_a", "op", format!("k{n}"));
            let at = Timestamp::EPOCH.plus_seconds(n);
            let fingerprint = &[1; 32];
            tx.remember(Remembered { caller, operation, key: &key, fingerprint, outcome: &outcome, at })?;
        }
        Ok(())
    })
    .unwrap();
    let before = Timestamp::EPOCH.plus_seconds(100);
    let forget = || {
        let (tell, told) = std::sync::mpsc::channel();
        run(&*store, move |tx| {
            let gone = tx.forget_idempotency(before, 500)?;
            tell.send(gone).map_err(|_| StoreError::Closed)
        })
        .unwrap();
        told.recv().unwrap()
    };
    let runs: Vec<u64> = std::iter::repeat_with(forget).take_while(|gone| *gone > 0).collect();
    assert_eq!(runs, [2, 2, 2, 2, 2]);
}
