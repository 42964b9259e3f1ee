//! Conformance: lists of intents, page by page.

use registry_core::{AgentId, Intent, Owner, Status};

use super::Backend;
use super::fixtures::{at, bare, id, intent};
use super::support::write;
use crate::{IntentQuery, Store};

fn insert(store: &dyn Store, intents: Vec<Intent>) {
    write(store, move |tx| {
        for intent in &intents {
            tx.insert_intent(intent, &[7; 32], None)?;
        }
        Ok(())
    })
    .unwrap();
}

fn names(intents: &[Intent]) -> Vec<&str> {
    intents.iter().map(|intent| intent.id.as_str()).collect()
}

/// Rows of one file, and one of another: name and line, in the expected order.
const FILE: [(&str, Option<i64>); 6] =
    [("d", None), ("e", None), ("z", Some(1)), ("a", Some(2)), ("b", Some(2)), ("c", Some(11))];

fn file_of_intents(store: &dyn Store) {
    let mut intents: Vec<_> = FILE
        .iter()
        .map(|(name, line)| Intent { file: Some("f".to_owned()), line: *line, ..bare(name) })
        .collect();
    intents.reverse();
    intents.push(Intent { file: Some("F".to_owned()), ..bare("other file") });
    intents.push(bare("no file"));
    insert(store, intents);
}

/// Rows without a line come first; no row is lost or repeated at the edge of a page.
pub fn pages_of_a_file_go_by_line_and_show_each_intent_once<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    file_of_intents(&*store);
    for size in 1..=7 {
        let mut found: Vec<Intent> = Vec::new();
        loop {
            let after = found.last().map(|last| (last.line, last.id.as_str().to_owned()));
            let after = after.as_ref().map(|(line, id)| (*line, id.as_str()));
            let page = store.read(|view| view.intents_by_file("f", after, size)).unwrap();
            assert!(page.len() <= usize::try_from(size).unwrap());
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        assert_eq!(names(&found), FILE.map(|(name, _)| name), "pages of {size}");
    }
}

/// Newest change first, ties by id descending.
pub fn pages_of_an_owner_show_the_newest_change_first<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let owned = |name: &str, seconds| Intent { modified_at: at(seconds), ..intent(name) };
    let mut other = owned("other", 3);
    other.owner = Some(Owner::from_stored("Team".to_owned()));
    insert(&*store, vec![owned("a", 2), owned("b", 1), owned("c", 2), owned("d", 9), other, bare("none")]);
    let team = Owner::from_stored("team".to_owned());
    for size in 1..=5 {
        let mut found: Vec<Intent> = Vec::new();
        loop {
            let before = found.last().map(|last| (last.modified_at, last.id.as_str().to_owned()));
            let before = before.as_ref().map(|(time, id)| (*time, id.as_str()));
            let page = store.read(|view| view.intents_by_owner(&team, before, size)).unwrap();
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        assert_eq!(names(&found), ["d", "c", "a", "b"], "pages of {size}");
    }
}

/// Reserved, planned, committed and unknown statuses go stale, oldest first; the cutoff itself is not stale.
pub fn stale_intents_are_the_open_ones_that_nobody_touched<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let with = |name: &str, status, seconds| Intent { status, modified_at: at(seconds), ..bare(name) };
    let mut unknown = with("unknown", Status::Reserved, 2);
    unknown.stored_status = Some("wip".to_owned());
    let mut documented = with("documented", Status::Accepted, 0);
    documented.stored_status = Some("documented".to_owned());
    insert(
        &*store,
        vec![
            with("b", Status::Committed, 1),
            with("a", Status::Planned, 1),
            with("c", Status::Reserved, 0),
            unknown,
            documented,
            with("implemented", Status::Implemented, 0),
            with("accepted", Status::Accepted, 0),
            with("expired", Status::Expired, 0),
            with("fresh", Status::Reserved, 10),
        ],
    );
    for size in 1..=5 {
        let mut found: Vec<Intent> = Vec::new();
        loop {
            let after = found.last().map(|last| (last.modified_at, last.id.as_str().to_owned()));
            let after = after.as_ref().map(|(time, id)| (*time, id.as_str()));
            let page = store.read(|view| view.stale_intents(at(10), after, size)).unwrap();
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        assert_eq!(names(&found), ["c", "a", "b", "unknown"], "pages of {size}");
    }
}

