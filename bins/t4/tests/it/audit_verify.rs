//! `t4 audit verify` detects every change of the log.

use std::fs;
use std::sync::atomic::Ordering;

use control_plane::jobs::checkpoint_audit;
use serde_json::{Value, json};

use crate::database::{Database, make_key};
use crate::support::Ended;

fn verify(database: &Database) -> Ended {
    database.t4(&["audit", "verify"])
}

/// The verdict on a log that is not whole.
fn bad(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let verdict: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(verdict["ok"], false);
    verdict["first_bad"].clone()
}

#[test]
fn a_whole_log_is_ok_and_its_head_is_printed() {
    let database = Database::with_rows(9);
    let head = database.heads().pop().unwrap();
    let ended = verify(&database);
    assert_eq!(
        (ended.code, ended.out, ended.err),
        (Some(0), format!("ok: 10 rows, head {head}\n"), String::new())
    );
    let ended = database.t4(&["audit", "verify", "--json"]);
    let verdict: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(
        verdict,
        json!({"ok": true, "checked": 10, "adopted": 0, "next_seq": 10, "head": head, "first_bad": null})
    );
}

#[test]
fn every_edit_is_found_and_its_row_named() {
    for (edit, seq, reason) in [
        ("UPDATE audit_log SET route = 'x' WHERE seq = 3", 3, "leaf"),
        ("UPDATE audit_log SET body = replace(body, 'agent', 'argent') WHERE seq = 3", 3, "body"),
        ("UPDATE audit_log SET body = NULL WHERE seq = 3", 3, "body is missing"),
        ("UPDATE audit_log SET body = NULL, body_kept = 0 WHERE seq = 3", 3, "leaf"),
        ("UPDATE audit_log SET body_sha256 = lower(hex(zeroblob(32))) WHERE seq = 3", 3, "body"),
        ("UPDATE audit_log SET timestamp = replace(timestamp, 'Z', '+00:00') WHERE seq = 3", 3, "form"),
        ("UPDATE audit_log SET outcome = 'denied' WHERE seq = 9", 9, "leaf"),
        ("UPDATE audit_log SET count = 2 WHERE seq = 3", 3, "leaf"),
        ("UPDATE audit_log SET actor = 'nobody' WHERE seq = 3", 3, "form"),
        ("UPDATE audit_log SET ip = x'00' WHERE seq = 3", 3, "form"),
        ("UPDATE audit_log SET v = 2 WHERE seq = 3", 3, "version"),
        ("UPDATE audit_log SET v = 0 WHERE seq = 3", 3, "version"),
        ("UPDATE audit_log SET leaf = zeroblob(32) WHERE seq = 3", 3, "leaf"),
        ("UPDATE audit_log SET leaf = hex(leaf) WHERE seq = 3", 3, "form"),
        ("UPDATE audit_log SET body_bytes = NULL WHERE seq = 3", 3, "form"),
        ("UPDATE audit_log SET id = 9223372036854775807 WHERE seq = 9", 9, "expected id 10"),
        ("UPDATE audit_log SET id = 100 - id", 9, "expected sequence number 0"),
        ("UPDATE audit_log SET chain = zeroblob(32) WHERE seq = 3", 3, "chain"),
        ("UPDATE audit_log SET detail = '{}' WHERE seq = 0", 0, "leaf"),
        ("DELETE FROM audit_log WHERE seq = 3", 4, "expected sequence number 3"),
        ("DELETE FROM audit_log WHERE seq = 0", 1, "expected sequence number 0"),
        ("UPDATE audit_log SET seq = 99 WHERE seq = 3", 99, "expected sequence number 3"),
        (
            "UPDATE audit_log SET seq = 99 WHERE seq = 3; UPDATE audit_log SET seq = 3 WHERE seq = 4; \
             UPDATE audit_log SET seq = 4 WHERE seq = 99",
            4,
            "expected sequence number 3",
        ),
        (
            "CREATE TEMP TABLE copied AS SELECT * FROM audit_log WHERE seq = 9; \
             UPDATE copied SET id = NULL, seq = 10; INSERT INTO audit_log SELECT * FROM copied",
            10,
            "chain",
        ),
    ] {
        let database = Database::with_rows(9);
        database.sql(edit);
        let first_bad = bad(&database.t4(&["audit", "verify", "--json"]));
        assert_eq!(first_bad["seq"], json!(seq), "{edit}: {first_bad}");
        assert!(first_bad["reason"].as_str().unwrap().contains(reason), "{edit}: {first_bad}");
        let id = first_bad["id"].as_i64().unwrap();
        let ended = verify(&database);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.out.starts_with(&format!("bad: row {id}, seq {seq}: ")), "{edit}: {ended:?}");
    }
}

