use proptest::prelude::*;
use registry_core::Timestamp;

use super::*;
use crate::{Actor, Body, Draft, Outcome, genesis_record, retention_record};

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
        }
    };
    records.into_iter().enumerate().map(seal).collect()
}

fn genesis() -> Record {
    genesis_record(Timestamp::EPOCH, "log-1", 0, None)
}

fn request(number: usize) -> Record {
    let at = Timestamp::EPOCH.plus_seconds(i64::try_from(number).unwrap());
    let mut draft = Draft::system(at, event::REQUEST, format!("{{\"number\":{number}}}"));
    draft.set_body(Body::json(format!("{{\"body\":{number}}}").as_bytes()));
    draft.close(&Outcome::ok(200), 0).unwrap()
}

fn log(requests: usize) -> Vec<StoredRow> {
    sealed(std::iter::once(genesis()).chain((1..=requests).map(request)).collect())
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
    fn a_removed_row_is_found_also_when_the_gap_is_closed(at in 1..8_usize, renumber in any::<bool>()) {
        let mut rows = log(9);
        rows.remove(at);
        let mut reason = BadReason::Sequence { expected: u64::try_from(at).unwrap() };
        if renumber {
            for row in &mut rows[at..] {
                row.seq = row.seq.map(|seq| seq - 1);
            }
            reason = BadReason::Chain;
        }
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
    assert_eq!((whole.ok, whole.checked, whole.next_seq, whole.first_bad), (true, 10, 10, None));
    assert_eq!(whole.head.as_bytes().as_slice(), rows[9].chain);
    let part = verdict(&rows[..4]);
    let mut rest = Verifier::from_checkpoint(part.next_seq, part.head);
    for row in &rows[4..] {
        rest.push(row).unwrap();
    }
    assert_eq!(rest.finish(), LogVerdict { checked: 6, ..whole });
    let nothing = Verifier::from_checkpoint(10, whole.head).finish();
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
    assert_eq!(verifier.push(&rows[0]), Err(bad));
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
