//! A change of the schema or of the log stops writes until an operator has accepted it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking as well")]

use std::sync::Arc;
use std::time::Duration;

use crate::support::{TempStore, accept, insert, open, options, pepper, run, verdict};
use audit::{Actor, BadReason, Leafed, Record};
use registry_core::Timestamp;
use rusqlite::Connection;
use storage::{OpenError, Store, StoreError};
use storage_sqlite::{SqliteStore, accept_schema, review_schema};
use tempfile::TempDir;

/// Changes of the schema that could hide a row, or show one that is not there.
const CHANGES: [&str; 11] = [
    "CREATE TRIGGER hide AFTER INSERT ON audit_log WHEN NEW.agent_id = 'evil' BEGIN \
     DELETE FROM audit_log WHERE id = NEW.id; END",
    "CREATE TRIGGER hide BEFORE INSERT ON audit_log BEGIN SELECT RAISE(IGNORE); END",
    "CREATE TRIGGER hide AFTER UPDATE ON key_usage BEGIN DELETE FROM audit_log WHERE agent_id = 'evil'; END",
    "CREATE TRIGGER hide AFTER INSERT ON meta BEGIN SELECT 1; END",
    "DROP TRIGGER intents_outside_update",
    "ALTER TABLE audit_log ADD COLUMN note TEXT DEFAULT 'framed'",
    "ALTER TABLE audit_log RENAME TO audit_real; CREATE VIEW audit_log AS SELECT * FROM audit_real WHERE id < 3",
    "CREATE INDEX more ON audit_log (agent_id)",
    "DROP INDEX idx_audit_log_statement",
    "DROP INDEX idx_audit_log_statement; \
     CREATE INDEX idx_audit_log_statement ON audit_log (event) WHERE event = 'genesis'",
    "CREATE VIEW shown AS SELECT 1",
];

fn append(store: &dyn Store, agent: &str) -> Result<(), StoreError> {
    let mut record = Record::of("test", Timestamp::EPOCH, Actor::Agent);
    record.agent_id = Some(agent.to_owned());
    let leafed = Leafed::new(record);
    run(store, move |tx| tx.append_audit(Arc::clone(&leafed)))
}

fn rows(conn: &Connection, table: &str) -> i64 {
    conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

fn stopped(end: Result<(), StoreError>) -> String {
    match end {
        Err(StoreError::AuditBroken(why)) => why,
        other => panic!("not stopped: {other:?}"),
    }
}

#[test]
fn a_changed_schema_stops_writes_and_verification_names_the_change() {
    for change in CHANGES {
        let store = TempStore::new();
        append(&*store.store(), "good").unwrap();
        assert!(verdict(&*store.store()).ok);
        let conn = store.by_hand();
        conn.execute_batch(change).unwrap();
        stopped(append(&*store.store(), "evil"));
        stopped(insert(&*store.store(), "intent").map(drop));
        assert!(store.store().watch().audit_broken, "{change}");
        assert_eq!(rows(&conn, "intents"), 0, "{change}");
        let fault = store.store().read(|view| Ok(view.log_facts()?.fault())).unwrap();
        assert!(fault.is_some(), "{change}");
        stopped(append(&*open(&store.path()).unwrap().0, "evil"));
    }
}

#[test]
fn what_differs_is_named() {
    let store = TempStore::new();
    store.by_hand().execute_batch(CHANGES[0]).unwrap();
    let why = stopped(append(&*store.store(), "evil"));
    assert_eq!(why, "the schema was changed: trigger hide was added");
    let found = verdict(&*store.store()).first_bad.unwrap().reason;
    assert_eq!(found, BadReason::Schema("trigger hide was added".to_owned()));
}

#[test]
fn a_stop_outlives_the_change_and_a_restart_and_ends_with_an_acceptance_in_the_log() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("registry.db");
    let (store, _) = open(&path).unwrap();
    append(&*store, "good").unwrap();
    let by_hand = Connection::open(&path).unwrap();
    by_hand.execute_batch(CHANGES[1]).unwrap();
    stopped(append(&*store, "evil"));
    by_hand.execute_batch("DROP TRIGGER hide").unwrap();
    stopped(append(&*store, "evil"));
    // The process knows of it without the database, and keeps it there again when it has found it anew.
    by_hand.execute_batch("DELETE FROM meta WHERE name = 'writes_stopped'").unwrap();
    stopped(append(&*store, "evil"));
    by_hand.execute_batch(CHANGES[1]).unwrap();
    store.close(Duration::from_mins(1)).unwrap();
    let (store, _) = open(&path).unwrap();
    stopped(append(&*store, "evil"));
    by_hand.execute_batch("DROP TRIGGER hide").unwrap();
    store.close(Duration::from_mins(1)).unwrap();

    let (store, _) = open(&path).unwrap();
    stopped(append(&*store, "evil"));
    let reason = verdict(&*store).first_bad.unwrap().reason;
    assert!(matches!(&reason, BadReason::Stopped(why) if why.contains("trigger hide")), "{reason}");
    let review = review_schema(&path).unwrap();
    assert!(
        accept_schema(&path, &canonical::Digest::sha256(b"another"), Timestamp::EPOCH).unwrap().is_none()
    );
    stopped(append(&*store, "evil"));
    accept_schema(&path, &review.sha256, Timestamp::EPOCH).unwrap().unwrap();
    append(&*store, "good").unwrap();
    assert!(!store.watch().audit_broken);
    assert!(verdict(&*store).ok);
    let sql = "SELECT actor || ' ' || route || ' ' || (detail ->> '$.statement.accepted') FROM audit_log \
               WHERE event = 'schema'";
    let row: String = by_hand.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(row, "admin t4 audit accept-schema the schema was changed: trigger hide was added");
}

