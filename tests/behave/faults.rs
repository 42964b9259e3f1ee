//! The store in trouble, seen through the API.

use std::time::Duration;

use crate::app::{Request, TestApp};

#[actix_web::test]
async fn a_row_that_cannot_be_written_waits_and_readiness_says_when_too_many_do() {
    let app = TestApp::start().await;
    let key = app.agent("agent").await;
    let db = rusqlite::Connection::open(&app.db).unwrap();
    db.execute_batch(
        "CREATE TRIGGER no_rows BEFORE INSERT ON audit_log BEGIN SELECT RAISE(ABORT, 'no rows'); END",
    )
    .unwrap();
    let mut refused = None;
    for n in 0..25_000 {
        let answer = app.get(&key, "/intents/none").await;
        if answer.status == 503 {
            refused = Some((n, answer));
            break;
        }
        // Refusals beyond sixty a minute share a row; each of these has its own.
        app.advance(61);
    }
    let (served, refused) = refused.expect("reads go on without any record");
    assert!(served > 1_000, "only {served} rows may wait");
    assert_eq!(refused.code(), "audit_unavailable");
    assert!(refused.header("retry-after").is_some());
    let ready = app.send(Request::new("GET", "/readyz")).await;
    assert_eq!(ready.status, 503);
    assert!(
        ready.json()["error"]["details"]["checks"].as_array().unwrap().iter().any(|check| check == "audit")
    );
    assert!(app.services().recorder.flush().await.is_err());
    db.execute_batch("DROP TRIGGER no_rows").unwrap();
    // Every row that waited is written, in its order, and reads go on.
    let rows = app.count("SELECT COUNT(*) FROM audit_log WHERE path = '/intents/none'").await;
    assert_eq!(rows, i64::from(served));
    // The refused requests are counted in one row.
    let now = app.services().clock.now();
    intent_service::jobs::flush_refusals(app.services(), now, true);
    let counted = "SELECT count FROM audit_log WHERE event = 'refusals' AND outcome = 'audit_unavailable'";
    assert_eq!(app.count(counted).await, 1);
    assert_eq!(app.get(&key, "/intents/none").await.status, 404);
    let verdict = app.send(Request::new("GET", "/admin/audit/verify").admin()).await.json();
    assert_eq!(verdict["ok"], true, "{verdict}");
}

#[actix_web::test]
async fn after_the_store_closed_writes_are_told_to_come_again() {
    let app = TestApp::start().await;
    let key = app.agent("agent").await;
    app.services().store.close(Duration::from_secs(5)).unwrap();
    let answer = app.post(&key, "/intents", r#"{"code":"F821"}"#).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.header("retry-after").is_some());
}

#[actix_web::test]
async fn a_clock_that_jumps_back_breaks_neither_limits_nor_rows() {
    let app = TestApp::start().await;
    let key = app.agent("agent").await;
    app.post(&key, "/intents", r#"{"id":"early","code":"F821"}"#).await;
    app.clock.set_wall(registry_core::Timestamp::parse("2026-05-01T00:00:00Z").unwrap());
    let patched = app.patch(&key, "/intents/early", r#"{"status":"accepted"}"#).await.json();
    let intent = &patched["intent"];
    assert!(intent["modified_at"].as_str() >= intent["created_at"].as_str(), "{patched}");
    assert_eq!(app.post(&key, "/intents", r#"{"code":"F821"}"#).await.status, 201);
    let verdict = app.send(Request::new("GET", "/admin/audit/verify").admin()).await.json();
    assert_eq!(verdict["ok"], true, "{verdict}");
}
