//! Changes that a runbook makes with `sqlite3`: they take effect and are noticed. The statements run in the tool
//! itself where it is installed, otherwise on a plain connection.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking as well")]

use std::process::Command;
use std::time::Duration;

use crate::support::{TempStore, insert, intent, run, verdict, within};
use api_keys::{KeyMac, KeyQuotas, KeyRecord, ScopeSet};
use registry_core::{AgentId, Intent, IntentId, KeyId, KnownSecrets, Timestamp};

const KEY: &str = "t4_0123456789ab";

fn with_key() -> TempStore {
    let store = TempStore::new();
    let now = Timestamp::from_micros(1_700_000_000_000_000);
    let key = KeyRecord {
        key_id: KeyId::new(KEY).unwrap(),
        agent_id: AgentId::new("agent").unwrap(),
        owner: None,
        scopes: ScopeSet::default_grant(),
        roles: Vec::new(),
        created_at: now,
        expires_at: None,
        revoked: false,
        mac: KeyMac::from_bytes([1; 32]),
        previous_mac: None,
        nonce: None,
        daily_limit_pico_usd: 100_000_000_000_000,
        daily_used_pico_usd: 0,
        used_on: None,
        time_zone: None,
        rate_per_minute: None,
        quotas: KeyQuotas::default(),
        version: 1,
        modified_at: now,
    };
    run(&*store.store(), move |tx| tx.insert_key(&key).map(drop)).unwrap();
    store
}

/// Runs a statement of a runbook.
fn sqlite3(store: &TempStore, sql: &str) {
    let tool = Command::new("sqlite3").args(["-cmd", ".timeout 5000"]).arg(store.path()).arg(sql).output();
    if let Ok(done) = tool {
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    } else {
        store.by_hand().execute_batch(sql).unwrap();
    }
}

fn key(store: &TempStore) -> KeyRecord {
    store.store().read(|view| view.key(&KeyId::new(KEY).unwrap())).unwrap().unwrap()
}

fn changes(store: &TempStore) -> Vec<(String, String, String)> {
    let changes = store.sqlite().external_changes(100).unwrap();
    changes.into_iter().map(|change| (change.table, change.key, change.kind)).collect()
}

/// Has the log tell of the changes; returns how many.
fn recorded(store: &TempStore) -> u64 {
    let recorded = store.sqlite().record_external_changes(100, Timestamp::EPOCH, KnownSecrets::default());
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(recorded).unwrap()
}

fn change(table: &str, key: &str, kind: &str) -> (String, String, String) {
    (table.to_owned(), key.to_owned(), kind.to_owned())
}

#[test]
fn a_revocation_by_hand_is_noticed_within_a_second_and_recorded() {
    let store = with_key();
    let before = store.store().watch();
    sqlite3(&store, "UPDATE api_keys SET revoked=1");
    assert!(within(Duration::from_secs(1), || store.store().watch().epoch > before.epoch));
    assert!(key(&store).revoked);
    assert_eq!(key(&store).version, 2);
    assert_eq!(changes(&store), [change("api_keys", KEY, "update")]);
    let noticed = store.sqlite().external_changes(1).unwrap();
    assert!(Timestamp::parse(&noticed[0].at).is_ok(), "{noticed:?}");
    assert_eq!(recorded(&store), 1);
    assert!(changes(&store).is_empty());
    assert_eq!(recorded(&store), 0);
    let sql = "SELECT detail FROM audit_log WHERE event = 'outside_change'";
    let told: String = store.by_hand().query_row(sql, [], |row| row.get(0)).unwrap();
    assert!(told.contains(KEY) && told.contains(&noticed[0].at), "{told}");
    assert!(verdict(&*store.store()).ok);
}

#[test]
fn what_the_store_changes_itself_is_no_external_change() {
    let store = with_key();
    run(&*store.store(), |tx| {
        let own = intent("a");
        tx.insert_intent(&own, &[7; 32], None)?;
        tx.update_intent(&Intent { version: 2, ..own.clone() }, None)?;
        tx.delete_intent(&own.id)?;
        let key = tx.key(&KeyId::new(KEY).unwrap())?.unwrap();
        assert!(tx.put_key_usage(&key.key_id, "2026-11-21", 1)?);
        tx.update_key(&key.revoked(Timestamp::EPOCH)).map(drop)
    })
    .unwrap();
    assert!(changes(&store).is_empty());
    assert_eq!(recorded(&store), 0);
}

