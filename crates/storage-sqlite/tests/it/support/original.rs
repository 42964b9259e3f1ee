//! Database as the original service writes it.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking as well")]

use std::path::Path;

use rusqlite::{Connection, params};

/// A key of the original: 43 url-safe characters, in clear.
pub const KEY: &str = "Zk3v-9QpX_7LmN2bR5tYw8aHcJdKfGsEuViOxP0qT1M";
/// One that was taken back.
pub const REVOKED: &str = "Aa1v-9QpX_7LmN2bR5tYw8aHcJdKfGsEuViOxP0qT1M";
/// One that is in the log but no longer in the table.
pub const FORGOTTEN: &str = "Bb2v-9QpX_7LmN2bR5tYw8aHcJdKfGsEuViOxP0qT1M";
/// One that was deleted: it stands on a free page alone.
pub const DELETED: &str = "Cc3v-9QpX_7LmN2bR5tYw8aHcJdKfGsEuViOxP0qT1M";
/// One that somebody made up.
pub const HAND_MADE: &str = "hand made key!";
/// The admin token, which the original logged.
pub const ADMIN_TOKEN: &str = "hunter2-admin";

/// Everything that must not be in the file any more.
pub const SECRETS: [&str; 6] = [KEY, REVOKED, FORGOTTEN, DELETED, HAND_MADE, ADMIN_TOKEN];

/// The original's statements, as its code has them.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS intents (id TEXT PRIMARY KEY, code TEXT, type TEXT, file TEXT, line INTEGER,
    import_text TEXT, reason_category TEXT, reason TEXT, suggestion TEXT, owner TEXT, ticket TEXT, eta TEXT,
    status TEXT, created_at TEXT, modified_at TEXT, resolved_at TEXT, raw JSON);
CREATE TABLE IF NOT EXISTS api_keys (key TEXT PRIMARY KEY, agent_id TEXT, owner TEXT, scopes TEXT,
    created_at TEXT, expires_at TEXT, revoked INTEGER DEFAULT 0, daily_limit REAL DEFAULT 100.0,
    daily_used REAL DEFAULT 0.0);
CREATE TABLE IF NOT EXISTS audit_log (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT, api_key TEXT,
    agent_id TEXT, path TEXT, method TEXT, status_code INTEGER, ip TEXT, body JSON);
CREATE TABLE IF NOT EXISTS llm_usage (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT, api_key TEXT,
    agent_id TEXT, model TEXT, prompt_tokens INTEGER, completion_tokens INTEGER, est_cost REAL);
CREATE INDEX IF NOT EXISTS idx_status ON intents (status);
CREATE INDEX IF NOT EXISTS idx_owner ON intents (owner);
CREATE INDEX IF NOT EXISTS idx_code ON intents (code);
";

/// Writes such a database, with something of a user's own in it.
pub fn write(path: &Path) {
    let conn = Connection::open(path).unwrap();
    conn.execute_batch(SCHEMA).unwrap();
    conn.execute_batch("BEGIN").unwrap();
    let time = "2025-11-06T12:34:56.123456";
    let intent = "INSERT INTO intents (id, code, type, file, line, owner, ticket, status, created_at, modified_at, \
                  resolved_at, raw) VALUES (?1, 'F401', 'lint', 'a.py', ?2, 'team', 'T-1', ?3, ?4, ?5, NULL, '{}')";
    conn.execute(intent, params!["usual", 3, "planned", time, time]).unwrap();
    conn.execute(intent, params!["odd", "three", "wip", "once", Option::<&str>::None]).unwrap();
    conn.execute("UPDATE intents SET file = './lib/../a.py' WHERE id = 'odd'", []).unwrap();
    let key = "INSERT INTO api_keys (key, agent_id, owner, scopes, created_at, expires_at, revoked, daily_limit, \
               daily_used) VALUES (?1, ?2, 'team', ?3, ?4, ?5, ?6, ?7, 1.5)";
    conn.execute(key, params![KEY, "agent-1", "", time, "2099-01-01T00:00:00", 0, 12.5]).unwrap();
    let never = Option::<&str>::None;
    conn.execute(key, params![REVOKED, "agent-2", "llm:call", time, never, 1, 100.0]).unwrap();
    conn.execute(key, params![HAND_MADE, "agent-3", never, time, "", 0, 1e9]).unwrap();
    conn.execute(key, params!["", "agent-4", never, time, never, 0, 1.0]).unwrap();
    for n in 0..300 {
        let text = format!("{DELETED}{n}{}", "x".repeat(200));
        conn.execute(key, params![text, "gone", never, time, never, 0, 1.0]).unwrap();
    }
    conn.execute("DELETE FROM api_keys WHERE agent_id = 'gone'", []).unwrap();
    let row = "INSERT INTO audit_log (timestamp, api_key, agent_id, path, method, status_code, ip, body) \
               VALUES (?1, ?2, 'agent-1', ?3, 'POST', 200, '127.0.0.1', ?4)";
    let admin = format!("http://h:8001/admin/api_keys?admin_token={ADMIN_TOKEN}&x=1");
    let revoke = format!("http://h:8001/admin/api_keys/{REVOKED}?admin_token={ADMIN_TOKEN}");
    conn.execute(row, params![time, KEY, "http://h:8001/intents", r#"{"code": "F401"}"#]).unwrap();
    conn.execute(row, params![time, never, admin, format!("{{\"key\": \"{KEY}\", \"n\": [1,2]}}")]).unwrap();
    let form = format!("not json, {HAND_MADE}, admin_token={ADMIN_TOKEN}");
    conn.execute(row, params![time, FORGOTTEN, revoke, form]).unwrap();
    conn.execute(row, params!["then", "", "http://h:8001/health", never]).unwrap();
    let usage = "INSERT INTO llm_usage (timestamp, api_key, agent_id, model, prompt_tokens, completion_tokens, \
                 est_cost) VALUES (?1, ?2, 'agent-1', 'gpt-4o', 10, 20, 0.25)";
    conn.execute(usage, params![time, KEY]).unwrap();
    conn.execute_batch(
        "CREATE TABLE my_notes (note TEXT); INSERT INTO my_notes VALUES ('mine');
         CREATE INDEX my_index ON intents (ticket); ALTER TABLE intents ADD COLUMN my_column TEXT;
         UPDATE intents SET my_column = 'mine'; COMMIT;",
    )
    .unwrap();
}
