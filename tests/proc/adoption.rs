//! A database of the original service is taken over: its keys go on working, and their text is nowhere any more.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use t4_tests::process::{ADMIN, Server, Start, eventually};

use crate::support::{files_with, number, open, rows, sqlite3};

/// Keys as the original made them: `secrets.token_urlsafe(32)`.
const KEY: &str = "Zk3v-9QpX_7LmN2bR5tYw8aHcJdKfGsEuViOxP0qT1M";
const REVOKED: &str = "Qa1v-9QpX_7LmN2bR5tYw8aHcJdKfGsEuViOxP0qT1M";
const DELETED: &str = "Wc3v-9QpX_7LmN2bR5tYw8aHcJdKfGsEuViOxP0qT1M";
/// The admin token, which the original wrote into its log.
const OLD_ADMIN: &str = "hunter2-of-the-admins";
/// A key of a provider that an agent once posted.
const PROVIDER: &str = "sk-proj-Abcdefghijklmnopqrstuvwxyz0123456789ABCD";

/// The statements of the original's `init_db`.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS intents (id TEXT PRIMARY KEY, code TEXT, type TEXT, file TEXT, line INTEGER,
    import_text TEXT, reason_category TEXT, reason TEXT, suggestion TEXT, owner TEXT, ticket TEXT, eta TEXT,
    status TEXT, created_at TEXT, modified_at TEXT, resolved_at TEXT, raw JSON);
CREATE INDEX IF NOT EXISTS idx_status ON intents (status);
CREATE INDEX IF NOT EXISTS idx_owner ON intents (owner);
CREATE INDEX IF NOT EXISTS idx_code ON intents (code);
CREATE TABLE IF NOT EXISTS api_keys (key TEXT PRIMARY KEY, agent_id TEXT, owner TEXT, scopes TEXT,
    created_at TEXT, expires_at TEXT, revoked INTEGER DEFAULT 0, daily_limit REAL DEFAULT 100.0,
    daily_used REAL DEFAULT 0.0);
CREATE TABLE IF NOT EXISTS audit_log (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT, api_key TEXT,
    agent_id TEXT, path TEXT, method TEXT, status_code INTEGER, ip TEXT, body JSON);
CREATE TABLE IF NOT EXISTS llm_usage (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT, api_key TEXT,
    agent_id TEXT, model TEXT, prompt_tokens INTEGER, completion_tokens INTEGER, est_cost REAL);
";