#[test]
fn an_accepted_trigger_is_a_part_of_the_schema_from_then_on() {
    let store = TempStore::new();
    let conn = store.by_hand();
    conn.execute_batch("CREATE TRIGGER mine AFTER INSERT ON meta BEGIN SELECT 1; END").unwrap();
    stopped(append(&*store.store(), "a"));
    accept(&store.path());
    append(&*store.store(), "a").unwrap();
    assert!(verdict(&*store.store()).ok);
    conn.execute_batch("DROP TRIGGER mine").unwrap();
    assert_eq!(stopped(append(&*store.store(), "a")), "the schema was changed: trigger mine was removed");
}

#[test]
fn a_trigger_hides_no_row_even_when_an_operator_has_accepted_it() {
    let store = TempStore::new();
    store.by_hand().execute_batch(CHANGES[0]).unwrap();
    accept(&store.path());
    append(&*store.store(), "good").unwrap();
    let why = stopped(append(&*store.store(), "evil"));
    assert_eq!(why, "row 4 of the audit log was not kept as it was written");
    stopped(append(&*store.store(), "good"));
    assert_eq!(rows(&store.by_hand(), "audit_log"), 3);
}

#[test]
fn rows_that_are_cut_off_or_changed_at_the_end_of_a_log_in_use_stop_writes() {
    for change in [
        "DELETE FROM audit_log WHERE id = 3",
        "DELETE FROM audit_log WHERE id >= 2",
        "UPDATE audit_log SET chain = zeroblob(32) WHERE id = 3",
        "DELETE FROM audit_log WHERE id = 3; INSERT INTO audit_log SELECT 3, timestamp, api_key, agent_id, path, method, \
         status_code, ip, body, v, 2, event, request_id, actor, route, outcome, count, body_bytes, body_kept, \
         body_sha256, detail, leaf, zeroblob(32) FROM audit_log WHERE id = 2",
    ] {
        let store = TempStore::new();
        append(&*store.store(), "one").unwrap();
        append(&*store.store(), "two").unwrap();
        store.by_hand().execute_batch(change).unwrap();
        let why = stopped(append(&*store.store(), "three"));
        assert_eq!(why, "row 3 of the audit log, which was its end, is gone or was changed", "{change}");
    }
}

#[test]
fn a_statement_that_takes_the_place_of_a_newer_one_stops_writes() {
    let store = TempStore::new();
    let conn = store.by_hand();
    let trigger = "CREATE TRIGGER mine AFTER INSERT ON meta BEGIN SELECT 1; END";
    conn.execute_batch(trigger).unwrap();
    accept(&store.path());
    append(&*store.store(), "a").unwrap();
    conn.execute_batch("DROP TRIGGER mine; UPDATE audit_log SET event = 'other' WHERE event = 'schema'")
        .unwrap();
    let why = stopped(append(&*store.store(), "b"));
    assert_eq!(why, "an older statement of the schema took the place of the newest one");
}

#[test]
fn a_statement_that_was_edited_to_fit_a_change_stops_writes() {
    let store = TempStore::new();
    let schema = || store.store().read(|view| view.log_facts()).unwrap().schema.sha256();
    let before = schema();
    let conn = store.by_hand();
    conn.execute_batch("CREATE TRIGGER mine AFTER INSERT ON meta BEGIN SELECT 1; END").unwrap();
    let after = schema();
    conn.execute_batch(&format!("UPDATE audit_log SET detail = replace(detail, '{before}', '{after}')"))
        .unwrap();
    let why = stopped(append(&*store.store(), "a"));
    assert_eq!(why, "the row of the audit log that states the schema was edited");
}

