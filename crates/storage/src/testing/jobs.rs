//! Conformance: jobs, views, and the life cycle of a store.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use registry_core::KeyId;

use super::Backend;
use super::fixtures::{at, bare, id, key};
use super::support::{Ending, Gate, submit, submit_as, verified_log, wait, write};
use crate::{JobCaller, Precedence, ReadLane, Store, StoreError, View};

const LONG: Duration = Duration::from_mins(1);

fn inserting(store: &dyn Store, name: &'static str) -> Ending {
    submit(store, move |tx| tx.insert_intent(&bare(name), &[7; 32], None).map(drop))
}

fn is_there(store: &dyn Store, name: &str) -> bool {
    store.read(|view| view.intent(&id(name))).unwrap().is_some()
}

/// Holds the store, so that jobs that are submitted meanwhile can share a batch.
fn hold(store: &dyn Store) -> (Gate, Ending) {
    let gate = Gate::default();
    let held = gate.clone();
    let ending = submit(store, move |_| {
        held.pass();
        Ok(())
    });
    gate.wait_for_one();
    (gate, ending)
}

/// A panic of one job does not affect the writes of others.
pub fn a_panic_leaves_the_others_committed_and_answered<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let (gate, held) = hold(&*store);
    let first = inserting(&*store, "first");
    let bad = submit(&*store, |tx| {
        tx.insert_intent(&bare("bad"), &[7; 32], None)?;
        panic!("a defect")
    });
    let last = inserting(&*store, "last");
    gate.open();
    held.get().unwrap();
    first.get().unwrap();
    assert!(matches!(bad.get(), Err(StoreError::Panicked(text)) if text.contains("a defect")));
    last.get().unwrap();
    assert!(is_there(&*store, "first") && is_there(&*store, "last") && !is_there(&*store, "bad"));
}

/// An error of one job does not affect others.
pub fn an_error_is_rolled_back_alone<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let (gate, held) = hold(&*store);
    let first = inserting(&*store, "first");
    let bad = submit(&*store, |tx| {
        tx.insert_intent(&bare("bad"), &[7; 32], None)?;
        Err(StoreError::Unavailable("made up".to_owned()))
    });
    let last = inserting(&*store, "last");
    gate.open();
    held.get().unwrap();
    first.get().unwrap();
    assert!(matches!(bad.get(), Err(StoreError::Unavailable(_))));
    last.get().unwrap();
    assert!(is_there(&*store, "first") && is_there(&*store, "last") && !is_there(&*store, "bad"));
}

/// A job that nobody waits for is skipped.
pub fn a_job_whose_caller_is_gone_is_not_begun<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    // Every worker of a backend that has several is held.
    let holds: Vec<_> = (0..32).map(|_| Gate::default()).collect();
    let held: Vec<_> = holds
        .iter()
        .map(|gate| {
            let gate = gate.clone();
            submit(&*store, move |_| {
                gate.pass();
                Ok(())
            })
        })
        .collect();
    let left = inserting(&*store, "left");
    left.gone.store(true, Ordering::SeqCst);
    holds.iter().for_each(Gate::open);
    for held in held {
        held.get().unwrap();
    }
    assert!(matches!(left.get(), Err(StoreError::Gone)));
    assert!(!is_there(&*store, "left"));
}

fn some_key(name: &str) -> JobCaller {
    JobCaller::Key(KeyId::from_stored(name.to_owned()))
}

/// A full queue is reported at once; work of the server still finds a place; no accepted job is lost.
pub fn a_full_queue_refuses_and_control_jobs_still_find_a_place<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let gate = Gate::default();
    let job = |precedence, caller| {
        let gate = gate.clone();
        submit_as(&*store, precedence, caller, move |_| {
            gate.pass();
            Ok(())
        })
    };
    let mut taken = Vec::new();
    let refused = (0..100_000).find_map(|n| {
        let ending = job(Precedence::Ordinary, some_key(&format!("t4_{n}")));
        let end = ending.peek();
        if end.is_none() {
            taken.push(ending);
        }
        end
    });
    assert!(matches!(refused, Some(Err(StoreError::Busy))), "{refused:?}");
    let control = [JobCaller::Platform, JobCaller::Admin, some_key("t4_settles")];
    let control = control.map(|caller| job(Precedence::Control, caller));
    for ending in &control {
        assert!(ending.peek().is_none(), "a control job found no place");
    }
    assert!(store.stats().queue_refusals >= 1 && store.stats().queue_depth >= 1);
    gate.open();
    for ending in taken.into_iter().chain(control) {
        ending.get().unwrap();
    }
}