#[test]
fn nothing_moves_the_epoch_while_nobody_writes() {
    let store = with_key();
    // The store's own commits may move it once more.
    std::thread::sleep(Duration::from_millis(500));
    let before = store.store().watch();
    std::thread::sleep(Duration::from_millis(600));
    let after = store.store().watch();
    assert_eq!(after.epoch, before.epoch);
    assert!(after.last_good_look_micros > before.last_good_look_micros);
}

#[test]
fn a_limit_set_by_hand_is_obeyed_and_bounded() {
    let store = with_key();
    let cases = [
        ("0.1", 100_000_000_000),
        ("250", 250_000_000_000_000),
        ("0", 0),
        ("-5", 0),
        ("1e300", 9_000_000_000_000_000_000),
        ("NULL", 0),
        ("'lots'", 0),
        ("9000000", 9_000_000_000_000_000_000),
    ];
    for (n, (dollars, pico)) in cases.into_iter().enumerate() {
        sqlite3(&store, &format!("UPDATE api_keys SET daily_limit = {dollars} WHERE key = '{KEY}'"));
        assert_eq!(key(&store).daily_limit_pico_usd, pico, "{dollars}");
        assert_eq!(key(&store).version, u64::try_from(n).unwrap() + 2);
    }
}

#[test]
fn another_column_set_by_hand_leaves_the_limit_exact() {
    let store = with_key();
    let exact = KeyRecord { daily_limit_pico_usd: 123_456_789_012_345_678, version: 2, ..key(&store) };
    run(&*store.store(), move |tx| tx.update_key(&exact).map(drop)).unwrap();
    sqlite3(&store, "UPDATE api_keys SET owner = 'team'");
    assert_eq!(key(&store).daily_limit_pico_usd, 123_456_789_012_345_678);
    let shown: f64 =
        store.by_hand().query_row("SELECT daily_limit FROM api_keys", [], |row| row.get(0)).unwrap();
    assert!((shown - 123_456.789_012_345_68).abs() < 1e-9);
}