#[test]
fn a_byte_that_flips_on_the_disk_is_found() {
    let database = Database::with_rows(9);
    let bytes = fs::read(database.path()).unwrap();
    let places = bytes.windows(11).enumerate().filter(|(_, part)| part == b"test create");
    let mut found = 0;
    for (place, _) in places {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1;
        fs::write(database.path(), flipped).unwrap();
        let ended = verify(&database);
        // A page that was split has the old bytes in its free part as well.
        found += u32::from(ended.code == Some(1) && ended.out.contains("leaf"));
    }
    assert_eq!(found, 9);
}

#[test]
fn rows_that_were_cut_off_are_missed_by_a_head_and_by_a_checkpoint() {
    let database = Database::with_rows(9);
    let heads = database.heads();
    let line =
        |rows: usize| format!("{{\"at\":\"x\",\"next_seq\":{rows},\"head\":\"{}\"}}\n", heads[rows - 1]);
    let file = database.folder().join("checkpoints");
    fs::write(&file, line(4) + &line(8) + &line(10)).unwrap();
    let by_head = ["audit", "verify", "--json", "--expect-head", &heads[9]];
    let by_file = ["audit", "verify", "--json", "--checkpoints", file.to_str().unwrap()];
    database.append(1);
    for arguments in [by_head, by_file] {
        assert_eq!(database.t4(&arguments).code, Some(0), "a log that has grown runs through what was noted");
    }
    database.sql("DELETE FROM audit_log WHERE seq >= 9");
    assert_eq!(verify(&database).code, Some(0), "nothing inside tells, which is why the help says so");
    let first_bad = bad(&database.t4(&by_head));
    assert!(first_bad["reason"].as_str().unwrap().contains(&heads[9]), "{first_bad}");
    let first_bad = bad(&database.t4(&by_file));
    assert_eq!(first_bad["seq"], 9);
    assert!(first_bad["reason"].as_str().unwrap().contains("cut off"), "{first_bad}");
    let upper = heads[8].to_uppercase();
    assert_eq!(database.t4(&["audit", "verify", "--expect-head", &upper]).code, Some(0));
}

#[test]
fn a_log_that_was_made_anew_is_missed_by_a_head_and_named_by_a_checkpoint() {
    let database = Database::with_rows(9);
    let heads = database.heads();
    let file = database.folder().join("checkpoints");
    let line =
        |rows: usize| format!("{{\"at\":\"x\",\"next_seq\":{rows},\"head\":\"{}\"}}\n", heads[rows - 1]);
    fs::write(&file, line(8) + &line(3)).unwrap();
    database.forge(5, "route = 'nothing of note'");
    assert_eq!(verify(&database).code, Some(0), "it is whole in itself");
    let first_bad = bad(&database.t4(&["audit", "verify", "--json", "--expect-head", &heads[9]]));
    assert!(first_bad["reason"].as_str().unwrap().contains("replaced"), "{first_bad}");
    let by_file = ["audit", "verify", "--json", "--checkpoints", file.to_str().unwrap()];
    let first_bad = bad(&database.t4(&by_file));
    assert_eq!((&first_bad["seq"], first_bad["id"].as_i64() > Some(0)), (&json!(7), true), "{first_bad}");
    fs::write(&file, line(3)).unwrap();
    assert_eq!(database.t4(&by_file).code, Some(0));
}