/// One key can't fill the queue: other keys, and the server, find their places.
pub fn a_full_share_refuses_its_key_alone<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let (gate, held) = hold(&*store);
    let job = |caller| submit_as(&*store, Precedence::Ordinary, caller, |_| Ok(()));
    let mut taken = Vec::new();
    let refused = (0..100_000).find_map(|_| {
        let ending = job(some_key("t4_greedy"));
        let end = ending.peek();
        if end.is_none() {
            taken.push(ending);
        }
        end
    });
    assert!(matches!(refused, Some(Err(StoreError::Busy))), "{refused:?}");
    let other = job(some_key("t4_other"));
    assert!(other.peek().is_none(), "the queue was filled by one key");
    gate.open();
    held.get().unwrap();
    other.get().unwrap();
    for ending in taken {
        ending.get().unwrap();
    }
}

/// Neither another caller nor an admin waits for one caller's many jobs.
pub fn others_and_control_jobs_go_before_a_crowd<B: Backend>() {
    const CROWD: usize = 100;
    let backend = B::start();
    let store = backend.store();
    let (gate, held) = hold(&*store);
    let order = Arc::new(Mutex::new(Vec::new()));
    let job = |name: &'static str, precedence, caller| {
        let order = Arc::clone(&order);
        submit_as(&*store, precedence, caller, move |tx| {
            // Work that the store's clock can measure.
            for _ in 0..500 {
                tx.intent(&id("none"))?;
            }
            order.lock().unwrap().push(name);
            Ok(())
        })
    };
    let mut endings: Vec<_> =
        (0..CROWD).map(|_| job("crowd", Precedence::Ordinary, some_key("t4_greedy"))).collect();
    endings.push(job("other", Precedence::Ordinary, some_key("t4_other")));
    endings.push(job("admin", Precedence::Control, JobCaller::Admin));
    gate.open();
    held.get().unwrap();
    for ending in endings {
        ending.get().unwrap();
    }
    let order = order.lock().unwrap();
    let place = |name| order.iter().position(|ran| *ran == name).unwrap();
    assert!(place("admin") < CROWD / 2 && place("other") < CROWD / 2, "{order:?}");
}

/// A job that never ends is stopped alone, and nothing of it is kept.
pub fn a_job_past_its_deadline_fails_alone<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let (gate, held) = hold(&*store);
    let first = inserting(&*store, "first");
    let endless = submit(&*store, |tx| {
        tx.insert_intent(&bare("endless"), &[7; 32], None)?;
        loop {
            tx.intent(&id("first"))?;
        }
    });
    let last = inserting(&*store, "last");
    gate.open();
    held.get().unwrap();
    first.get().unwrap();
    assert!(matches!(endless.get(), Err(StoreError::DeadlineExceeded)));
    last.get().unwrap();
    assert!(is_there(&*store, "first") && is_there(&*store, "last") && !is_there(&*store, "endless"));
    assert_eq!(store.stats().deadline_refusals, 1);
}

/// A job can't continue after its deadline by ignoring the error.
pub fn a_job_past_its_deadline_writes_nothing_more<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let stubborn = submit(&*store, |tx| {
        while tx.intent(&id("none")).is_ok() {}
        assert!(tx.insert_intent(&bare("late"), &[7; 32], None).is_err());
        Ok(())
    });
    assert!(matches!(stubborn.get(), Err(StoreError::DeadlineExceeded)));
    assert!(!is_there(&*store, "late"));
}

/// A caller reads its own writes.
pub fn an_acknowledged_write_is_seen_by_the_next_view<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    for n in 0..200 {
        let name = format!("n{n}");
        let intent = bare(&name);
        write(&*store, move |tx| tx.insert_intent(&intent, &[7; 32], None)).unwrap();
        assert!(is_there(&*store, &name), "{name}");
    }
}

/// A view does not see what is committed while it reads, whichever connection it has; a read of one row does.
pub fn a_view_is_one_snapshot<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let looks = |name: &'static str, view: &dyn View| {
        let before = view.intent(&id(name))?;
        write(&*store, move |tx| tx.insert_intent(&bare(name), &[7; 32], None))?;
        assert!(store.intent(Duration::from_secs(2), &id(name))?.is_some());
        Ok((before.is_some(), view.intent(&id(name))?.is_some(), view.next_seq()?))
    };
    assert_eq!(store.read(|view| looks("a", view)).unwrap(), (false, false, 1));
    assert_eq!(store.read_point(ReadLane::Blocking, |view| looks("b", view)).unwrap(), (false, false, 2));
    assert!(is_there(&*store, "a") && is_there(&*store, "b"));
    assert_eq!(store.intent(Duration::ZERO, &id("c")).unwrap(), None);
}

