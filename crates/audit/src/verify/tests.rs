use proptest::prelude::*;
use registry_core::Timestamp;

use super::*;
use crate::{
    Actor, AdoptedRow, Body, Draft, GENESIS_CHAIN, Outcome, SchemaDigest, SchemaObject, StoredCell, chain,
    genesis_record, retention_record,
};

/// A log of `records`, sealed as the store does it.
fn sealed(records: Vec<Record>) -> Vec<StoredRow> {
    let mut head = GENESIS_CHAIN;
    let seal = |(seq, record): (usize, Record)| {
        let leaf = record.leaf();
        head = chain(&head, &leaf);
        StoredRow {
            id: i64::try_from(seq).unwrap() + 10,
            seq: u64::try_from(seq).ok(),
            record,
            leaf: leaf.as_bytes().to_vec(),
            chain: head.as_bytes().to_vec(),
            exact: true,
        }
    };
    records.into_iter().enumerate().map(seal).collect()
}

fn genesis() -> Record {
    genesis_record(Timestamp::EPOCH, "log-1", &AdoptedDigest::new().finish_as_claim(), None)
}

fn request(number: usize) -> Record {
    let at = Timestamp::EPOCH.plus_seconds(i64::try_from(number).unwrap());
    let mut draft = Draft::system(at, event::REQUEST, format!("{{\"number\":{number}}}"));
    draft.set_body(Body::json(format!("{{\"body\":{number}}}").as_bytes()));
    draft.close(&Outcome::ok(200), None, 0).unwrap()
}

fn log(requests: usize) -> Vec<StoredRow> {
    sealed(std::iter::once(genesis()).chain((1..=requests).map(request)).collect())
}

fn schema(trigger: &str) -> SchemaDigest {
    let object = |kind: &str, name: &str| SchemaObject {
        kind: kind.to_owned(),
        name: name.to_owned(),
        table: "audit_log".to_owned(),
        sql: None,
    };
    SchemaDigest::of(&[object("table", "audit_log"), object("trigger", trigger)])
}

fn statement(first_id: i64) -> SchemaStatement {
    let nothing_adopted = ExactDigest::new().finish();
    SchemaStatement::new(&schema("t"), first_id, nothing_adopted)
}

fn verdict(rows: &[StoredRow]) -> LogVerdict {
    let mut verifier = Verifier::from_genesis();
    for row in rows {
        if verifier.push(row).is_err() {
            break;
        }
    }
    verifier.finish()
}

#[track_caller]
fn first_bad(rows: &[StoredRow], id: i64, reason: BadReason) {
    let verdict = verdict(rows);
    let bad = verdict.first_bad.map(|bad| (bad.id, bad.reason));
    assert_eq!((verdict.ok, bad), (false, Some((id, reason))));
}

/// An edit of a row's columns, seq and id apart.
type Edit = fn(&mut StoredRow);

const EDITS: [Edit; 22] = [
    |row| row.record.v = 0,
    |row| row.record.event = event::TOOL.into(),
    |row| row.record.timestamp = row.record.timestamp.plus_micros(1),
    |row| row.record.request_id = Some("x".to_owned()),
    |row| row.record.actor = Actor::Agent,
    |row| row.record.api_key = Some(String::new()),
    |row| row.record.agent_id = Some("x".to_owned()),
    |row| row.record.ip = Some("x".to_owned()),
    |row| row.record.method = Some("x".to_owned()),
    |row| row.record.route = Some("x".to_owned()),
    |row| row.record.path = Some("x".to_owned()),
    |row| row.record.status_code = Some(500),
    |row| row.record.outcome.push('x'),
    |row| row.record.count += 1,
    |row| row.record.body_bytes += 1,
    |row| row.record.body_kept = !row.record.body_kept,
    |row| row.record.body_sha256 = Some("x".to_owned()),
    |row| row.record.detail = None,
    |row| row.record.body = Some("{\"body\":0}".to_owned()),
    |row| row.leaf[0] ^= 1,
    |row| row.chain[31] ^= 1,
    |row| row.chain.truncate(31),
];