#[test]
fn rows_cut_off_behind_the_checkpoint_in_the_database_are_noticed_here_and_by_the_server() {
    let database = Database::with_rows(9);
    let kept = database.with(async |instance| {
        let services = &instance.services;
        checkpoint_audit(services, services.clock.now(), true).await.unwrap().unwrap()
    });
    assert_eq!(kept.next_seq, 10);
    assert_eq!(verify(&database).code, Some(0));
    database.sql("DELETE FROM audit_log WHERE seq >= 6");
    let first_bad = bad(&database.t4(&["audit", "verify", "--json"]));
    assert_eq!(first_bad["seq"], 6);
    let noticed = database.with(async |instance| {
        let services = &instance.services;
        assert_eq!(checkpoint_audit(services, services.clock.now(), false).await.unwrap(), None);
        services.audit.broken.load(Ordering::Relaxed)
    });
    assert!(noticed);
}

#[test]
fn adopted_rows_are_held_to_what_the_first_row_says_of_them() {
    for (edit, count, word) in [
        ("UPDATE audit_log SET path = '/x' WHERE id = 2", 5, "genesis"),
        ("DELETE FROM audit_log WHERE id = 2", 4, "genesis"),
        ("UPDATE audit_log SET id = 0 WHERE id = 2", 5, "genesis"),
        ("UPDATE audit_log SET path = CAST(path AS BLOB) WHERE id = 2", 5, "genesis"),
        ("UPDATE audit_log SET event = 'request' WHERE id = 2", 5, "genesis"),
        (
            "INSERT INTO audit_log (timestamp, path) VALUES ('2025-11-06T12:00:09', '/slipped/in')",
            5,
            "never sealed",
        ),
        (
            "INSERT INTO audit_log (id, timestamp, path) VALUES (-3, '2025-11-06T12:00:09', '/slipped/in')",
            6,
            "genesis",
        ),
    ] {
        let database = Database::original(5);
        let ended = database.t4(&["db", "migrate"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        database.append(2);
        let ended = verify(&database);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(
            ended.out.starts_with("ok: 3 rows") && ended.out.contains("5 rows of the original"),
            "{ended:?}"
        );
        database.sql(edit);
        let ended = database.t4(&["audit", "verify", "--json"]);
        let first_bad = bad(&ended);
        let reason = first_bad["reason"].as_str().unwrap();
        assert!(reason.contains(word) || reason.contains("this row states"), "{edit}: {first_bad}");
        let verdict: Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!(verdict["adopted"], count, "{edit}");
    }
}

#[test]
fn a_changed_schema_is_found_shown_and_accepted_as_it_was_shown() {
    let database = Database::with_rows(2);
    let nothing = database.t4(&["audit", "accept-schema"]);
    assert_eq!((nothing.code, nothing.out.contains("nothing to accept")), (Some(0), true), "{nothing:?}");
    database.sql("CREATE TRIGGER mine AFTER INSERT ON meta BEGIN SELECT 1; END");
    let first_bad = bad(&database.t4(&["audit", "verify", "--json"]));
    assert!(first_bad["reason"].as_str().unwrap().ends_with("trigger mine was added"), "{first_bad}");
    let shown = database.t4(&["audit", "accept-schema", "--json"]);
    assert_eq!(shown.code, Some(1), "{shown:?}");
    let shown: Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!((&shown["accepted"], &shown["difference"]), (&json!(false), &json!("trigger mine was added")));
    let sha256 = shown["sha256"].as_str().unwrap();
    // What was looked at is not what is there any more.
    database.sql("CREATE TRIGGER another AFTER INSERT ON meta BEGIN SELECT 1; END");
    let ended = database.t4(&["audit", "accept-schema", "--sha256", sha256]);
    assert!(ended.code == Some(1) && ended.out.contains("not accepted"), "{ended:?}");
    assert_eq!(verify(&database).code, Some(1));
    database.sql("DROP TRIGGER another");
    let ended = database.t4(&["audit", "accept-schema", "--sha256", sha256]);
    assert!(ended.code == Some(0) && ended.out.contains("recorded in the audit log"), "{ended:?}");
    let ended = verify(&database);
    assert!(ended.out.starts_with("ok: 4 rows"), "{ended:?}");
}

#[test]
fn a_log_behind_a_view_or_without_a_column_gets_a_verdict() {
    for (change, word) in [
        (
            "ALTER TABLE audit_log RENAME TO audit_real; \
             CREATE VIEW audit_log AS SELECT * FROM audit_real WHERE seq IS NULL OR seq < 2",
            "table audit_log is missing",
        ),
        ("ALTER TABLE audit_log RENAME COLUMN outcome TO result", "schema of the database"),
        ("DROP INDEX idx_audit_log_statement", "idx_audit_log_statement was removed"),
    ] {
        let database = Database::with_rows(3);
        database.sql(change);
        let first_bad = bad(&database.t4(&["audit", "verify", "--json"]));
        assert!(first_bad["reason"].as_str().unwrap().contains(word), "{change}: {first_bad}");
    }
}

#[test]
fn another_name_for_the_log_is_found() {
    let database = Database::with_rows(1);
    database.sql("UPDATE meta SET value = 'other' WHERE name = 'log_id'");
    let first_bad = bad(&database.t4(&["audit", "verify", "--json"]));
    assert!(first_bad["reason"].as_str().unwrap().contains("another log"), "{first_bad}");
}

#[test]
fn a_log_is_verified_while_a_server_writes_it() {
    let database = Database::with_rows(5);
    database.with(async |instance| {
        for n in 0..5 {
            make_key(instance, &format!("live-{n}")).await;
            let ended = verify(&database);
            assert!(ended.out.starts_with(&format!("ok: {} rows", 7 + n)), "{ended:?}");
        }
    });
}

#[test]
fn nothing_is_written_and_no_secret_is_needed() {
    let database = Database::with_rows(5);
    fs::remove_file(database.folder().join("registry.db.pepper")).unwrap();
    let before = fs::read(database.path()).unwrap();
    assert_eq!(verify(&database).code, Some(0));
    assert_eq!(fs::read(database.path()).unwrap(), before);
    assert!(!database.folder().join("registry.db.pepper").exists());
}

#[test]
fn trouble_with_a_file_is_three_and_never_a_verdict() {
    let missing = Database::missing();
    let text = Database::missing();
    fs::write(text.path(), "not a database at all".repeat(500)).unwrap();
    let foreign = Database::missing();
    foreign.sql("CREATE TABLE recipes (name TEXT)");
    let original = Database::original(1);
    let newer = Database::with_rows(1);
    newer.sql("PRAGMA user_version = 99");
    for (database, word) in [
        (&missing, "there is no database"),
        (&text, "not an SQLite database"),
        (&foreign, "another program"),
        (&original, "t4 db migrate"),
        (&newer, "use the version that wrote it"),
    ] {
        let ended = verify(database);
        assert_eq!((ended.code, ended.out.as_str()), (Some(3), ""), "{word}: {ended:?}");
        assert!(ended.err.contains(word), "{word}: {ended:?}");
    }
    let whole = Database::with_rows(1);
    let ended = whole.t4(&["audit", "verify", "--checkpoints", "nowhere"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    fs::write(whole.folder().join("torn"), "nonsense\n").unwrap();
    let ended = whole.t4(&["audit", "verify", "--checkpoints", "torn"]);
    assert!(ended.code == Some(3) && ended.err.contains("line 1"), "{ended:?}");
    for arguments in [&["audit", "verify", "--expect-head", "abc"][..], &["audit"], &["audit", "nonsense"]] {
        assert_eq!(whole.t4(arguments).code, Some(2));
    }
}