/// Every filter applies, and following `looked_up_to` returns each row once, also beyond 5,000 rows.
pub fn a_scan_finds_what_fits_part_by_part<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let mut rows: Vec<_> = (0..5200).map(|n| bare(&format!("m{n:05}"))).collect();
    rows.push(intent("a-first"));
    rows.push(intent("z-last"));
    let mut unknown = bare("n-unknown");
    unknown.stored_status = Some("wip".to_owned());
    rows.push(unknown);
    let mut documented = bare("n-documented");
    (documented.status, documented.stored_status) = (Status::Accepted, Some("documented".to_owned()));
    rows.push(documented);
    insert(&*store, rows);
    let scan = |filter: &IntentQuery, size| {
        let (mut found, mut after, mut parts) = (Vec::new(), None, 0);
        loop {
            let page = store.read(|view| view.scan_intents(filter, after.as_ref(), size)).unwrap();
            found.extend(page.rows);
            parts += 1;
            if page.done {
                return (found, parts);
            }
            assert!(page.looked_up_to.is_some() && page.looked_up_to > after, "a part that leads nowhere");
            after = page.looked_up_to;
        }
    };
    let any = IntentQuery::default();
    assert_eq!(scan(&any, 1000).0.len(), 5204);
    let text = |text: &str| Some(text.to_owned());
    let owner = Some(Owner::from_stored("team".to_owned()));
    let agent_id = Some(AgentId::from_stored("agent".to_owned()));
    let both = [
        IntentQuery { status: text("planned"), ..any.clone() },
        IntentQuery { file: text("src/ä b.py"), code: text("F821"), ..any.clone() },
        IntentQuery { owner: owner.clone(), ..any.clone() },
        IntentQuery { owner, agent_id, ..any.clone() },
    ];
    for filter in both {
        for size in [1, 2, 10] {
            let (found, parts) = scan(&filter, size);
            assert_eq!(names(&found), ["a-first", "z-last"], "{filter:?}");
            assert!(parts >= 2, "5,204 rows were looked through at once");
        }
    }
    for (word, expected) in
        [("wip", "n-unknown"), ("accepted", "n-documented"), ("documented", "n-documented")]
    {
        assert_eq!(
            names(&scan(&IntentQuery { status: text(word), ..any.clone() }, 10).0),
            [expected],
            "{word}"
        );
    }
    assert!(scan(&IntentQuery { code: text("f821"), ..any }, 10).0.is_empty());
}

/// The figures over all intents count each one once.
pub fn counting_shows_each_intent_once<B: Backend>() {
    let backend = B::start();
    let store = backend.store();
    let resolved = Intent { status: Status::Implemented, resolved_at: Some(at(50)), ..intent("c") };
    insert(&*store, vec![intent("a"), bare("b"), resolved]);
    for size in 1..=4 {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            after = store
                .read(|view| {
                    view.count_intents(after.as_ref(), size, &mut |row| {
                        seen.push((row.status.to_owned(), row.code.to_owned(), row.owned, row.resolved));
                    })
                })
                .unwrap();
            if after.is_none() {
                break;
            }
        }
        let row = |status: &str, owned, resolved| (status.to_owned(), "F821".to_owned(), owned, resolved);
        let resolved = Some((at(0), at(50)));
        let expected =
            [row("planned", true, None), row("reserved", false, None), row("implemented", true, resolved)];
        assert_eq!(seen, expected, "parts of {size}");
    }
    assert_eq!(store.read(|view| view.count_intents(Some(&id("c")), 10, &mut |_| panic!())).unwrap(), None);
}
