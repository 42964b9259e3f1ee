//! What the runbooks type works as written, on a running server.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use t4_tests::process::{Server, Start, eventually};

use crate::support::{SayOver, number, open, sqlite3};

/// The commands of CONTRACT, letter by letter.
const COSTS: &str = r#"sqlite3 reports/todos/intent_registry.db "SELECT agent_id, SUM(est_cost) as total_cost FROM llm_usage GROUP BY agent_id""#;
const CALLS: &str = r#"sqlite3 reports/todos/intent_registry.db "SELECT * FROM audit_log WHERE agent_id='my-agent' ORDER BY timestamp DESC LIMIT 10""#;
const REVOKE: &str = r#"sqlite3 reports/todos/intent_registry.db "UPDATE api_keys SET revoked=1""#;

/// What a shell in this folder prints for a command.
fn shell(folder: &Path, command: &str) -> String {
    if Command::new("sqlite3").arg("--version").output().is_err() {
        // Without the tool, what stands between the quotes is run all the same.
        let sql = command.split('"').nth(1).expect("a statement");
        return sqlite3(&folder.join("reports/todos/intent_registry.db"), sql);
    }
    let output = Command::new("sh").args(["-c", command]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    // Hashes are bytes, and the tool prints them as they are.
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

fn world() -> (tempfile::TempDir, Server, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let server = Start::at(folder.path()).default_db().server();
    let (key, key_id) = server.key("my-agent");
    (folder, server, key, key_id)
}

#[test]
fn the_three_commands_of_the_runbook_work_as_written_on_a_running_server() {
    let (folder, server, key, key_id) = world();
    let usage = "INSERT INTO llm_usage (timestamp, api_key, agent_id, model, est_cost) VALUES ('t', 'k', 'my-agent', 'm', ";
    sqlite3(&server.db(), &format!("{usage} 0.25); {usage} 0.5)"));
    assert_eq!(shell(folder.path(), COSTS), "my-agent|0.75");

    for _ in 0..12 {
        assert_eq!(server.agent(&key, "GET", "/intents", "").status, 200);
    }
    eventually("the last ten calls are shown", Duration::from_secs(1), || {
        let calls = shell(folder.path(), CALLS);
        assert!(!calls.contains(&key), "{calls}");
        (calls.matches(&key_id).count() == 10).then_some(())
    });

    shell(folder.path(), REVOKE);
    eventually("the key is refused", Duration::from_secs(1), || {
        (server.agent(&key, "GET", "/intents", "").code() == "revoked_key").then_some(())
    });
    server.assert_log_verifies();
}

#[test]
fn the_revocation_of_the_runbook_works_while_agents_write() {
    let (folder, server, key, _) = world();
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _over = SayOver(&over);
        for writer in 0..8 {
            let (server, key, over) = (&server, &key, &over);
            scope.spawn(move || {
                let mut connection = server.connect();
                for n in 0.. {
                    let body = format!(r#"{{"id":"w{writer}-{n}","code":"F821"}}"#);
                    let headers = [("x-t4-api-key", key.as_str())];
                    let answer = connection.call("POST", "/intents", &headers, &body).unwrap();
                    if answer.status != 201 || over.load(std::sync::atomic::Ordering::Relaxed) {
                        assert!(matches!(answer.status, 201 | 401 | 429), "{}", answer.body);
                        return;
                    }
                }
            });
        }
        eventually("agents write", Duration::from_secs(10), || {
            (number(&server.db(), "SELECT COUNT(*) FROM intents") > 50).then_some(())
        });
        // As the documents have it for this case: the tool does not wait for a lock by itself.
        let mut tool = Command::new("sqlite3");
        let tool = tool.args(["-cmd", ".timeout 5000"]).arg(server.db()).arg("UPDATE api_keys SET revoked=1");
        match tool.output() {
            Ok(ended) => assert!(ended.status.success(), "{ended:?}"),
            Err(_) => drop(sqlite3(&server.db(), "UPDATE api_keys SET revoked=1")),
        }
        eventually("the key is refused", Duration::from_secs(1), || {
            (server.agent(&key, "GET", "/intents", "").status / 100 == 4).then_some(())
        });
        over.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    drop(folder);
}

#[test]
fn a_daily_limit_that_is_edited_by_sql_is_shown_and_recorded() {
    let (_folder, server, _, key_id) = world();
    sqlite3(&server.db(), &format!("UPDATE api_keys SET daily_limit=7.25 WHERE key='{key_id}'"));
    eventually("the limit is shown", Duration::from_secs(1), || {
        let keys = server.admin("GET", "/admin/api_keys", "").json();
        (keys[0]["daily_limit"] == 7.25).then_some(())
    });
    // The integer column, which is the truth, follows.
    assert_eq!(number(&server.db(), "SELECT daily_limit_pico FROM api_keys"), 7_250_000_000_000);
    eventually("the change has its row", Duration::from_secs(5), || {
        let row = format!(
            "SELECT COUNT(*) FROM audit_log WHERE event='outside_change' AND detail LIKE '%{key_id}%'"
        );
        (number(&server.db(), &row) == 1).then_some(())
    });
    server.assert_log_verifies();
}

#[test]
fn the_etag_moves_when_sqlite3_changes_an_intent() {
    let (_folder, server, key, _) = world();
    assert_eq!(server.register(&key, "a").status, 201);
    let etag = || {
        let answer = server.agent(&key, "GET", "/intents/a", "");
        (answer.header("etag").expect("an ETag").to_owned(), answer.json()["reason"].clone())
    };
    let (before, _) = etag();
    sqlite3(&server.db(), "UPDATE intents SET reason='by hand' WHERE id='a'");
    let (after, reason) = etag();
    assert_eq!(reason, "by hand");
    assert_ne!(before, after);
    let headers = [("x-t4-api-key", key.as_str()), ("if-match", before.as_str())];
    let stale = server.call("PATCH", "/intents/a", &headers, r#"{"reason":"over"}"#);
    assert_eq!((stale.status, &*stale.code()), (412, "version_mismatch"), "{}", stale.body);
    let headers = [("x-t4-api-key", key.as_str()), ("if-match", after.as_str())];
    assert_eq!(server.call("PATCH", "/intents/a", &headers, r#"{"reason":"over"}"#).status, 200);
}

#[test]
fn a_row_of_the_log_that_sqlite3_edits_is_named_by_every_verification() {
    let (_folder, server, key, _) = world();
    assert_eq!(server.register(&key, "a").status, 201);
    server.assert_log_verifies();
    let id = number(&server.db(), "SELECT id FROM audit_log WHERE route='/intents' AND status_code=201");
    open(&server.db()).execute("UPDATE audit_log SET agent_id='somebody-else' WHERE id=?1", [id]).unwrap();
    let verdict = server.admin("GET", "/admin/audit/verify", "").json();
    assert_eq!(
        (verdict["ok"].as_bool(), verdict["first_bad"]["id"].as_i64()),
        (Some(false), Some(id)),
        "{verdict}"
    );
    let mut offline = t4_tests::process::command("t4");
    let ended = t4_tests::process::run(offline.args(["audit", "verify", "--json", "--db"]).arg(server.db()));
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let verdict: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(verdict["first_bad"]["id"], id);
}
