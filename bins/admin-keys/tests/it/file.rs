//! On a database file.

use std::fs::{self, File};

use serde_json::{Value, json};

use crate::support::{Folder, ended, key_id, written_to};

#[test]
fn a_new_key_is_alone_on_stdout_and_the_talk_is_on_stderr() {
    let folder = Folder::new();
    let ended = folder.run(&["create", "--agent-id", "claude-agent-1"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let key = ended.out.strip_suffix('\n').unwrap();
    assert_eq!((key.len(), key.starts_with("t4_"), key.contains(char::is_whitespace)), (65, true, false));
    let line = format!("created key {} for agent claude-agent-1, expires 2", key_id(key));
    assert!(ended.err.contains(&line), "{ended:?}");
    assert!(!ended.err.contains(key));
    assert!(folder.path().join("reports/todos/intent_registry.db").is_file());
}

#[test]
fn every_value_arrives_under_either_spelling_of_its_flag() {
    let folder = Folder::new();
    let kebab = [
        ["--agent-id", "a"],
        ["--owner", "team"],
        ["--expires-days", "30"],
        ["--daily-limit", "2.5"],
        ["--scopes", "intents:read,llm:call"],
        ["--roles", "junior admin"],
        ["--rate-per-minute", "7"],
        ["--time-zone", "Europe/Berlin"],
    ];
    let snake: Vec<String> = kebab
        .iter()
        .map(|[flag, _]| format!("--{}", flag.trim_start_matches("--").replace('-', "_")))
        .collect();
    let snake: Vec<[&str; 2]> =
        snake.iter().zip(kebab).map(|(flag, [_, value])| [flag.as_str(), value]).collect();
    for flags in [kebab.concat(), snake.concat()] {
        let made = folder.on_db(&[&["create", "--json"], flags.as_slice()].concat()).json();
        assert!(made["key"].as_str().unwrap().starts_with(made["key_id"].as_str().unwrap()));
        for (name, value) in [
            ("agent_id", json!("a")),
            ("owner", json!("team")),
            ("daily_limit", json!(2.5)),
            ("scopes", json!(["intents:read", "llm:call"])),
            ("roles", json!(["junior", "admin"])),
            ("rate_per_minute", json!(7)),
            ("time_zone", json!("Europe/Berlin")),
        ] {
            assert_eq!(made[name], value, "{name}");
        }
        let days = |name: &str| registry_core::Timestamp::parse(made[name].as_str().unwrap()).unwrap();
        assert_eq!(days("created_at").plus_days(30), days("expires_at"));
    }
}

#[test]
fn a_key_without_further_flags_has_the_defaults_of_the_api() {
    let folder = Folder::new();
    let key = folder.create("a");
    let shown = folder.on_db(&["show", key_id(&key), "--json"]).json();
    assert_eq!(shown["daily_limit"], json!(100.0));
    assert!(shown["scopes"].as_array().unwrap().contains(&json!("llm:call")));
    assert_eq!((&shown["owner"], &shown["rate_per_minute"]), (&Value::Null, &Value::Null));
    assert_eq!(shown.get("key"), None);
}

#[test]
fn lists_fit_in_80_columns_and_show_no_secret() {
    let folder = Folder::new();
    let empty = {
        drop(folder.create("a"));
        folder.sql("DELETE FROM api_keys");
        folder.on_db(&["list"])
    };
    assert!(empty.code == Some(0) && empty.out.contains("admin-keys create"), "{empty:?}");
    let long = "an-agent-of-a-long-name-".repeat(8);
    let keys = [folder.create("short"), folder.create(&long)];
    folder.on_db(&["revoke", key_id(&keys[0])]);
    let listed = folder.on_db(&["list"]);
    let shown = folder.on_db(&["show", key_id(&keys[1])]);
    for ended in [&listed, &shown] {
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.out.lines().all(|line| line.chars().count() <= 80), "{}", ended.out);
    }
    assert!(listed.out.contains("revoked") && listed.out.contains("active"), "{}", listed.out);
    let json = folder.on_db(&["list", "--json"]);
    assert_eq!(json.json().as_array().unwrap().len(), 2);
    for key in &keys {
        assert!(listed.out.contains(key_id(key)));
        for text in [&listed.out, &shown.out, &json.out] {
            assert!(!text.contains(key.get(16..59).unwrap()), "{text}");
        }
    }
}

#[test]
fn set_changes_what_is_named_and_none_clears_it() {
    let folder = Folder::new();
    let made = folder
        .on_db(&[
            "create",
            "--agent-id",
            "a",
            "--owner",
            "o",
            "--roles",
            "r",
            "--rate-per-minute",
            "9",
            "--json",
        ])
        .json();
    let id = made["key_id"].as_str().unwrap();
    let changed =
        folder.on_db(&["set", id, "--daily-limit", "0", "--scopes", "intents:read", "llm:*", "--json"]);
    assert!(changed.err.contains(&format!("changed key {id}")), "{changed:?}");
    let changed = changed.json();
    assert_eq!(changed["scopes"], json!(["intents:read", "llm:*"]));
    assert_eq!((&changed["daily_limit"], &changed["owner"]), (&json!(0.0), &json!("o")));
    let all = ["--owner", "none", "--scopes", "none", "--roles", "none", "--rate-per-minute", "none"];
    let cleared = folder.on_db(&[&["set", id, "--time_zone", "none", "--json"][..], &all].concat()).json();
    for name in ["owner", "rate_per_minute", "time_zone"] {
        assert_eq!(cleared[name], Value::Null, "{name}");
    }
    assert_eq!((&cleared["scopes"], &cleared["roles"]), (&json!([]), &json!([])));
}

#[test]
fn a_whole_key_names_itself() {
    let folder = Folder::new();
    let key = folder.create("a");
    assert_eq!(folder.on_db(&["show", &key, "--json"]).json()["agent_id"], "a");
    assert_eq!(
        folder.on_db(&["revoke", &key, "--json"]).json(),
        json!({"key_id": key_id(&key), "revoked": true})
    );
    assert_eq!(folder.on_db(&["show", &key, "--json"]).json()["revoked"], true);
    let again = folder.on_db(&["revoke", key_id(&key)]);
    assert_eq!((again.code, again.out.as_str()), (Some(0), ""));
}

#[test]
fn no_such_key_is_one_and_the_text_is_not_repeated() {
    let folder = Folder::new();
    let key = folder.create("a");
    let mistyped = format!("{}x", key.get(..64).unwrap());
    for text in ["t4_000000000000", mistyped.as_str(), "Zk3-_v0bq8nYI1xJt9Rr7mS5dQwE2aUcHfLgPoKiNjB"] {
        for arguments in
            [&["show", text][..], &["revoke", text], &["rotate", text], &["set", text, "--owner", "o"]]
        {
            let ended = folder.on_db(arguments);
            assert_eq!((ended.code, ended.out.as_str()), (Some(1), ""), "{arguments:?} {ended:?}");
            assert!(ended.err.contains("admin-keys list") && !ended.err.contains(text), "{ended:?}");
        }
    }
}

#[test]
fn wrong_usage_is_two_and_changes_nothing() {
    let folder = Folder::new();
    let key = folder.create("a");
    let id = key_id(&key);
    let before = folder.on_db(&["list", "--json"]).json();
    for (arguments, word) in [
        (&["create"][..], "--agent-id"),
        (&["create", "--agent-id", ""], "agent_id"),
        (&["create", "--agent-id", "b", "--expires-days", "0"], "expires_in_days"),
        (&["create", "--agent-id", "b", "--daily-limit", "-1"], "daily_limit"),
        (&["create", "--agent-id", "b", "--daily-limit", "nan"], "--daily-limit"),
        (&["create", "--agent-id", "b", "--scopes", "nonsense"], "scopes"),
        (&["create", "--agent-id", "b", "--rate-per-minute", "-1"], "-1"),
        (&["create", "--agent-id", "b", "--time-zone", "Nord see"], "time_zone"),
        (&["create", "--agent-id", "b", "--api", "http://127.0.0.1:9"], "--db"),
        (&["set", id], "--owner"),
        (&["set", id, "--daily-limit", "none"], "--daily-limit"),
        (&["set", id, "--owner", ""], "none"),
        (&["rotate", id, "--overlap-seconds", "-1"], "overlap_seconds"),
        (&["rotate", id, "--overlap-seconds", "2592001"], "overlap_seconds"),
        (&["list", "--admin-token-file", "x"], "--api"),
        (&["revoke", ""], "KEY_ID"),
        (&["list", "--admin-token", "secret"], "--admin-token"),
        (&["list", "--api", "http://127.0.0.1:9"], "--db"),
        (&["nonsense"], "nonsense"),
    ] {
        let ended = folder.on_db(arguments);
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{arguments:?} {ended:?}");
        assert!(ended.err.contains(word), "{arguments:?} {ended:?}");
    }
    assert_eq!(folder.on_db(&["list", "--json"]).json(), before);
}

#[test]
fn only_create_makes_a_missing_database() {
    let folder = Folder::new();
    for arguments in [&["list"][..], &["revoke", "t4_000000000000"], &["rotate", "t4_000000000000"]] {
        let ended = folder.on_db(arguments);
        assert_eq!(ended.code, Some(3), "{ended:?}");
        assert!(ended.err.contains("there is no database"), "{ended:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let ended = folder.on_db(&["create", "--agent-id", "a"]);
    assert!(ended.code == Some(0) && ended.err.contains("a new one was made"), "{ended:?}");
    assert!(!folder.on_db(&["create", "--agent-id", "a"]).err.contains("warning"));
}

#[test]
fn a_database_of_another_version_is_three_and_says_what_to_run() {
    let original = Folder::new();
    original.sql("CREATE TABLE api_keys (key TEXT PRIMARY KEY)");
    let (older, newer) = (Folder::new(), Folder::new());
    for (folder, version) in [(&older, 2), (&newer, 999)] {
        drop(folder.create("a"));
        folder.sql(&format!("PRAGMA user_version = {version}"));
    }
    for (folder, words) in
        [(&original, "t4 db migrate"), (&older, "t4 db migrate"), (&newer, "use the version that wrote it")]
    {
        for arguments in [&["list"][..], &["create", "--agent-id", "b"]] {
            let ended = folder.on_db(arguments);
            assert_eq!((ended.code, ended.out.as_str()), (Some(3), ""), "{ended:?}");
            assert!(ended.err.contains(words), "{ended:?}");
        }
    }
}

#[test]
fn a_file_that_is_no_registry_is_three() {
    let folder = Folder::new();
    fs::write(folder.db(), "not a database at all, but long enough to be read as one".repeat(100)).unwrap();
    assert_eq!(folder.on_db(&["list"]).code, Some(3));
    fs::remove_file(folder.db()).unwrap();
    folder.sql("CREATE TABLE recipes (name TEXT)");
    assert_eq!(folder.on_db(&["list"]).code, Some(3));
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_dot_env() {
    let folder = Folder::new();
    fs::write(folder.path().join(".env"), "T4_DB=env.db\nT4_KEY_PEPPER='a pepper of 32 characters, or so'\n")
        .unwrap();
    let create = ["create", "--agent-id", "a"];
    let made = |name: &str| folder.path().join(name).is_file();
    assert_eq!(folder.run(&create).code, Some(0));
    assert!(made("env.db") && !made("env.db.pepper"));
    assert_eq!(ended(folder.command(&create).env("T4_DB", "set.db")).code, Some(0));
    assert!(made("set.db"));
    assert_eq!(
        ended(folder.command(&[&create[..], &["--db", "flag.db"]].concat()).env("T4_DB", "set.db")).code,
        Some(0)
    );
    assert!(made("flag.db"));
    let other = ended(folder.command(&["list"]).env("T4_KEY_PEPPER", "another pepper of 32 characters!!"));
    assert_eq!(other.code, Some(3), "{other:?}");
    assert!(other.err.contains("pepper"), "{other:?}");
}

#[test]
fn a_run_leaves_its_row_and_no_secret_in_the_file() {
    let folder = Folder::new();
    let key = folder.create("agent-7");
    let rotated = folder.on_db(&["rotate", &key]).out;
    drop(folder.on_db(&["set", &key, "--owner", "team"]));
    drop(folder.on_db(&["rotate", &key, "--overlap-seconds", "-1"]));
    drop(folder.on_db(&["revoke", &key]));
    let conn = rusqlite::Connection::open(folder.db()).unwrap();
    let rows: Vec<String> = conn
        .prepare("SELECT route || ' ' || actor || ' ' || outcome || ' ' || coalesce(body, '-') FROM audit_log WHERE event = 'tool' ORDER BY seq")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let id = key_id(&key);
    assert_eq!(
        rows,
        [
            "admin-keys create admin ok {\"agent_id\":\"agent-7\"}".to_owned(),
            format!("admin-keys rotate {id} admin ok {{}}"),
            format!("admin-keys set {id} admin ok {{\"owner\":\"team\"}}"),
            format!("admin-keys rotate {id} admin invalid_field {{\"overlap_seconds\":-1}}"),
            format!("admin-keys revoke {id} admin ok -"),
        ]
    );
    for file in fs::read_dir(folder.path()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        for key in [&key, &rotated] {
            assert!(!bytes.windows(20).any(|part| part == &key.as_bytes()[20..40]));
        }
    }
}

#[test]
fn a_key_that_can_not_be_written_is_not_taken_for_made() {
    let folder = Folder::new();
    let key = folder.create("a");
    for arguments in
        [&["create", "--agent-id", "b", "--db", "registry.db"][..], &["rotate", &key, "--db", "registry.db"]]
    {
        let ended = written_to(folder.command(arguments), File::create("/dev/full").unwrap());
        assert_eq!(ended.code, Some(3), "{ended:?}");
        assert!(ended.err.contains("rotate or revoke t4_"), "{ended:?}");
    }
}
