//! No act without a record: every request but the probes leaves exactly one row, and it says what happened.

use std::collections::BTreeSet;

use intent_http::document;
use serde_json::Value;

use crate::app::{ADMIN, Request, TestApp};

/// The one row that a request left, as JSON of its columns.
async fn row_of(app: &TestApp, id: &str) -> Value {
    let sql = format!(
        "SELECT json_object('event', event, 'actor', actor, 'api_key', api_key, 'agent', agent_id, 'ip', ip,
         'method', method, 'route', route, 'path', path, 'status', status_code, 'outcome', outcome, 'body', body,
         'count', count) FROM audit_log WHERE request_id = '{id}'"
    );
    let rows = app.rows(&sql).await;
    assert_eq!(rows.len(), 1, "{id} left {} rows", rows.len());
    serde_json::from_str(rows[0].as_deref().unwrap()).unwrap()
}

/// Sends a request with an id of its own, and returns its status and its row.
async fn recorded(app: &TestApp, n: usize, request: Request) -> (u16, Value) {
    let id = format!("request-{n}");
    let status = app.send(request.header("x-request-id", &id)).await.status;
    (status, row_of(app, &id).await)
}

#[actix_web::test]
async fn every_route_leaves_one_row_for_a_success_and_one_for_a_refusal() {
    let app = TestApp::start().await;
    let (key, key_id) = app.key(r#"{"agent_id":"agent","rate_per_minute":1000000}"#).await;
    let victim = app.key(r#"{"agent_id":"victim"}"#).await.1;
    let rotated = app.key(r#"{"agent_id":"rotated"}"#).await.1;
    for id in ["one", "two"] {
        app.post(&key, "/intents", &format!(r#"{{"id":"{id}","code":"F821"}}"#)).await;
    }
    let document = document();
    let mut n = 0;
    let mut seen = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method = method.to_uppercase();
            let guard = operation["x-t4-guard"].as_str().unwrap();
            let target = path
                .replace("{id}", if method == "DELETE" { "two" } else { "one" })
                .replace("{key}", if path.ends_with("rotate") { &rotated } else { &victim })
                .replace("{owner}", "team")
                .replace("{file}", "index.css");
            let target =
                if path == "/intents/by_file" { "/intents/by_file?file=a.py".to_owned() } else { target };
            let body = match (method.as_str(), path.as_str()) {
                ("POST", "/intents") => r#"{"code":"F821"}"#,
                ("POST", "/intents/batch") => r#"{"intents":[{"code":"F821"}]}"#,
                ("POST", "/intents/pre_pr_check") => r#"{"files":["a.py"]}"#,
                ("POST", "/admin/api_keys") => r#"{"agent_id":"new"}"#,
                ("PATCH", _) => "{}",
                _ => "",
            };
            let request = || {
                let request = Request::new(&method, &target);
                if body.is_empty() { request } else { request.json(body) }
            };
            if guard == "probe" {
                app.settle();
                let before = app.count("SELECT COUNT(*) FROM audit_log").await;
                assert_eq!(app.send(request()).await.status, 200);
                assert_eq!(app.count("SELECT COUNT(*) FROM audit_log").await, before, "{path} is a probe");
                continue;
            }
            n += 1;
            let right = match guard {
                "admin" => request().admin(),
                guard if guard.starts_with("agent") => request().key(&key),
                _ => request(),
            };
            let (status, row) = recorded(&app, n, right).await;
            assert!((200..300).contains(&status), "{method} {target}: {status}");
            assert_eq!(row["outcome"], "ok", "{row}");
            assert_eq!(
                (row["method"].as_str(), row["route"].as_str()),
                (Some(&*method), Some(path.as_str())),
                "{row}"
            );
            assert_eq!(row["status"], status, "{row}");
            assert_eq!((row["event"].as_str(), row["ip"].as_str()), (Some("request"), Some("127.0.0.1")));
            let (actor, agent) = match guard {
                "admin" => ("admin", None),
                guard if guard.starts_with("agent") => ("agent", Some("agent")),
                _ => ("anonymous", None),
            };
            assert_eq!((row["actor"].as_str(), row["agent"].as_str()), (Some(actor), agent), "{row}");
            assert_eq!(row["api_key"].as_str(), agent.map(|_| key_id.as_str()), "{row}");
            if guard != "public" && guard != "metrics" {
                n += 1;
                let (status, row) = recorded(&app, n, request()).await;
                assert_eq!(status, 401);
                assert_eq!(
                    (row["outcome"].as_str(), row["status"].as_u64()),
                    (Some("missing_credentials"), Some(401))
                );
                assert_eq!(
                    (row["route"].as_str(), row["actor"].as_str()),
                    (Some(path.as_str()), Some("anonymous"))
                );
                app.advance(61);
            }
            seen.insert((method, path.clone()));
        }
    }
    assert_eq!(seen.len() + 3, intent_http::endpoints().len(), "three probes, and every other route");
}

#[actix_web::test]
async fn refusals_of_every_layer_leave_one_row_with_their_code() {
    let app = TestApp::start().await;
    let key = app.agent("agent").await;
    let post = |body: &str| Request::new("POST", "/intents").key(&key).json(body);
    let large = format!(r#"{{"code":"F821","reason":"{}"}}"#, "x".repeat(2 * 1024 * 1024));
    let requests = vec![
        (Request::new("GET", "/nowhere"), 404, "route_not_found"),
        (Request::new("PUT", "/intents"), 405, "method_not_allowed"),
        (post("{"), 400, "malformed_json"),
        (post(r#"{"code":1}"#), 422, "invalid_body"),
        (post(&large), 413, "body_too_large"),
        (
            Request::new("POST", "/intents").key(&key).header("content-type", "text/plain").body("x"),
            415,
            "unsupported_media_type",
        ),
        (post(r#"{"code":"F821","status":"planned"}"#), 422, "owner_and_ticket_required"),
        (post(r#"{"code":"F821","agent_id":"other"}"#), 403, "identity_mismatch"),
        (Request::new("GET", "/intents/none").key(&key), 404, "intent_not_found"),
        (Request::new("PATCH", "/intents/none").key(&key).json("{}"), 404, "intent_not_found"),
        (Request::new("GET", "/intents?limit=0").key(&key), 422, "invalid_query"),
        (Request::new("GET", "/test/panic"), 500, "internal"),
    ];
    for (n, (request, status, code)) in requests.into_iter().enumerate() {
        let (found, row) = recorded(&app, n, request).await;
        assert_eq!((found, row["outcome"].as_str()), (status, Some(code)), "{row}");
        assert_eq!(row["status"], status);
    }
    assert_eq!(app.count("SELECT COUNT(*) FROM intents").await, 0);
}

#[actix_web::test]
async fn a_key_in_the_path_or_the_query_is_recorded_by_its_id_alone() {
    let app = TestApp::start().await;
    let (key, key_id) = app.key(r#"{"agent_id":"agent"}"#).await;
    let requests = [
        Request::new("DELETE", &format!("/admin/api_keys/{key}")).admin(),
        Request::new("GET", &format!("/intents?admin_token={ADMIN}&key={key}")).key(&key),
        Request::new("GET", &format!("/admin/api_keys?admin_token={ADMIN}")),
        Request::new("GET", &format!("/{key}")),
    ];
    for (n, request) in requests.into_iter().enumerate() {
        let (_, row) = recorded(&app, n, request).await;
        let text = row.to_string();
        assert!(!text.contains(&key) && !text.contains(ADMIN), "{text}");
        if n == 0 {
            assert_eq!(row["path"], format!("/admin/api_keys/{key_id}"));
        }
    }
}

#[actix_web::test]
async fn a_change_and_its_row_are_one_transaction() {
    let app = TestApp::start().await;
    let key = app.agent("agent").await;
    // The log can't take rows: nothing may change either.
    let db = rusqlite::Connection::open(&app.db).unwrap();
    db.execute_batch(
        "CREATE TRIGGER no_rows BEFORE INSERT ON audit_log BEGIN SELECT RAISE(ABORT, 'no rows'); END",
    )
    .unwrap();
    let answer = app.post(&key, "/intents", r#"{"id":"unrecorded","code":"F821"}"#).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    db.execute_batch("DROP TRIGGER no_rows").unwrap();
    assert_eq!(app.count("SELECT COUNT(*) FROM intents").await, 0, "a change without its record");
    let answer = app.post(&key, "/intents", r#"{"id":"recorded","code":"F821"}"#).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    // No flush in between: the row of a change is there with the change.
    let rows = db.query_row(
        "SELECT COUNT(*) FROM audit_log WHERE status_code = 201 AND route = '/intents'",
        [],
        |row| row.get::<_, i64>(0),
    );
    assert_eq!(rows.unwrap(), 1);
}

#[actix_web::test]
async fn in_strict_mode_the_row_of_a_read_is_there_before_its_answer() {
    let settings = intent_http::HttpSettings::default();
    let strict = intent_service::AuditMode::Strict;
    let app = TestApp::with(|options| options.audit = strict, settings).await;
    let key = app.agent("agent").await;
    app.get(&key, "/intents").await;
    let db = rusqlite::Connection::open(&app.db).unwrap();
    let rows = "SELECT COUNT(*) FROM audit_log WHERE route = '/intents' AND method = 'GET'";
    assert_eq!(db.query_row(rows, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
}

#[actix_web::test]
async fn an_edited_row_is_named_by_the_verification() {
    let app = TestApp::start().await;
    let key = app.agent("agent").await;
    for n in 0..5 {
        app.post(&key, "/intents", &format!(r#"{{"id":"i{n}","code":"F821"}}"#)).await;
    }
    let verify = || async { app.send(Request::new("GET", "/admin/audit/verify").admin()).await.json() };
    assert_eq!(verify().await["ok"], true);
    let db = rusqlite::Connection::open(&app.db).unwrap();
    let row = "SELECT id FROM audit_log WHERE path = '/intents' AND status_code = 201 LIMIT 1 OFFSET 2";
    let id: i64 = db.query_row(row, [], |row| row.get(0)).unwrap();
    db.execute("UPDATE audit_log SET agent_id = 'somebody else' WHERE id = ?1", [id]).unwrap();
    let verdict = verify().await;
    assert_eq!(
        (verdict["ok"].as_bool(), verdict["first_bad"]["id"].as_i64()),
        (Some(false), Some(id)),
        "{verdict}"
    );
    db.execute("UPDATE audit_log SET agent_id = 'agent' WHERE id = ?1", [id]).unwrap();
    assert_eq!(verify().await["ok"], true);
    db.execute("DELETE FROM audit_log WHERE id = ?1", [id]).unwrap();
    assert_eq!(verify().await["ok"], false, "a removed row is noticed");
}