/// Writes such a database where the original has it.
fn original(folder: &Path) -> PathBuf {
    let db = folder.join("reports/todos/intent_registry.db");
    fs::create_dir_all(db.parent().unwrap()).unwrap();
    let conn = open(&db);
    conn.execute_batch(SCHEMA).unwrap();
    let intent = "INSERT INTO intents VALUES (?1, ?2, 'lint', 'src/a.py', ?3, NULL, 'import', 'because', NULL, \
                  ?4, ?5, NULL, ?6, '2025-11-06T12:34:56.123456', '2025-11-07T00:00:00', NULL, ?7)";
    let raw = r#"{"code": "F821", "file": "src/a.py"}"#;
    conn.execute(intent, ("T4-AUTO-1", "F821", 7, "platform", "OPS-1", "planned", raw)).unwrap();
    conn.execute(intent, ("T4-AUTO-2", "F401", 1, None::<&str>, None::<&str>, "reserved", "{}")).unwrap();
    let key =
        "INSERT INTO api_keys VALUES (?1, ?2, 'platform', ?3, '2025-11-06T12:00:00.000001', ?4, ?5, ?6, 0.5)";
    conn.execute(key, (KEY, "my-agent", "", "2099-01-01T00:00:00.000000", 0, 12.5)).unwrap();
    conn.execute(key, (REVOKED, "old-agent", "llm:call", "2099-01-01T00:00:00", 1, 100.0)).unwrap();
    for n in 0..100 {
        let text = format!("{DELETED}{n:03}{}", "x".repeat(300));
        conn.execute(key, (text, "gone", "", None::<&str>, 0, 1.0)).unwrap();
    }
    conn.execute_batch("DELETE FROM api_keys WHERE agent_id = 'gone'").unwrap();
    let row = "INSERT INTO audit_log (timestamp, api_key, agent_id, path, method, status_code, ip, body) \
               VALUES (?1, ?2, ?3, ?4, ?5, 200, '127.0.0.1', ?6)";
    let time = "2025-11-06T12:34:56.123456";
    let base = "http://127.0.0.1:8001";
    let by = |path: &str| format!("{base}{path}");
    let list = by(&format!("/admin/api_keys?admin_token={OLD_ADMIN}&limit=5"));
    let revoke = by(&format!("/admin/api_keys/{REVOKED}?admin_token={OLD_ADMIN}"));
    conn.execute(row, (time, Some(KEY), Some("my-agent"), by("/intents"), "POST", Some(raw))).unwrap();
    conn.execute(row, (time, None::<&str>, None::<&str>, list, "GET", None::<&str>)).unwrap();
    conn.execute(row, (time, None::<&str>, None::<&str>, revoke, "DELETE", None::<&str>)).unwrap();
    let posted = format!(r#"{{"prompt": "hi", "api_key": "{PROVIDER}"}}"#);
    conn.execute(row, (time, Some(KEY), Some("my-agent"), by("/llm/chat"), "POST", Some(posted))).unwrap();
    let answered = format!(r#"{{"key": "{KEY}", "agent_id": "my-agent"}}"#);
    conn.execute(row, (time, None::<&str>, None::<&str>, by("/admin/api_keys"), "POST", Some(answered)))
        .unwrap();
    let usage = "INSERT INTO llm_usage (timestamp, api_key, agent_id, model, prompt_tokens, completion_tokens, \
                 est_cost) VALUES (?1, ?2, 'my-agent', 'gpt-4o', 10, 20, 0.25)";
    conn.execute(usage, (time, KEY)).unwrap();
    conn.execute(usage, (time, KEY)).unwrap();
    db
}

fn no_secret_in_clear(db: &Path) {
    let folder = db.parent().unwrap();
    for secret in [KEY, REVOKED, DELETED, OLD_ADMIN, PROVIDER] {
        let found = files_with(folder, secret);
        let others: Vec<_> =
            found.iter().filter(|path| !path.to_string_lossy().contains(".original-")).collect();
        assert!(others.is_empty(), "{secret} stands in {others:?}");
    }
}

#[test]
fn a_database_of_the_original_is_adopted_with_keys_that_work_and_stand_nowhere_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let db = original(folder.path());
    let before = fs::read(&db).unwrap();
    let server = Start::at(folder.path()).default_db().server();

    // The original lies aside as it was, for its owner alone.
    let beside: Vec<_> =
        fs::read_dir(db.parent().unwrap()).unwrap().flatten().map(|entry| entry.path()).collect();
    let copies: Vec<_> = beside
        .iter()
        .filter(|path| path.to_string_lossy().contains("intent_registry.db.original-"))
        .collect();
    assert_eq!(copies.len(), 1, "{beside:?}");
    assert_eq!(fs::metadata(copies[0]).unwrap().mode() & 0o777, 0o600);
    assert_eq!(rows(&open(copies[0]), "SELECT key FROM api_keys ORDER BY agent_id"), [[KEY], [REVOKED]]);
    assert_eq!(before.len(), usize::try_from(fs::metadata(copies[0]).unwrap().len()).unwrap());

    // The old key works, and nothing was lost.
    let adopted = server.agent(KEY, "GET", "/intents/T4-AUTO-1", "");
    assert_eq!(adopted.status, 200, "{}", adopted.body);
    let adopted = adopted.json();
    assert_eq!(adopted["status"], "planned");
    assert_eq!(adopted["line"], 7);
    assert_eq!(adopted["created_at"], "2025-11-06T12:34:56.123456Z");
    assert_eq!(adopted["raw"]["code"], "F821");
    assert_eq!(
        server.agent(KEY, "GET", "/intents/by_file?file=src/a.py", "").json().as_array().unwrap().len(),
        2
    );
    assert_eq!(server.register(KEY, "T4-NEW").status, 201);
    assert_eq!(server.agent(REVOKED, "GET", "/intents", "").code(), "revoked_key");
    assert_eq!(server.agent(&KEY.replace('Z', "z"), "GET", "/intents", "").code(), "invalid_key");
    let keys = server.admin("GET", "/admin/api_keys", "").json();
    let mine = keys.as_array().unwrap().iter().find(|key| key["agent_id"] == "my-agent").unwrap().clone();
    assert_eq!(mine["daily_limit"], 12.5);
    let key_id = mine["key_id"].as_str().unwrap();
    assert!(key_id.starts_with("t4_x") && key_id.len() == 15, "{key_id}");

    no_secret_in_clear(&db);
    assert_eq!(number(&db, "SELECT COUNT(*) FROM audit_log WHERE v = 0"), 5);
    assert_eq!(number(&db, &format!("SELECT COUNT(*) FROM llm_usage WHERE api_key = '{key_id}'")), 2);
    server.assert_log_verifies();
    drop(server);
    // Not what the server wrote while it ran, either, and not a second time.
    no_secret_in_clear(&db);
    let again = Start::at(folder.path()).default_db().server();
    assert_eq!(again.agent(KEY, "GET", "/intents/T4-NEW", "").status, 200);
    let copies = fs::read_dir(db.parent().unwrap()).unwrap().flatten();
    assert_eq!(copies.filter(|entry| entry.file_name().to_string_lossy().contains(".original-")).count(), 1);
    again.assert_log_verifies();
}

#[test]
fn the_runbooks_commands_work_on_an_adopted_database() {
    let folder = tempfile::tempdir().unwrap();
    let db = original(folder.path());
    let server = Start::at(folder.path()).default_db().server();
    let costs = sqlite3(&db, "SELECT agent_id, SUM(est_cost) as total_cost FROM llm_usage GROUP BY agent_id");
    assert_eq!(costs, "my-agent|0.5");
    assert_eq!(server.agent(KEY, "GET", "/intents", "").status, 200);
    let calls = "SELECT * FROM audit_log WHERE agent_id='my-agent' ORDER BY timestamp DESC LIMIT 10";
    eventually("old and new calls are in one log", Duration::from_secs(2), || {
        let found = sqlite3(&db, calls);
        (found.matches("|my-agent|").count() == 3).then_some(())
    });
    assert!(!sqlite3(&db, calls).contains(KEY));
    sqlite3(&db, "UPDATE api_keys SET revoked=1");
    eventually("the old key is refused", Duration::from_secs(1), || {
        (server.agent(KEY, "GET", "/intents", "").code() == "revoked_key").then_some(())
    });
    server.assert_log_verifies();
}

#[test]
fn an_adopted_row_that_is_edited_afterwards_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let db = original(folder.path());
    let server = Start::at(folder.path()).default_db().server();
    server.assert_log_verifies();
    sqlite3(&db, "UPDATE audit_log SET status_code = 403 WHERE id = 1");
    let verdict = server.call("GET", "/admin/audit/verify", &[("x-t4-admin-token", ADMIN)], "").json();
    assert_eq!(verdict["ok"], false, "{verdict}");
}

#[test]
fn an_adoption_that_was_killed_in_the_middle_is_taken_up_again() {
    // Many rows, so that there is a middle.
    let folder = tempfile::tempdir().unwrap();
    let db = original(folder.path());
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
                INSERT INTO audit_log (timestamp, api_key, agent_id, path, method, status_code, ip, body)
                SELECT '2025-11-06T12:34:56.123456', 'Zk3v-9QpX_7LmN2bR5tYw8aHcJdKfGsEuViOxP0qT1M', 'my-agent',
                       'http://127.0.0.1:8001/intents', 'POST', 200, '127.0.0.1', '{\"n\": ' || i || '}' FROM n";
    open(&db).execute_batch(many).unwrap();
    for millis in [20, 100, 300, 700] {
        let start = Start::at(folder.path()).default_db();
        start.killed_after(Duration::from_millis(millis));
    }
    let server: Server = Start::at(folder.path()).default_db().server();
    assert_eq!(server.agent(KEY, "GET", "/intents/T4-AUTO-1", "").status, 200);
    assert_eq!(number(&db, "SELECT COUNT(*) FROM audit_log WHERE v = 0"), 40_005);
    server.assert_log_verifies();
    no_secret_in_clear(&db);
}
