//! Conformance: two servers on the same data.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use audit::{Actor, Leafed, Record, event};

use super::Backend;
use super::fixtures::{at, bare, id, key, key_id};
use super::support::{verified_log, write};
use crate::{Store, Tx};

/// How soon one server must obey a commit of another.
const OBEYED_WITHIN: Duration = Duration::from_secs(1);

/// Runs `act` many times on both servers at once, with a different name each time.
fn on_both(stores: [&Arc<dyn Store>; 2], rounds: u32, act: fn(&dyn Store, String)) {
    thread::scope(|scope| {
        for (server, store) in stores.into_iter().enumerate() {
            for writer in 0..4 {
                scope.spawn(move || {
                    for round in 0..rounds {
                        act(&**store, format!("{server}-{writer}-{round}"));
                    }
                });
            }
        }
    });
}

/// Every acknowledged write of either server has its row, and the chain is right.
pub fn two_servers_write_one_log<B: Backend>() {
    let backend = B::start();
    let (first, second) = (backend.store(), backend.second());
    let before = verified_log(&backend).len();
    on_both([&first, &second], 25, |store, name| {
        write(store, move |tx| {
            // A job may add rows besides that of its request.
            tx.append_audit(Leafed::new(Record::of(event::REQUEST, at(0), Actor::System)))?;
            tx.insert_intent(&bare(&name), &[7; 32], None).map(drop)
        })
        .unwrap();
    });
    assert_eq!(verified_log(&backend).len(), before + 2 * 2 * 4 * 25);
    let there = |store: &dyn Store, name: &str| store.read(|view| view.intent(&id(name))).unwrap().is_some();
    assert!(there(&*second, "0-0-0") && there(&*first, "1-3-24"));
}

/// A quota is compared in the transaction that stores, whichever server stores at the same time.
pub fn two_servers_give_the_last_place_once<B: Backend>() {
    const PLACES: u64 = 20;
    fn take(tx: &mut dyn Tx, name: &str) -> Result<(), crate::StoreError> {
        let creator = key_id("t4_a");
        if tx.key_usage(&creator)?.intents < PLACES {
            tx.insert_intent(&bare(name), &[7; 32], Some(&creator))?;
        }
        Ok(())
    }
    let backend = B::start();
    let (first, second) = (backend.store(), backend.second());
    on_both([&first, &second], 10, |store, name| write(store, move |tx| take(tx, &name)).unwrap());
    let counted = |store: &dyn Store| store.read(|view| view.key_usage(&key_id("t4_a"))).unwrap().intents;
    assert_eq!((counted(&*first), counted(&*second)), (PLACES, PLACES));
    backend.recount();
    assert_eq!(counted(&*first), PLACES, "the rows themselves");
}

/// A server that has cached a key reads it again within a second.
pub fn a_change_of_a_key_moves_the_epoch_of_the_other_server<B: Backend>() {
    let backend = B::start();
    let (first, second) = (backend.store(), backend.second());
    write(&*first, |tx| tx.insert_key(&key("t4_a")).map(drop)).unwrap();
    thread::sleep(OBEYED_WITHIN);
    let before = second.watch().epoch;
    write(&*first, |tx| tx.update_key(&key("t4_a").revoked(at(1))).map(drop)).unwrap();
    // A write sees it at once, before the watcher does.
    assert!(write(&*second, move |tx| tx.keys_moved(before)).unwrap());
    let noticed = (0..100).any(|_| {
        thread::sleep(OBEYED_WITHIN / 100);
        second.watch().epoch != before
    });
    assert!(noticed, "the other server has not noticed");
    assert!(second.read(|view| view.key(&key_id("t4_a"))).unwrap().unwrap().revoked);
}
