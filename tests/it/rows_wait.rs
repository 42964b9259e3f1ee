//! No act without a record, also when records can't be written for a while.

use api_types::Code;

use crate::support::TestApp;

const NO_ROWS: &str = "CREATE TRIGGER no_rows BEFORE INSERT ON audit_log WHEN NEW.event <> 'schema' BEGIN SELECT RAISE(ABORT, 'no rows'); END";

#[actix_web::test]
async fn rows_that_can_not_be_written_wait_and_requests_are_refused_meanwhile() {
    let app = TestApp::new().await;
    let key = app.key_with(serde_json::json!({ "agent_id": "agent", "rate_per_minute": 1_000_000 })).await;
    app.post("/intents", &serde_json::json!({ "id": "one", "code": "F821" }))
        .key(&key.text)
        .send()
        .await
        .ok(201);
    app.change_schema(NO_ROWS).await;
    let read = || app.get("/intents/one").key(&key.text).send();
    read().await.ok(200);
    // A row that is late holds back the answers after it; here it can't be written at all.
    app.seconds(1);
    read().await.refused(Code::AuditUnavailable);
    let mut read_rows = 2;
    // Rows go on to wait until there is no room; then requests are not even served.
    while app.services.audit.recorder.has_room() {
        read().await.refused(Code::AuditUnavailable);
        read_rows += 1;
        assert!(read_rows < 10_000, "rows wait without a bound");
    }
    read().await.refused(Code::AuditUnavailable);
    let ready = app.get("/readyz").send().await.refused(Code::NotReady);
    assert!(ready["details"]["checks"].to_string().contains("\"audit\""), "{ready}");
    assert!(app.services.audit.recorder.flush().await.is_err());
    app.change_schema_unread("DROP TRIGGER no_rows");
    // Every row that waited is written in its order, the refused request is counted, and reads go on.
    app.services.audit.recorder.flush().await.unwrap();
    control_plane::jobs::flush_refusals(&app.services, app.services.clock.now(), true);
    app.services.audit.recorder.flush().await.unwrap();
    assert_eq!(app.count("SELECT count(*) FROM audit_log WHERE path = '/intents/one'"), read_rows);
    let turned_away =
        "SELECT sum(count) FROM audit_log WHERE event = 'refusals' AND outcome = 'audit_unavailable'";
    assert_eq!(app.count(turned_away), 1);
    read().await.ok(200);
    assert_eq!(app.get("/admin/audit/verify").admin().send().await.ok(200)["ok"], true);
}

#[actix_web::test]
async fn after_the_store_has_closed_a_write_is_told_to_come_again() {
    let app = TestApp::new().await;
    let key = app.key("agent").await;
    app.services.store.close(std::time::Duration::from_secs(5)).unwrap();
    let answer = app.post("/intents", &serde_json::json!({ "code": "F821" })).key(&key.text).send().await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.header("retry-after").is_some());
}