#[test]
fn every_column_of_a_key_is_watched_but_for_what_it_has_spent() {
    let store = with_key();
    let columns: Vec<String> = {
        let conn = store.by_hand();
        let mut statement = conn.prepare("SELECT name FROM pragma_table_info('api_keys')").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    for column in columns {
        let (version, noticed) = (key(&store).version, changes(&store).len());
        sqlite3(&store, &format!("UPDATE api_keys SET {column} = {column}"));
        let spent = ["daily_used", "daily_used_pico", "used_on"].contains(&column.as_str());
        let moved = u64::from(!spent);
        assert_eq!(key(&store).version, version + moved, "{column}");
        assert_eq!(changes(&store).len(), noticed + usize::from(!spent), "{column}");
    }
}

#[test]
fn a_limit_set_by_hand_between_settlements_is_obeyed() {
    let store = with_key();
    let spend = |used| {
        run(&*store.store(), move |tx| {
            assert!(tx.put_key_usage(&KeyId::new(KEY).unwrap(), "2026-11-21", used)?);
            Ok(())
        })
        .unwrap();
    };
    spend(1_500_000_000_000);
    sqlite3(&store, "UPDATE api_keys SET daily_limit = 2.5");
    spend(2_000_000_000_000);
    let found = key(&store);
    assert_eq!((found.daily_limit_pico_usd, found.version), (2_500_000_000_000, 2));
    assert_eq!(
        (found.daily_used_pico_usd, found.used_on.as_deref()),
        (2_000_000_000_000, Some("2026-11-21"))
    );
    let shown: f64 =
        store.by_hand().query_row("SELECT daily_used FROM api_keys", [], |row| row.get(0)).unwrap();
    assert!((shown - 2.0).abs() < 1e-12);
    assert_eq!(changes(&store).len(), 1);
}

#[test]
fn an_intent_changed_by_hand_has_a_new_version() {
    let store = with_key();
    insert(&*store.store(), "a").unwrap();
    sqlite3(&store, "UPDATE intents SET status = 'wip', line = 'three' WHERE id = 'a'");
    let id = IntentId::new("a").unwrap();
    let found = store.store().read(|view| view.intent(&id)).unwrap().unwrap();
    assert_eq!((found.version, found.stored_status.as_deref(), found.line), (2, Some("wip"), None));
    let stale = registry_core::Intent { version: 2, ..intent("a") };
    let (send, updated) = std::sync::mpsc::channel();
    run(&*store.store(), move |tx| {
        let _ = send.send(tx.update_intent(&stale, None)?);
        Ok(())
    })
    .unwrap();
    assert!(!updated.recv().unwrap(), "a change over one that was not seen");
    sqlite3(
        &store,
        "UPDATE intents SET version = version WHERE id = 'a'; DELETE FROM intents WHERE id = 'a'",
    );
    sqlite3(&store, "INSERT INTO intents (id, code) VALUES ('b', 'F401')");
    let expected = ["update", "update", "delete"].map(|kind| change("intents", "a", kind));
    assert_eq!(changes(&store)[..3], expected);
    assert_eq!(changes(&store)[3], change("intents", "b", "insert"));
    let id = IntentId::new("b").unwrap();
    assert_eq!(store.store().read(|view| view.intent(&id)).unwrap().unwrap().version, 1);
}

#[test]
fn a_key_inserted_by_hand_opens_nothing_and_is_not_written_down() {
    let store = with_key();
    sqlite3(&store, "INSERT INTO api_keys (key, agent_id) VALUES ('a-secret-in-clear', 'x')");
    assert_eq!(changes(&store), [change("api_keys", "not a key id", "insert")]);
    assert_eq!(store.store().read(|view| view.keys(None, 10)).unwrap().len(), 1);
    let id = KeyId::from_stored("a-secret-in-clear".to_owned());
    assert_eq!(store.store().read(|view| view.key(&id)).unwrap(), None);
    sqlite3(&store, "DELETE FROM api_keys");
    assert_eq!(changes(&store).len(), 3);
}

#[test]
fn a_key_edited_into_nonsense_gets_less_never_more() {
    let store = with_key();
    for edit in ["expires_at = 'soon'", "expires_at = ''"] {
        sqlite3(&store, &format!("UPDATE api_keys SET {edit}"));
        assert_eq!(key(&store).expires_at, Some(Timestamp::EPOCH), "{edit}");
    }
    sqlite3(&store, "UPDATE api_keys SET expires_at = '2099-01-01'");
    assert_eq!(key(&store).expires_at.unwrap().to_string(), "2099-01-01T00:00:00.000000Z");
    sqlite3(&store, "UPDATE api_keys SET scopes = NULL, revoked = 'yes', rate_per_minute = -1");
    let found = key(&store);
    assert!(found.scopes.is_empty() && found.revoked);
    assert_eq!(found.rate_per_minute, Some(0));
}

#[test]
fn intents_that_are_changed_by_hand_change_the_counts_of_their_creator() {
    let store = with_key();
    let key_id = KeyId::new(KEY).unwrap();
    let creator = key_id.clone();
    run(&*store.store(), move |tx| {
        for name in ["a", "b", "c"] {
            tx.insert_intent(&intent(name), &[7; 32], Some(&creator))?;
        }
        Ok(())
    })
    .unwrap();
    let usage = || {
        let usage = store.store().read(|view| view.key_usage(&key_id)).unwrap();
        (usage.intents, usage.intent_bytes)
    };
    let each = storage::stored_intent_bytes(&intent("a"));
    assert_eq!(usage(), (3, 3 * each));
    sqlite3(&store, "DELETE FROM intents WHERE id = 'a'; UPDATE intents SET reason = 'äö' WHERE id = 'b'");
    assert_eq!(usage(), (2, 2 * each + 4));
    sqlite3(&store, "UPDATE intents SET created_by_key = NULL, version = 70 WHERE id = 'c'");
    assert_eq!(usage(), (1, each + 4));
    let insert = format!("INSERT INTO intents (id, code, created_by_key) VALUES ('d', 'F', '{KEY}')");
    sqlite3(&store, &insert);
    assert_eq!(usage(), (2, each + 4 + 128 + 2));
    // Each text that counts, in every trigger.
    let recounted = || {
        let kept = usage();
        store.recount();
        assert_eq!(usage(), kept);
        kept
    };
    recounted();
    let texts = [
        "code",
        "type",
        "file",
        "import_text",
        "reason_category",
        "reason",
        "suggestion",
        "owner",
        "ticket",
        "eta",
        "status",
        "raw",
        "agent_id",
    ];
    for text in texts {
        let before = recounted();
        sqlite3(&store, &format!("UPDATE intents SET {text} = 'ä' WHERE id = 'd'"));
        assert_ne!(recounted(), before, "{text}");
        let insert = format!("INSERT INTO intents (id, {text}, created_by_key) VALUES ('e', 'öö', '{KEY}')");
        sqlite3(&store, &insert);
        recounted();
        // The writer, too, sees what was changed past it.
        let next = intent(&format!("after {text}"));
        let creator = key_id.clone();
        run(&*store.store(), move |tx| tx.insert_intent(&next, &[7; 32], Some(&creator)).map(drop)).unwrap();
        recounted();
        sqlite3(&store, &format!("UPDATE intents SET {text} = NULL WHERE id = 'd'"));
        recounted();
        sqlite3(&store, "DELETE FROM intents WHERE id = 'e'");
        recounted();
    }
}