proptest! {
    #[test]
    fn an_edited_row_is_named(at in 1..9_usize, edit in 0..EDITS.len()) {
        let mut rows = log(9);
        EDITS[edit](&mut rows[at]);
        let verdict = verdict(&rows);
        prop_assert_eq!(verdict.first_bad.map(|bad| bad.id), Some(rows[at].id));
        prop_assert_eq!(verdict.checked, u64::try_from(at).unwrap());
        prop_assert!(!verdict.ok);
    }

    #[test]
    fn an_edit_with_a_new_leaf_is_found_by_the_chain(at in 1..9_usize) {
        let mut rows = log(9);
        rows[at].record.outcome.push('x');
        rows[at].leaf = rows[at].record.leaf().as_bytes().to_vec();
        let bad = verdict(&rows).first_bad.unwrap();
        prop_assert_eq!((bad.id, bad.reason), (rows[at].id, BadReason::Chain));
    }

    #[test]
    fn an_edit_with_new_leaf_and_chain_is_found_at_the_next_row(at in 1..8_usize) {
        let mut rows = log(9);
        rows[at].record.outcome.push('x');
        let leaf = rows[at].record.leaf();
        let previous = Digest::from_slice(&rows[at - 1].chain).unwrap();
        rows[at].leaf = leaf.as_bytes().to_vec();
        rows[at].chain = chain(&previous, &leaf).as_bytes().to_vec();
        let bad = verdict(&rows).first_bad.unwrap();
        prop_assert_eq!((bad.id, bad.reason), (rows[at + 1].id, BadReason::Chain));
    }

    #[test]
    fn a_removed_row_is_found_also_when_the_gap_is_closed(at in 1..8_usize, closed in 0..3) {
        let mut rows = log(9);
        rows.remove(at);
        for row in &mut rows[at..] {
            row.seq = row.seq.map(|seq| if closed > 0 { seq - 1 } else { seq });
            row.id -= i64::from(closed > 1);
        }
        let reason = match closed {
            0 => BadReason::Sequence { expected: u64::try_from(at).unwrap() },
            1 => BadReason::Id { expected: rows[at].id - 1 },
            _ => BadReason::Chain,
        };
        let bad = verdict(&rows).first_bad.unwrap();
        prop_assert_eq!((bad.id, bad.reason), (rows[at].id, reason));
    }

    #[test]
    fn swapped_rows_are_found(a in 1..9_usize, b in 1..9_usize, keep_places in any::<bool>()) {
        prop_assume!(a < b);
        let mut rows = log(9);
        rows.swap(a, b);
        if keep_places {
            let (first, second) = (rows[a].seq, rows[b].seq);
            (rows[a].seq, rows[b].seq) = (second, first);
        }
        let bad = verdict(&rows).first_bad.unwrap();
        prop_assert_eq!(bad.id, rows[a].id);
    }

    #[test]
    fn an_inserted_row_is_found(at in 1..9_usize, renumber in any::<bool>()) {
        let mut rows = log(9);
        let mut row = rows[3].clone();
        row.record = request(77);
        row.leaf = row.record.leaf().as_bytes().to_vec();
        row.id = 99;
        row.seq = rows[at].seq;
        rows.insert(at, row);
        if renumber {
            for row in &mut rows[at + 1..] {
                row.seq = row.seq.map(|seq| seq + 1);
            }
        }
        prop_assert_eq!(verdict(&rows).first_bad.map(|bad| bad.id), Some(99));
    }
}

