//! Conformance: the audit log's order, atomicity and pages.

use std::convert::Infallible;
use std::thread;

use audit::{Actor, Leafed, Outcome, Record, StoredRow, event};

use super::Backend;
use super::fixtures::{at, bare, id, intent};
use super::support::{draft, verified_log, wait, write};
use crate::{AuditQuery, Decided, JobClass, PlatformAuthority, SealedCheckpoint, StoreError};

/// Record with a value in every field.
fn full_record() -> Record {
    let body = "1.0";
    Record {
        request_id: Some("r-1".to_owned()),
        api_key: Some("t4_a".to_owned()),
        agent_id: Some("agent".to_owned()),
        ip: Some("192.0.2.7".to_owned()),
        method: Some("POST".to_owned()),
        route: Some("/intents/{id}".to_owned()),
        path: Some("/intents/ä'\"?limit=1".to_owned()),
        status_code: Some(422),
        outcome: "illegal_transition".to_owned(),
        count: 12,
        body_bytes: 3,
        body_kept: true,
        body_sha256: Some("d0ff5974b6aa52cf562bea5921840c032a860a91a3512f7fe8f768f6bbe005f6".to_owned()),
        detail: Some("{\"a\":1}".to_owned()),
        body: Some(body.to_owned()),
        ..Record::of(event::REQUEST, at(0), Actor::Agent)
    }
}

/// Every field is stored exactly, also a body that looks like a number: otherwise nothing could be verified.
pub fn a_record_is_read_back_whole<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let bare = Record::of("some other event", at(1), Actor::System);
    for record in [full_record(), bare] {
        wait(store.append(vec![Leafed::new(record.clone())])).unwrap();
        let rows = verified_log(&backend);
        assert_eq!(rows.last().map(|row| &row.record), Some(&record));
    }
}

/// Every acknowledged write has exactly one row, sequence numbers have no gap, and the chain is right.
pub fn sixty_four_writers_leave_one_log_without_gaps<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    thread::scope(|scope| {
        for writer in 0..64 {
            let store = &store;
            scope.spawn(move || {
                for n in 0..10 {
                    let intent = bare(&format!("w{writer}-{n}"));
                    let path = format!("/w{writer}/{n}");
                    let written = store.write(
                        PlatformAuthority,
                        JobClass::platform(),
                        draft(&path).into(),
                        0,
                        move |tx, ()| {
                            tx.insert_intent(&intent, &[7; 32], None)?;
                            Ok(Decided::new(Ok::<_, Infallible>(()), Outcome::ok(201)))
                        },
                    );
                    let Ok(()) = wait(written).unwrap();
                }
            });
        }
    });
    let rows = verified_log(&backend);
    let mut paths: Vec<_> = rows.iter().filter_map(|row| row.record.path.clone()).collect();
    paths.sort_unstable();
    let mut expected: Vec<_> = (0..64).flat_map(|w| (0..10).map(move |n| format!("/w{w}/{n}"))).collect();
    expected.sort_unstable();
    assert_eq!(paths, expected);
}

/// A refusal is a value: nothing changes, the record is written.
pub fn a_refusal_that_is_a_value_commits_its_record<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let refused =
        store.write(PlatformAuthority, JobClass::platform(), draft("/refused").into(), 0, |_, ()| {
            Ok(Decided::new(Ok::<_, Infallible>("no"), Outcome::refused(409, "intent_exists")))
        });
    assert_eq!(wait(refused).unwrap(), Ok("no"));
    let rows = verified_log(&backend);
    let row = rows.last().unwrap();
    assert_eq!((row.record.status_code, row.record.outcome.as_str()), (Some(409), "intent_exists"));
}

/// A storage error rolls the record back too, also one that was appended before the error.
pub fn an_error_leaves_neither_change_nor_record<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let before = verified_log(&backend).len();
    let failed = store.write::<_, (), Infallible, _>(
        PlatformAuthority,
        JobClass::platform(),
        draft("/failed").into(),
        0,
        |tx, ()| {
            tx.insert_intent(&intent("a"), &[7; 32], None)?;
            tx.append_audit(Leafed::new(full_record()))?;
            Err(StoreError::Unavailable("made up".to_owned()))
        },
    );
    assert!(matches!(wait(failed), Err(StoreError::Unavailable(text)) if text == "made up"));
    assert_eq!(store.read(|view| view.intent(&id("a"))).unwrap(), None);
    assert_eq!(verified_log(&backend).len(), before);
}

/// Rows are listed by id, descending, each once; every filter applies.
pub fn pages_show_the_newest_row_first_and_obey_the_filter<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    for n in 0..6_i64 {
        let record = Record {
            agent_id: Some(if n % 2 == 0 { "even" } else { "odd" }.to_owned()),
            status_code: Some(if n < 3 { 200 } else { 404 }),
            path: Some(format!("/p/{n}")),
            ..Record::of(event::REQUEST, at(n), Actor::Agent)
        };
        wait(store.append(vec![Leafed::new(record)])).unwrap();
    }
    backend.settle_log();
    let list = |filter: &AuditQuery, size| {
        let (mut rows, mut before): (Vec<StoredRow>, _) = (Vec::new(), None);
        loop {
            let (page, last) = store.read(|view| view.audit_page(filter, before, size)).unwrap();
            rows.extend(page);
            assert!(last.is_none() || before.is_none() || last < before, "a page that leads nowhere");
            before = last;
            if before.is_none() {
                return rows.iter().filter_map(|row| row.record.path.clone()).collect::<Vec<_>>();
            }
        }
    };
    let any = AuditQuery::default();
    let text = |text: &str| Some(text.to_owned());
    for size in [1, 2, 100] {
        assert_eq!(list(&any, size), ["/p/5", "/p/4", "/p/3", "/p/2", "/p/1", "/p/0"]);
        let even = AuditQuery { agent_id: text("even"), status: Some(404), ..any.clone() };
        assert_eq!(list(&even, size), ["/p/4"]);
        assert_eq!(list(&AuditQuery { path: text("/p/3"), ..any.clone() }, size), ["/p/3"]);
        let span = AuditQuery { since: Some(at(1)), until: Some(at(3)), ..any.clone() };
        assert_eq!(list(&span, size), ["/p/2", "/p/1"]);
    }
}

/// A later checkpoint replaces an earlier one.
pub fn the_newest_checkpoint_is_kept<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    assert_eq!(store.read(|view| view.checkpoint()).unwrap(), None);
    for next_seq in [3, 9] {
        let checkpoint = SealedCheckpoint { next_seq, chain: [u8::try_from(next_seq).unwrap(); 32] };
        let kept = checkpoint.clone();
        write(&*store, move |tx| tx.put_checkpoint(&kept, at(0))).unwrap();
        assert_eq!(store.read(|view| view.checkpoint()).unwrap(), Some(checkpoint));
    }
}
