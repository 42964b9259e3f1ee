//! Conformance: idempotency keys.

use super::Backend;
use super::fixtures::at;
use super::support::write;
use crate::{Recalled, Remembered, Store};

fn remember(
    store: &dyn Store,
    caller: &'static str,
    operation: &'static str,
    key: &'static str,
    seconds: i64,
) {
    write(store, move |tx| {
        let fingerprint = &[9; 32];
        tx.remember(Remembered {
            caller,
            operation,
            key,
            fingerprint,
            outcome: r#"{"a":1}"#,
            at: at(seconds),
        })
    })
    .unwrap();
}

fn recall(
    store: &dyn Store,
    caller: &'static str,
    operation: &'static str,
    key: &'static str,
) -> Option<Recalled> {
    write(store, move |tx| tx.recall(caller, operation, key)).unwrap()
}

/// A key counts only for its caller and operation.
pub fn what_is_remembered_is_recalled_for_its_caller_and_operation_alone<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    remember(&*store, "t4_a", "create_intent", "k", 0);
    let expected = Recalled { fingerprint: [9; 32], outcome: r#"{"a":1}"#.to_owned() };
    assert_eq!(recall(&*store, "t4_a", "create_intent", "k"), Some(expected));
    assert_eq!(recall(&*store, "t4_b", "create_intent", "k"), None);
    assert_eq!(recall(&*store, "t4_a", "patch_intent", "k"), None);
    assert_eq!(recall(&*store, "t4_a", "create_intent", "K"), None);
}

/// Upkeep deletes keys older than a point in time, a limited number per run.
pub fn old_keys_are_forgotten_a_few_at_a_time<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    for (key, seconds) in [("a", 1), ("b", 2), ("c", 3), ("d", 4)] {
        remember(&*store, "t4_a", "op", key, seconds);
    }
    let forget = |limit| write(&*store, move |tx| tx.forget_idempotency(at(4), limit)).unwrap();
    assert_eq!((forget(2), forget(2), forget(2)), (2, 1, 0));
    assert_eq!(recall(&*store, "t4_a", "op", "c"), None);
    assert!(recall(&*store, "t4_a", "op", "d").is_some());
}
