//! No act without a record, also when records can't be written for a while.

use api_types::Code;

use crate::support::TestApp;

const NO_ROWS: &str =
    "CREATE TRIGGER no_rows BEFORE INSERT ON audit_log BEGIN SELECT RAISE(ABORT, 'no rows'); END";

#[actix_web::test]
async fn rows_that_can_not_be_written_wait_and_when_too_many_do_requests_are_refused() {
    let app = TestApp::new().await;
    let key = app.key("agent").await;
    app.outside().execute_batch(NO_ROWS).unwrap();
    let mut served = 0;
    let refused = loop {
        let answer = app.get("/intents/none").key(&key.text).send().await;
        if answer.status == 503 {
            break answer;
        }
        served += 1;
        assert!(served < 25_000, "reads go on without any record");
        // Refusals beyond sixty a minute share a row; each of these has its own.
        app.seconds(61);
    };
    assert!(served > 1_000, "only {served} rows may wait");
    refused.refused(Code::AuditUnavailable);
    let ready = app.get("/readyz").send().await.refused(Code::NotReady);
    assert!(ready["details"]["checks"].to_string().contains("\"audit\""), "{ready}");
    assert!(app.services.recorder.flush().await.is_err());
    app.outside().execute_batch("DROP TRIGGER no_rows").unwrap();
    // Every row that waited is written in its order, the refused request is counted, and reads go on.
    app.services.recorder.flush().await.unwrap();
    control_plane::jobs::flush_refusals(&app.services, app.services.clock.now(), true);
    app.services.recorder.flush().await.unwrap();
    assert_eq!(app.count("SELECT count(*) FROM audit_log WHERE path = '/intents/none'"), served);
    let turned_away =
        "SELECT sum(count) FROM audit_log WHERE event = 'refusals' AND outcome = 'audit_unavailable'";
    assert_eq!(app.count(turned_away), 1);
    app.get("/intents/none").key(&key.text).send().await.refused(Code::IntentNotFound);
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
