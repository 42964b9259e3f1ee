//! What the runbooks do with `sqlite3` works as written, on a running server.

use std::time::Duration;

use t4_tests::process::{Server, eventually};

use crate::revocation::sql;

#[test]
fn the_queries_of_the_runbooks_run_as_written() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, id) = server.key("my-agent");
    assert_eq!(server.agent(&key, "POST", "/intents", r#"{"code":"F821"}"#).status, 201);
    let db = rusqlite::Connection::open(server.db()).unwrap();
    let usage = "SELECT agent_id, SUM(est_cost) as total_cost FROM llm_usage GROUP BY agent_id";
    assert!(db.prepare(usage).unwrap().query([]).unwrap().next().unwrap().is_none());
    let rows = "SELECT * FROM audit_log WHERE agent_id='my-agent' ORDER BY timestamp DESC LIMIT 10";
    let mut statement = db.prepare(rows).unwrap();
    let mut rows = statement.query([]).unwrap();
    let row = rows.next().unwrap().expect("the creation has its row");
    assert_eq!(row.get::<_, String>("api_key").unwrap(), id);
    assert_eq!(row.get::<_, String>("path").unwrap(), "/intents");
    assert_eq!(row.get::<_, i64>("status_code").unwrap(), 201);
}

#[test]
fn a_limit_edited_by_sql_is_obeyed_and_an_edited_intent_gets_a_new_etag() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, id) = server.key("agent");
    let made = server.agent(&key, "POST", "/intents", r#"{"id":"edited","code":"F821"}"#);
    let before = made.header("etag").unwrap().to_owned();
    sql(&server, "UPDATE api_keys SET daily_limit = 12.5; UPDATE intents SET ticket = 'OPS-1' WHERE id = 'edited'");
    let listed = server.admin("GET", "/admin/api_keys", "").json();
    let found = listed.as_array().unwrap().iter().find(|key| key["key_id"] == id.as_str()).unwrap();
    assert_eq!(found["daily_limit"], 12.5);
    let after = server.agent(&key, "GET", "/intents/edited", "");
    assert_ne!(after.header("etag").unwrap(), before);
    let headers = [("x-t4-api-key", key.as_str()), ("if-match", before.as_str())];
    let stale = server.call("PATCH", "/intents/edited", &headers, r#"{"reason":"r"}"#);
    assert_eq!((stale.status, stale.code().as_str()), (412, "version_mismatch"));
    let recorded = eventually("both changes are recorded", Duration::from_secs(10), || {
        let rows = server.admin("GET", "/admin/audit?limit=1000", "").json();
        let found: Vec<String> = rows
            .as_array()?
            .iter()
            .filter(|row| row["event"] == "outside_change")
            .filter_map(|row| row["detail"].as_str().map(str::to_owned))
            .collect();
        (found.len() >= 2).then_some(found)
    });
    assert!(recorded.iter().any(|detail| detail.contains("edited")), "{recorded:?}");
    assert!(recorded.iter().any(|detail| detail.contains(&id)), "{recorded:?}");
}