#[test]
fn a_change_after_an_acceptance_is_a_stop_of_its_own() {
    let store = TempStore::new();
    let conn = store.by_hand();
    conn.execute_batch("CREATE TABLE odd (id)").unwrap();
    stopped(append(&*store.store(), "a"));
    accept(&store.path());
    conn.execute_batch(CHANGES[0]).unwrap();
    assert_eq!(stopped(append(&*store.store(), "a")), "the schema was changed: trigger hide was added");
    conn.execute_batch("DROP TRIGGER hide").unwrap();
    assert_eq!(stopped(append(&*store.store(), "a")), "the schema was changed: trigger hide was added");
    let kept = review_schema(&store.path()).unwrap().stopped;
    assert_eq!(kept.as_deref(), Some("the schema was changed: trigger hide was added"));
    accept(&store.path());
    append(&*store.store(), "a").unwrap();
}

#[test]
fn a_stop_that_can_t_be_kept_at_once_is_kept_later() {
    let store = TempStore::new();
    let conn = store.by_hand();
    let swallow = "CREATE TRIGGER swallow BEFORE INSERT ON meta WHEN NEW.name = 'writes_stopped' \
                   BEGIN SELECT RAISE(IGNORE); END";
    conn.execute_batch(swallow).unwrap();
    stopped(append(&*store.store(), "a"));
    assert_eq!(review_schema(&store.path()).unwrap().stopped, None);
    conn.execute_batch("DROP TRIGGER swallow").unwrap();
    let kept = (0..2_000).any(|_| {
        std::thread::sleep(Duration::from_millis(5));
        review_schema(&store.path()).unwrap().stopped.is_some()
    });
    assert!(kept, "the stop is not kept");
}

#[test]
fn an_acceptance_is_of_the_log_that_was_shown() {
    let store = TempStore::new();
    append(&*store.store(), "one").unwrap();
    append(&*store.store(), "two").unwrap();
    let conn = store.by_hand();
    conn.execute_batch("CREATE TABLE odd (id)").unwrap();
    stopped(append(&*store.store(), "three"));
    let shown = review_schema(&store.path()).unwrap();
    assert_eq!(shown.rows, 3);
    for change in [
        "UPDATE audit_log SET chain = zeroblob(32) WHERE id = 3",
        "UPDATE meta SET value = 'another reason' WHERE name = 'writes_stopped'",
        "DELETE FROM audit_log WHERE id = 3",
    ] {
        conn.execute_batch(change).unwrap();
        assert_eq!(accept_schema(&store.path(), &shown.sha256, Timestamp::EPOCH).unwrap(), None, "{change}");
    }
    // What is accepted is the schema. That the end of the log is gone is another matter.
    accept(&store.path());
    let why = stopped(append(&*store.store(), "three"));
    assert_eq!(why, "row 3 of the audit log, which was its end, is gone or was changed");
    accept(&store.path());
    append(&*store.store(), "three").unwrap();
}

#[test]
fn nothing_is_accepted_that_servers_would_not_write_to() {
    let store = TempStore::new();
    let conn = store.by_hand();
    conn.execute_batch("DROP INDEX idx_audit_log_statement").unwrap();
    stopped(append(&*store.store(), "a"));
    let shown = review_schema(&store.path()).unwrap();
    let refused = accept_schema(&store.path(), &shown.sha256, Timestamp::EPOCH).unwrap_err();
    assert!(matches!(&refused, OpenError::NotAccepted { .. }), "{refused}");
    assert_eq!(rows(&conn, "audit_log"), 1, "nothing was stated");
    conn.execute_batch(
        "CREATE INDEX idx_audit_log_statement ON audit_log (id) WHERE event = 'genesis' OR event = 'schema'",
    )
    .unwrap();
    accept(&store.path());
    append(&*store.store(), "a").unwrap();
}

#[test]
fn a_row_with_the_smallest_id_is_verified_as_well() {
    let store = TempStore::new();
    store
        .by_hand()
        .execute_batch("INSERT INTO audit_log (id, path) VALUES (-9223372036854775808, '/framed')")
        .unwrap();
    assert!(!verdict(&*store.store()).ok);
}

#[test]
fn a_database_in_utf_16_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("registry.db");
    let original = include_str!("../../../../migrations/sqlite/0001_original.sql");
    let by_hand = Connection::open(&path).unwrap();
    by_hand.execute_batch(&format!("PRAGMA encoding = 'UTF-16le'; {original}")).unwrap();
    let error = SqliteStore::open(options(&path, &pepper())).map(drop).unwrap_err();
    assert!(error.to_string().contains("UTF-16le"), "{error}");
}

