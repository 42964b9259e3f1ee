//! Conformance: the reads of the pre-PR check.

use std::collections::BTreeSet;

use registry_core::{Coverage, Intent, Status, covers};

use super::Backend;
use super::fixtures::bare;
use super::support::write;
use crate::Store;

const FILE: &str = "src/a.py";

fn insert(store: &dyn Store, intents: &[Intent]) {
    let intents = intents.to_vec();
    write(store, move |tx| {
        for intent in &intents {
            tx.insert_intent(intent, &[7; 32], None)?;
        }
        Ok(())
    })
    .unwrap();
}

fn of_file(name: &str, code: &str, status: Status, line: Option<i64>) -> Intent {
    Intent { code: code.to_owned(), status, line, file: Some(FILE.to_owned()), ..bare(name) }
}

fn ask(store: &dyn Store, file: &'static str, codes: &[&str]) -> Coverage {
    let codes: BTreeSet<String> = codes.iter().map(|code| (*code).to_owned()).collect();
    write(store, move |tx| tx.coverage(file, &codes)).unwrap()
}

/// The rule itself, over all intents of the file.
fn expected(intents: &[Intent], codes: &[&str]) -> Coverage {
    let codes: Vec<String> = codes.iter().map(|code| (*code).to_owned()).collect();
    if intents.iter().any(|intent| covers(intent.status, &intent.code, &codes)) {
        return Coverage::Covered;
    }
    let fits = |intent: &&Intent| codes.is_empty() || codes.contains(&intent.code);
    let waiting = intents.iter().filter(|intent| intent.status == Status::Reserved).filter(fits);
    let first = waiting.min_by_key(|intent| (intent.line, intent.id.clone()));
    first.map_or(Coverage::Missing, |intent| Coverage::Reserved(Box::new(intent.clone())))
}

/// Every status and code, with and without critical codes.
pub fn a_file_is_covered_by_an_intent_of_a_critical_code<B: Backend>() {
    for status in Status::ALL {
        let backend = B::start();
        let store = backend.store();
        let intents = [of_file("one", "E501", status, Some(1))];
        insert(&*store, &intents);
        for codes in [&[][..], &["E501"], &["F401", "E501"], &["F401"]] {
            assert_eq!(ask(&*store, FILE, codes), expected(&intents, codes), "{status} {codes:?}");
        }
        assert_eq!(ask(&*store, "src/A.py", &[]), Coverage::Missing);
    }
}

/// An unknown status counts as a placeholder too, and no line precedes the first line.
pub fn the_first_placeholder_by_line_and_id_waits<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let unknown = of_file("c", "B", Status::Reserved, Some(2));
    let mut intents = vec![
        of_file("d", "A", Status::Reserved, Some(11)),
        Intent { stored_status: Some("wip".to_owned()), ..unknown },
        of_file("b", "B", Status::Reserved, Some(2)),
        of_file("e", "A", Status::Expired, Some(1)),
    ];
    insert(&*store, &intents);
    for codes in [&[][..], &["A"], &["B"], &["A", "B"], &["C"]] {
        assert_eq!(ask(&*store, FILE, codes), expected(&intents, codes), "{codes:?}");
    }
    let first = of_file("z", "C", Status::Reserved, None);
    intents.push(first.clone());
    insert(&*store, &[first]);
    for codes in [&[][..], &["A", "C"]] {
        assert_eq!(ask(&*store, FILE, codes), expected(&intents, codes), "{codes:?}");
    }
}

/// Thousands of intents with other codes hide neither an intent that covers a file nor a placeholder.
pub fn a_crowd_of_intents_changes_no_answer<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let crowd = |n: i64| {
        let status = match n % 3 {
            0 => Status::Reserved,
            1 => Status::Planned,
            _ => Status::Expired,
        };
        of_file(&format!("crowd {n:05}"), &format!("CROWD{}", n % 7), status, Some(n))
    };
    let mut intents: Vec<_> = (0..3000).map(crowd).collect();
    insert(&*store, &intents);
    let check = |intents: &[Intent]| {
        for codes in [&["NONE"][..], &["WAITS", "NONE"], &["COVERS", "WAITS"], &["CROWD1"]] {
            assert_eq!(ask(&*store, FILE, codes), expected(intents, codes), "{codes:?}");
        }
    };
    check(&intents);
    for (name, code, status) in [("waits", "WAITS", Status::Reserved), ("covers", "COVERS", Status::Accepted)]
    {
        let late = of_file(name, code, status, Some(9000));
        insert(&*store, std::slice::from_ref(&late));
        intents.push(late);
        check(&intents);
    }
}
