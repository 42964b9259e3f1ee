use std::sync::Arc;

use audit::{Actor, event};
use proptest::prelude::*;
use registry_core::Timestamp;

use super::*;
use crate::audit::rows::stored_row;
use crate::migrate::steps::STEPS;

/// An empty log.
fn database() -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    for step in STEPS {
        conn.execute_batch(step).unwrap();
    }
    conn
}

fn record(agent: &str) -> Arc<Leafed> {
    let mut record = Record::of(event::REQUEST, Timestamp::EPOCH, Actor::Agent);
    record.agent_id = Some(agent.to_owned());
    Leafed::new(record)
}

/// Seals three records under a trigger, and confirms them.
fn sealed_under(trigger: &str) -> Result<(), StoreError> {
    let conn = database();
    let start = head_of_any(&conn).unwrap();
    let records = [record("first")];
    let first = SealedBatch::new(start, &records);
    write(&conn, &first).unwrap();
    conn.execute_batch(trigger).unwrap();
    let records = [record("good"), record("evil"), record("good")];
    let batch = SealedBatch::new(first.end(), &records);
    write(&conn, &batch)?;
    confirm(&conn, &batch)
}

#[test]
fn what_was_sealed_is_confirmed_and_what_a_trigger_has_done_to_it_is_not() {
    sealed_under("").unwrap();
    for does in [
        "AFTER INSERT ON audit_log WHEN NEW.agent_id = 'evil' BEGIN DELETE FROM audit_log WHERE id = NEW.id; END",
        "AFTER INSERT ON audit_log WHEN NEW.seq = 3 BEGIN DELETE FROM audit_log WHERE id = NEW.id; END",
        "BEFORE INSERT ON audit_log WHEN NEW.agent_id = 'evil' BEGIN SELECT RAISE(IGNORE); END",
        "AFTER INSERT ON audit_log BEGIN UPDATE audit_log SET agent_id = 'good' WHERE id = NEW.id; END",
        "AFTER INSERT ON audit_log BEGIN UPDATE audit_log SET count = NULL WHERE id = NEW.id; END",
        "AFTER INSERT ON audit_log BEGIN UPDATE audit_log SET ip = '' WHERE id = NEW.id; END",
        "AFTER INSERT ON audit_log WHEN NEW.seq = 3 BEGIN UPDATE audit_log SET id = id + 5 WHERE id = NEW.id; END",
        "AFTER INSERT ON audit_log WHEN NEW.seq = 3 BEGIN INSERT INTO audit_log (path) VALUES ('/framed'); END",
    ] {
        let end = sealed_under(&format!("CREATE TRIGGER t {does}"));
        assert!(matches!(end, Err(StoreError::AuditBroken(_))), "{does}: {end:?}");
    }
}

#[test]
fn a_transaction_without_records_adds_no_row() {
    let conn = database();
    append(&conn, head_of_any(&conn).unwrap(), record("a").record.clone()).unwrap();
    let nothing = SealedBatch::new(head(&conn).unwrap(), &[]);
    confirm(&conn, &nothing).unwrap();
    conn.execute_batch("INSERT INTO audit_log (path) VALUES ('/framed')").unwrap();
    assert!(matches!(confirm(&conn, &nothing), Err(StoreError::AuditBroken(_))));
}

/// Texts that SQLite might store as something else.
fn texts() -> impl Strategy<Value = Option<String>> {
    let odd = [
        "1",
        "-1",
        "+1.5",
        ".5",
        "1e3",
        " 1",
        "\u{b}1",
        "\t1",
        "0x10",
        "inf",
        "nan",
        "",
        "\0",
        "1\0",
        "\u{feff}1",
    ];
    prop_oneof![
        Just(None),
        proptest::sample::select(odd.to_vec()).prop_map(|text| Some(text.to_owned())),
        any::<String>().prop_map(Some),
    ]
}

proptest! {
    #[test]
    fn every_record_is_kept_as_it_was_written(
        texts in proptest::collection::vec(texts(), 10),
        numbers in any::<(u32, u64, bool, Option<u16>)>(),
    ) {
        let conn = database();
        let mut next = texts.into_iter();
        let mut text = || next.next().flatten();
        let mut record = Record::of(event::REQUEST, Timestamp::from_micros(i64::from(numbers.0)), Actor::Agent);
        record.request_id = text();
        record.api_key = text();
        record.agent_id = text();
        record.ip = text();
        record.method = text();
        record.route = text();
        record.path = text();
        record.detail = text();
        record.body = text();
        record.outcome = text().unwrap_or_default();
        record.count = numbers.1 >> 1;
        record.body_bytes = u64::from(numbers.0);
        record.body_kept = numbers.2;
        record.status_code = numbers.3;
        let records = [Leafed::new(record.clone())];
        let start = head_of_any(&conn).unwrap();
        let batch = SealedBatch::new(start, &records);
        write(&conn, &batch).unwrap();
        confirm(&conn, &batch).unwrap();
        let row = conn
            .query_row(cells::ROWS_FROM, params![start.id + 1, 1], stored_row)
            .unwrap();
        prop_assert!(row.exact);
        prop_assert_eq!(row.record, record);
        prop_assert_eq!(row.chain, batch.end().chain.as_bytes().to_vec());
    }
}