#[test]
fn an_upgrade_accepts_no_change_of_a_schema_that_was_stated() {
    for change in [CHANGES[0], "CREATE VIEW shown AS SELECT 1"] {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("registry.db");
        open(&path).unwrap().0.close(Duration::from_mins(1)).unwrap();
        // As an earlier version's, so that it is upgraded once more.
        let back = "CREATE UNIQUE INDEX idx_audit_log_seq ON audit_log (seq); DROP INDEX idx_audit_log_statement; \
                    PRAGMA user_version = 8";
        let by_hand = Connection::open(&path).unwrap();
        by_hand.execute_batch(&format!("{change}; {back}")).unwrap();
        let (store, report) = open(&path).unwrap();
        assert_eq!(report.upgraded_from, Some(8));
        stopped(append(&*store, "a"));
        assert_eq!(rows(&by_hand, "audit_log"), 1, "nothing was stated");
    }
}

#[test]
fn rows_that_another_connection_puts_at_the_end_stop_writes() {
    for row in [
        "(timestamp, path) VALUES ('2026-01-01', '/slipped')",
        "(seq, chain) VALUES (1, 'no chain')",
        "(seq, chain) VALUES ('x', zeroblob(32))",
        "(id, seq, chain) VALUES (9223372036854775807, -1, zeroblob(32))",
    ] {
        let store = TempStore::new();
        let conn = store.by_hand();
        conn.execute_batch(&format!("INSERT INTO audit_log {row}")).unwrap();
        let why = stopped(append(&*store.store(), "a"));
        assert!(why.contains("was not written by T4"), "{why}");
        assert!(
            accept_schema(&store.path(), &review_schema(&store.path()).unwrap().sha256, Timestamp::EPOCH)
                .is_err()
        );
        conn.execute_batch("DELETE FROM audit_log WHERE id > 1").unwrap();
        stopped(append(&*store.store(), "a"));
        accept(&store.path());
        append(&*store.store(), "a").unwrap();
        assert!(verdict(&*store.store()).ok, "{row}");
    }
}

#[test]
fn statistics_of_the_planner_are_no_part_of_the_schema() {
    let store = TempStore::new();
    store.by_hand().execute_batch("ANALYZE").unwrap();
    append(&*store.store(), "a").unwrap();
    assert!(verdict(&*store.store()).ok);
    assert!(review_schema(&store.path()).unwrap().is_clean());
}

#[test]
fn an_upgrade_accepts_no_trigger_that_no_version_makes() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("registry.db");
    let by_hand = Connection::open(&path).unwrap();
    by_hand.execute_batch(include_str!("../../../../migrations/sqlite/0001_original.sql")).unwrap();
    by_hand.execute_batch("CREATE TRIGGER hide AFTER INSERT ON audit_log BEGIN SELECT 1; END").unwrap();
    let pepper = pepper();
    let (store, report) = SqliteStore::open(options(&path, &pepper)).unwrap();
    assert!(report.adopted.is_some());
    assert_eq!(stopped(append(&*store, "a")), "the schema was changed: trigger hide was added");
    accept(&path);
    append(&*store, "a").unwrap();
}

#[test]
fn two_stores_on_one_file_see_each_others_rows_and_stop_together() {
    let store = TempStore::new();
    let (other, _) = open(&store.path()).unwrap();
    for n in 0..5 {
        append(&*store.store(), &format!("a{n}")).unwrap();
        append(&*other, &format!("b{n}")).unwrap();
    }
    assert_eq!(verdict(&*other).next_seq, 11);
    store.by_hand().execute_batch(CHANGES[0]).unwrap();
    stopped(append(&*store.store(), "a"));
    stopped(append(&*other, "a"));
    store.by_hand().execute_batch("DROP TRIGGER hide").unwrap();
    accept(&store.path());
    append(&*other, "a").unwrap();
    append(&*store.store(), "a").unwrap();
    assert!(verdict(&*other).ok);
}

#[test]
fn an_idle_store_notices_a_changed_schema_and_its_acceptance() {
    let store = TempStore::new();
    store.by_hand().execute_batch(CHANGES[0]).unwrap();
    let becomes = |broken: bool| {
        let became = (0..10_000).any(|_| {
            std::thread::sleep(Duration::from_millis(5));
            store.store().watch().audit_broken == broken
        });
        assert!(became, "`audit_broken` does not become {broken}");
    };
    becomes(true);
    accept(&store.path());
    becomes(false);
}