#[test]
fn a_whole_log_is_right_and_can_be_checked_in_parts() {
    let rows = log(9);
    let whole = verdict(&rows);
    assert_eq!((whole.ok, whole.checked, whole.next_seq, whole.first_bad.clone()), (true, 10, 10, None));
    assert_eq!(whole.head.as_bytes().as_slice(), rows[9].chain);
    let part = verdict(&rows[..4]);
    let mut rest = Verifier::from_checkpoint(part.next_seq, part.head, statement(10));
    for row in &rows[4..] {
        rest.push(row).unwrap();
    }
    assert_eq!(rest.finish(), LogVerdict { checked: 6, ..whole });
    let nothing = Verifier::from_checkpoint(10, whole.head, statement(10)).finish();
    assert!(nothing.ok && nothing.checked == 0);
}

#[test]
fn a_log_starts_with_genesis_and_has_no_second_one() {
    first_bad(&[], 0, BadReason::NoGenesis);
    first_bad(&sealed(vec![request(1)]), 10, BadReason::NoGenesis);
    first_bad(&sealed(vec![genesis(), request(1), genesis()]), 12, BadReason::SecondGenesis);
}

#[test]
fn a_row_that_was_never_sealed_is_found() {
    let mut rows = log(2);
    rows[1].seq = None;
    first_bad(&rows, 11, BadReason::Unsealed);
}

#[test]
fn behind_a_wrong_row_nothing_is_checked_any_more() {
    let rows = log(3);
    let mut verifier = Verifier::from_genesis();
    let bad = verifier.push(&rows[1]).unwrap_err();
    assert_eq!(verifier.push(&rows[0]), Err(bad.clone()));
    assert_eq!(bad.to_string(), "audit row 11: expected sequence number 0");
    assert_eq!(verifier.finish().checked, 0);
}

#[test]
fn a_pruned_body_needs_a_later_retention_row_that_covers_it() {
    let log = |horizon: u64| {
        let mut records: Vec<_> = std::iter::once(genesis()).chain((1..=4).map(request)).collect();
        records.push(retention_record(Timestamp::EPOCH, horizon));
        records.push(request(6));
        sealed(records)
    };
    let pruned = |mut rows: Vec<StoredRow>, which: &[usize]| {
        for &at in which {
            rows[at].record.body = None;
        }
        rows
    };
    assert!(verdict(&pruned(log(5), &[1, 2, 3, 4])).ok);
    assert!(verdict(&pruned(log(3), &[2])).ok);
    first_bad(&pruned(log(3), &[2, 3, 4]), 13, BadReason::BodyMissing);
    // A horizon beyond its own row does not reach the rows behind it.
    first_bad(&pruned(log(100), &[1, 6]), 16, BadReason::BodyMissing);
    assert!(verdict(&pruned(log(5), &[])).ok);
}

#[test]
fn a_kept_body_that_was_edited_is_found() {
    let mut rows = log(3);
    rows[2].record.body = Some("{\"body\":9}".to_owned());
    first_bad(&rows, 12, BadReason::Body);
    let mut rows = log(3);
    rows[0].record.body = Some(String::new());
    first_bad(&rows, 10, BadReason::Body);
}

#[test]
fn an_id_follows_from_the_place_so_that_no_list_hides_a_row() {
    for id in [i64::MIN, -1, 0, 11, 13, i64::MAX] {
        let mut rows = log(4);
        rows[2].id = id;
        first_bad(&rows, id, BadReason::Id { expected: 12 });
    }
    let mut moved = log(4);
    for row in &mut moved {
        row.id += 7;
    }
    assert!(verdict(&moved).ok, "without a statement nothing says where the log begins");
    let mut records = vec![genesis(), statement(10).record(Timestamp::EPOCH, Actor::System)];
    records.push(request(1));
    assert!(verdict(&sealed(records.clone())).ok);
    let mut moved = sealed(records);
    for row in &mut moved {
        row.id += 7;
    }
    first_bad(&moved, 18, BadReason::Statement);
}

#[test]
fn a_column_of_another_form_is_found() {
    let mut rows = log(3);
    rows[2].exact = false;
    first_bad(&rows, 12, BadReason::Form);
}

