//! `t4 db`: migrate, backup and recount.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use registry_core::KeyId;
use serde_json::{Value, json};

use crate::database::{Database, make_key};
use crate::support::Ended;

fn migrate(database: &Database) -> Ended {
    database.t4(&["db", "migrate"])
}

fn machine(database: &Database) -> Value {
    let ended = database.t4(&["db", "migrate", "--json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.out).unwrap()
}

#[test]
fn a_missing_database_is_made_and_one_that_is_up_to_date_is_left_alone() {
    let database = Database::missing();
    let ended = migrate(&database);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.starts_with("made ") && ended.err.contains("registry.db.pepper"), "{ended:?}");
    assert!(!database.folder().join("registry.db.admin-token").exists(), "a token is the server's to make");
    let before = fs::read(database.path()).unwrap();
    let ended = migrate(&database);
    assert!(ended.code == Some(0) && ended.out.contains("up to date"), "{ended:?}");
    assert_eq!(fs::read(database.path()).unwrap(), before);
    let told = machine(&database);
    assert_eq!(
        (&told["created"], &told["adopted"], &told["upgraded_from"]),
        (&json!(false), &Value::Null, &Value::Null)
    );
    assert_eq!(told["log_id"].as_str().map(str::len), Some(32));
}

#[test]
fn a_database_of_the_original_service_is_adopted_and_the_copy_named() {
    let database = Database::original(3);
    database.sql(
        "INSERT INTO api_keys (key, agent_id) VALUES ('a-key-of-the-original-service-0000000000001', 'a')",
    );
    let told = machine(&database);
    assert_eq!((&told["adopted"]["keys"], &told["adopted"]["audit_rows"]), (&json!(1), &json!(3)));
    let copy = told["adopted"]["copy"].as_str().unwrap();
    assert_eq!(fs::metadata(copy).unwrap().permissions().mode() & 0o777, 0o600);

    let another = Database::original(3);
    let ended = migrate(&another);
    assert!(ended.out.starts_with("adopted ") && ended.out.contains("registry.db.original-"), "{ended:?}");
}

#[test]
fn the_pepper_comes_from_where_the_server_takes_it() {
    let database = Database::missing();
    fs::write(
        database.folder().join(".env"),
        "T4_DB=by-env.db\nT4_KEY_PEPPER='a pepper of 32 characters, or so'\n",
    )
    .unwrap();
    let run = |arguments: &[&str]| Ended::from(database.command(arguments).output().unwrap());
    assert_eq!(run(&["db", "migrate"]).code, Some(0));
    assert!(database.folder().join("by-env.db").exists());
    assert!(!database.folder().join("by-env.db.pepper").exists());
    let mut command = database.command(&["db", "migrate"]);
    let ended =
        Ended::from(command.env("T4_KEY_PEPPER", "another pepper of 32 characters!").output().unwrap());
    assert!(ended.code == Some(3) && ended.err.contains("pepper"), "{ended:?}");
}

#[test]
fn what_can_not_be_migrated_is_three_and_left_as_it_is() {
    let newer = Database::with_rows(1);
    newer.sql("PRAGMA user_version = 99");
    let foreign = Database::missing();
    foreign.sql("CREATE TABLE recipes (name TEXT)");
    for database in [&newer, &foreign] {
        let before = fs::read(database.path()).unwrap();
        let ended = migrate(database);
        assert_eq!((ended.code, ended.out.as_str()), (Some(3), ""), "{ended:?}");
        assert_eq!(fs::read(database.path()).unwrap(), before);
    }
}

#[test]
fn a_backup_of_a_database_in_use_is_whole() {
    let database = Database::with_rows(5);
    let copies: Vec<_> = (0..5).map(|n| database.folder().join(format!("copy-{n}.db"))).collect();
    database.with(async |instance| {
        for (n, copy) in copies.iter().enumerate() {
            make_key(instance, &format!("live-{n}")).await;
            let ended = database.t4(&["db", "backup", "--to", copy.to_str().unwrap()]);
            assert_eq!(ended.code, Some(0), "{ended:?}");
            assert!(ended.out.starts_with("backed up ") && ended.err.contains("pepper"), "{ended:?}");
        }
    });
    for (n, copy) in copies.iter().enumerate() {
        assert_eq!(fs::metadata(copy).unwrap().permissions().mode() & 0o777, 0o600);
        let mut command = database.command(&["audit", "verify"]);
        let ended = Ended::from(command.arg("--db").arg(copy).output().unwrap());
        assert!(ended.out.starts_with(&format!("ok: {} rows", 7 + n)), "{n} {ended:?}");
    }
    assert!(fs::read_dir(database.folder()).unwrap().all(|file| {
        let name = file.unwrap().file_name().into_string().unwrap();
        !name.contains(".part") && !name.contains("-journal")
    }));
}

#[test]
fn a_backup_never_overwrites_and_needs_a_registry() {
    let database = Database::with_rows(1);
    let taken = database.folder().join("taken");
    fs::write(&taken, "mine").unwrap();
    let ended = database.t4(&["db", "backup", "--to", taken.to_str().unwrap()]);
    assert!(ended.code == Some(3) && ended.err.contains("already"), "{ended:?}");
    assert_eq!(fs::read(&taken).unwrap(), b"mine");
    let foreign = Database::missing();
    foreign.sql("CREATE TABLE recipes (name TEXT)");
    for database in [&foreign, &Database::missing()] {
        let to = database.folder().join("copy");
        let ended = database.t4(&["db", "backup", "--to", to.to_str().unwrap()]);
        assert_eq!((ended.code, ended.out.as_str()), (Some(3), ""), "{ended:?}");
        assert!(!to.exists());
    }
    assert_eq!(database.t4(&["db", "backup"]).code, Some(2));
}

#[test]
fn a_recount_repairs_the_counts_of_a_database_in_use() {
    let database = Database::with_rows(1);
    let key = KeyId::new("t4_0123456789ab").unwrap();
    let counted = || {
        let file = storage_sqlite::open_read_only(&database.path()).unwrap();
        let mut intents = 0;
        file.view(&mut |view| view.key_usage(&key).map(|usage| intents = usage.intents)).unwrap();
        intents
    };
    database.with(async |_| {
        database.sql(
            "INSERT INTO intents (id, code, created_by_key) VALUES ('i', 'F821', 't4_0123456789ab');
             UPDATE key_usage SET intents = 99 WHERE key_id = 't4_0123456789ab'",
        );
        assert_eq!(counted(), 99);
        let ended = database.t4(&["db", "recount", "--json"]);
        let told: Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!((ended.code, &told["recounted"]), (Some(0), &json!(true)), "{ended:?}");
        assert_eq!(counted(), 1);
    });
    let ended = database.t4(&["db", "recount"]);
    assert!(ended.code == Some(0) && ended.out.starts_with("counted again "), "{ended:?}");
}

#[test]
fn what_is_no_registry_is_not_counted() {
    let newer = Database::with_rows(1);
    newer.sql("PRAGMA user_version = 99");
    let foreign = Database::missing();
    foreign.sql("CREATE TABLE recipes (name TEXT)");
    for database in [&newer, &foreign, &Database::missing()] {
        let ended = database.t4(&["db", "recount"]);
        assert_eq!((ended.code, ended.out.as_str()), (Some(3), ""), "{ended:?}");
    }
}
