//! A database of the original service is taken over as it is.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use t4_tests::process::Server;

/// The tables as the original makes them.
const SCHEMA: &str = "
    CREATE TABLE intents (id TEXT PRIMARY KEY, code TEXT, type TEXT, file TEXT, line INTEGER, import_text TEXT,
      reason_category TEXT, reason TEXT, suggestion TEXT, owner TEXT, ticket TEXT, eta TEXT, status TEXT,
      created_at TEXT, modified_at TEXT, resolved_at TEXT, raw JSON);
    CREATE TABLE api_keys (key TEXT PRIMARY KEY, agent_id TEXT, owner TEXT, scopes TEXT, created_at TEXT,
      expires_at TEXT, revoked INTEGER DEFAULT 0, daily_limit REAL DEFAULT 100.0, daily_used REAL DEFAULT 0.0);
    CREATE TABLE audit_log (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT, api_key TEXT, agent_id TEXT,
      path TEXT, method TEXT, status_code INTEGER, ip TEXT, body JSON);
    CREATE TABLE llm_usage (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT, api_key TEXT, agent_id TEXT,
      model TEXT, prompt_tokens INTEGER, completion_tokens INTEGER, est_cost REAL);
    CREATE INDEX idx_status ON intents(status);
    CREATE INDEX idx_owner ON intents(owner);
    CREATE INDEX idx_code ON intents(code);
";
const KEY: &str = "dGhpcy1pcy1hbi1vbGQta2V5LW9mLXRoZS1vcmln_-A";
const REVOKED: &str = "YW5vdGhlci1rZXktdGhhdC13YXMtcmV2b2tlZC1vbA0";
const TOKEN: &str = "the-old-admin-token-in-a-query";

#[test]
fn a_database_of_the_original_service_goes_on_and_holds_no_key_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch(SCHEMA).unwrap();
    let keys = "INSERT INTO api_keys VALUES (?1, ?2, 'team', NULL, '2025-11-06T10:00:00.123456', NULL, ?3, 50.0, 1.5)";
    db.execute(keys, (KEY, "old-agent", 0)).unwrap();
    db.execute(keys, (REVOKED, "gone-agent", 1)).unwrap();
    for (id, status) in [("T4-old-1", "planned"), ("T4-old-2", "wip")] {
        db.execute(
            "INSERT INTO intents VALUES (?1, 'F821', 'lint', 'old.py', 3, NULL, NULL, 'why', NULL, 'team', 'OLD-1',
             NULL, ?2, '2025-11-06T10:00:00.123456', '2025-11-06T10:00:00.123456', NULL, '{}')",
            (id, status),
        )
        .unwrap();
    }
    let url = format!("http://127.0.0.1:8001/admin/api_keys?admin_token={TOKEN}");
    let row = "INSERT INTO audit_log (timestamp, api_key, agent_id, path, method, status_code, ip, body)
               VALUES ('2025-11-06T10:00:01.5', ?1, 'old-agent', ?2, 'POST', 200, '127.0.0.1', ?3)";
    db.execute(row, (KEY, &url, format!(r#"{{"api_key":"{KEY}"}}"#))).unwrap();
    let usage = "INSERT INTO llm_usage (timestamp, api_key, agent_id, model, prompt_tokens, completion_tokens,
                 est_cost) VALUES ('2025-11-06T10:00:01.5', ?1, 'old-agent', 'gpt-4o', 10, 10, 0.25)";
    db.execute(usage, [KEY]).unwrap();
    // A deleted row leaves its bytes in a free place of a page.
    db.execute(keys, ("deleted-key-that-is-still-in-a-free-page-01", "x", 0)).unwrap();
    db.execute("DELETE FROM api_keys WHERE agent_id = 'x'", []).unwrap();
    drop(db);

    let server = Server::start(folder.path());
    assert_eq!(server.agent(KEY, "GET", "/intents/T4-old-1", "").json()["status"], "planned");
    let unknown = server.agent(KEY, "GET", "/intents/T4-old-2", "").json();
    assert_eq!(unknown["status"], "wip", "the text of an unknown status is kept");
    assert_eq!(server.agent(REVOKED, "GET", "/intents", "").code(), "revoked_key");
    let created = server.agent(KEY, "POST", "/intents", r#"{"code":"F401","file":"new.py"}"#);
    assert_eq!(created.status, 201, "{}", created.body);
    assert_eq!(created.json()["intent"]["agent_id"], "old-agent");
    let listed = server.admin("GET", "/admin/api_keys", "").json();
    let old = listed.as_array().unwrap().iter().find(|key| key["agent_id"] == "old-agent").unwrap();
    assert_eq!((old["daily_limit"].as_f64(), old["daily_used"].as_f64()), (Some(50.0), Some(1.5)));
    assert!(old["scopes"].as_array().unwrap().iter().any(|scope| scope == "intents:write"));
    let rotated = server.admin("POST", &format!("/admin/api_keys/{}/rotate", old["key_id"].as_str().unwrap()), "");
    let new = rotated.json()["key"].as_str().unwrap_or_else(|| panic!("{}", rotated.body)).to_owned();
    assert_eq!(server.agent(&new, "GET", "/intents/T4-old-1", "").status, 200);
    assert_eq!(server.agent(KEY, "GET", "/intents/T4-old-1", "").status, 401);
    server.assert_log_verifies();

    let mut copies = Vec::new();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name.starts_with("registry.db.original-") {
            assert_eq!(entry.metadata().unwrap().mode() & 0o777, 0o600);
            copies.push(entry.path());
            continue;
        }
        let bytes = fs::read(entry.path()).unwrap();
        for secret in [KEY, REVOKED, TOKEN, "deleted-key-that-is-still-in-a-free-page-01"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "`{secret}` is in clear in {name}");
        }
    }
    assert_eq!(copies.len(), 1);
    let copy = rusqlite::Connection::open(&copies[0]).unwrap();
    let kept = copy.query_row("SELECT COUNT(*) FROM api_keys WHERE key = ?1", [KEY], |row| row.get::<_, i64>(0));
    assert_eq!(kept.unwrap(), 1, "the copy is the database as it was");
    assert!(server.stop(std::time::Duration::from_secs(20)).success());
    Server::start(folder.path()).assert_log_verifies();
}