/// A log whose genesis row has adopted `rows`, stated with `cells`.
fn adopted(rows: &[AdoptedRow<'_>], cells: &[StoredCell<'_>]) -> Vec<StoredRow> {
    let (mut digest, mut exact) = (AdoptedDigest::new(), ExactDigest::new());
    for row in rows {
        digest.push(row);
        exact.push(cells);
    }
    let genesis = genesis_record(Timestamp::EPOCH, "log-1", &digest.finish_as_claim(), None);
    let stated = SchemaStatement { adopted_sha256: exact.finish(), ..statement(10) };
    sealed(vec![genesis, stated.record(Timestamp::EPOCH, Actor::System), request(1)])
}

#[test]
fn rows_before_the_log_are_those_that_it_states_and_none_come_behind_it() {
    let row = AdoptedRow { id: 1, path: Some("/intents"), ..AdoptedRow::default() };
    let rows = adopted(&[row], &[StoredCell::Integer(1)]);
    let reason = |before: &[(AdoptedRow<'_>, StoredCell<'_>)], behind: &[AdoptedRow<'_>]| {
        let mut verifier = Verifier::from_genesis();
        for (row, cell) in before {
            drop(verifier.push_row(&LogRow::Unplaced(UnplacedRow { row: *row, cells: &[*cell] })));
        }
        for row in &rows {
            drop(verifier.push_row(&LogRow::Placed(row)));
        }
        for row in behind {
            drop(verifier.push_row(&LogRow::Unplaced(UnplacedRow { row: *row, cells: &[] })));
        }
        let verdict = verifier.finish();
        (verdict.adopted, verdict.first_bad.map(|bad| (bad.id, bad.reason)))
    };
    let one = StoredCell::Integer(1);
    assert_eq!(reason(&[(row, one)], &[]), (1, None));
    assert_eq!(reason(&[], &[]), (0, Some((0, BadReason::Adopted))));
    assert_eq!(
        reason(&[(row, one), (AdoptedRow { id: 2, ..row }, one)], &[]),
        (2, Some((2, BadReason::Adopted)))
    );
    assert_eq!(reason(&[(row, StoredCell::Real(1.0))], &[]), (1, Some((11, BadReason::AdoptedForm))));
    let behind = AdoptedRow { id: 13, ..row };
    assert_eq!(reason(&[(row, one)], &[behind]), (1, Some((13, BadReason::Unsealed))));
}

#[test]
fn a_sound_log_is_held_to_what_the_store_knows_besides() {
    let facts = LogFacts {
        log_id: Some("log-1".to_owned()),
        schema: schema("t"),
        statement: Some(statement(10)),
        stopped: None,
    };
    let stated = statement(10).record(Timestamp::EPOCH, Actor::System);
    let reason = |records: Vec<Record>, facts: &LogFacts| {
        let mut verifier = Verifier::from_genesis();
        for row in sealed(records) {
            verifier.push(&row).unwrap();
        }
        let verdict = verifier.finish_with(facts);
        assert_eq!(verdict.ok, verdict.first_bad.is_none());
        verdict.first_bad.map(|bad| bad.reason)
    };
    let log = || vec![genesis(), stated.clone(), request(1)];
    assert_eq!(reason(log(), &facts), None);
    assert_eq!(reason(vec![genesis(), request(1)], &facts), Some(BadReason::NoStatement));
    let older = LogFacts { statement: None, ..facts.clone() };
    assert_eq!(reason(log(), &older), Some(BadReason::StatementIndex));
    let renamed = LogFacts { log_id: Some("log-2".to_owned()), ..facts.clone() };
    assert_eq!(reason(log(), &renamed), Some(BadReason::LogId));
    let stopped = LogFacts { stopped: Some("why".to_owned()), ..facts.clone() };
    assert_eq!(reason(log(), &stopped), Some(BadReason::Stopped("why".to_owned())));
    let changed = LogFacts { schema: schema("hide"), ..facts };
    let difference = "trigger hide was added; trigger t was removed".to_owned();
    assert_eq!(reason(log(), &changed), Some(BadReason::Schema(difference)));
}