/// An error of a view's closure is returned to its caller.
pub fn the_error_of_a_view_reaches_its_caller<B: Backend>() {
    let backend = B::start();
    let failed: Result<(), _> = backend.store().read(|_| Err(StoreError::Full));
    assert!(matches!(failed, Err(StoreError::Full)));
}

/// A panic in a view keeps neither its connection nor its snapshot.
pub fn a_view_that_panics_leaves_the_store_usable<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    for _ in 0..40 {
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            drop(store.read::<()>(|view| {
                view.next_seq()?;
                panic!("a defect")
            }));
        }));
        assert!(panicked.is_err());
    }
    write(&*store, |tx| tx.insert_intent(&bare("a"), &[7; 32], None)).unwrap();
    assert!(is_there(&*store, "a"));
    assert_eq!(store.stats().readers_busy, 0);
}

/// After the close, every call returns an error that says why.
pub fn a_closed_store_takes_no_job<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    store.close(LONG).unwrap();
    assert!(matches!(inserting(&*store, "a").get(), Err(StoreError::Closed)));
    assert!(matches!(write(&*store, |_| Ok(())), Err(StoreError::Closed)));
    store.close(LONG).unwrap();
}

/// Jobs that were accepted before the close are done and answered.
pub fn what_waits_at_the_close_is_committed<B: Backend>() {
    let mut backend = B::start();
    let store = backend.store();
    let (gate, held) = hold(&*store);
    let waiting = inserting(&*store, "a");
    let closing = {
        let store = Arc::clone(&store);
        std::thread::spawn(move || store.close(LONG))
    };
    gate.open();
    held.get().unwrap();
    waiting.get().unwrap();
    closing.join().unwrap().unwrap();
    drop(store);
    backend.reopen();
    assert!(is_there(&*backend.store(), "a"));
}

/// The log continues after a restart.
pub fn a_reopened_store_has_everything<B: Backend>() {
    let mut backend = B::start();
    let store = backend.store();
    write(&*store, |tx| {
        tx.insert_key(&key("t4_a"))?;
        tx.insert_intent(&bare("a"), &[7; 32], None)
    })
    .unwrap();
    let before = verified_log(&backend);
    drop(store);
    backend.reopen();
    let store = backend.store();
    assert_eq!(verified_log(&backend), before);
    assert!(is_there(&*store, "a"));
    assert!(store.read(|view| view.key(&key("t4_a").key_id)).unwrap().is_some());
    write(&*store, |tx| tx.insert_intent(&bare("b"), &[7; 32], None)).unwrap();
    assert_eq!(verified_log(&backend).len(), before.len() + 1);
}

/// A change of a key moves the epoch before it is answered.
pub fn commits_and_epochs_are_counted<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let before = store.watch();
    write(&*store, |tx| tx.insert_key(&key("t4_a"))).unwrap();
    let after = store.watch();
    assert!(after.durable > before.durable && after.epoch > before.epoch, "{before:?} {after:?}");
    assert!(!after.write_trouble);
    let stats = store.stats();
    assert!(stats.commits >= 1 && stats.jobs >= 1 && stats.audit_rows >= 1 && stats.failed_jobs == 0);
    wait(store.upkeep(|_| Ok(()))).unwrap();
}

/// A write that shares its commit with a change of a key sees that change.
pub fn a_change_of_a_key_is_seen_within_its_commit<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    write(&*store, |tx| tx.insert_key(&key("t4_a"))).unwrap();
    let (gate, held) = hold(&*store);
    let (epoch, moved) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (watched, before) = (Arc::clone(&store), Arc::clone(&epoch));
    let change = submit(&*store, move |tx| {
        before.store(watched.watch().epoch, Ordering::SeqCst);
        tx.update_key(&key("t4_a").revoked(at(7))).map(drop)
    });
    let seen = Arc::clone(&moved);
    let behind = submit(&*store, move |tx| {
        seen.store(tx.keys_moved(epoch.load(Ordering::SeqCst))?, Ordering::SeqCst);
        Ok(())
    });
    gate.open();
    held.get().unwrap();
    change.get().unwrap();
    behind.get().unwrap();
    assert!(moved.load(Ordering::SeqCst));
}
