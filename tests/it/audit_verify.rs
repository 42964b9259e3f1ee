//! `GET /admin/audit/verify` finds what was done to the log, and what was done past the program is recorded.

use std::time::Duration;

use api_types::Code;
use control_plane::jobs;
use serde_json::Value;

use crate::support::routes::World;
use crate::support::{TestApp, number, texts};

async fn verdict(app: &TestApp) -> Value {
    app.get("/admin/audit/verify").admin().send().await.ok(200)
}

/// A log of some rows; the ids of a row in the middle and of the last one.
async fn world() -> (World, i64, i64) {
    let world = World::new().await;
    for id in 0..10 {
        let body = serde_json::json!({ "id": format!("i-{id}"), "code": "F401" });
        world.app.post("/intents", &body).key(&world.alice.text).send().await.ok(201);
        world.app.get("/intents/none").key(&world.alice.text).send().await.refused(Code::IntentNotFound);
    }
    let rows = world.app.new_rows().await;
    let (middle, last) = (rows[rows.len() / 2].id, rows[rows.len() - 1].id);
    (world, middle, last)
}

#[actix_web::test]
async fn a_whole_log_verifies_and_the_verdict_counts_its_rows() {
    let (world, _, last) = world().await;
    let verdict = verdict(&world.app).await;
    assert_eq!((&verdict["ok"], &verdict["first_bad"]), (&Value::Bool(true), &Value::Null), "{verdict}");
    // `seq` counts from 0, ids from 1.
    assert_eq!((number(&verdict["checked"]), number(&verdict["next_seq"])), (last as u64, last as u64));
    assert_eq!(verdict["head"].as_str().map(str::len), Some(64));
}

#[actix_web::test]
async fn an_edit_of_any_column_is_found_and_the_row_is_named() {
    let columns = [
        "timestamp = '2026-01-15T10:00:00.000001Z'",
        "request_id = 'other'",
        "actor = 'admin'",
        "api_key = 't4_000000000001'",
        "agent_id = 'mallory'",
        "ip = '192.0.2.99'",
        "method = 'PUT'",
        "route = '/'",
        "path = '/intents/other'",
        "status_code = 299",
        "outcome = 'fine'",
        "count = 2",
        "body_bytes = body_bytes + 1",
        "body_kept = 1 - body_kept",
        "body_sha256 = '00'",
        "detail = '{}'",
        "event = 'tool'",
        "body = '{\"code\":\"other\"}'",
        "leaf = zeroblob(32)",
        "chain = zeroblob(32)",
    ];
    let (world, middle, _) = world().await;
    // A row with a body, so that an edit of it can be seen.
    let target = world.app.count(&format!(
        "SELECT id FROM audit_log WHERE id < {middle} AND body IS NOT NULL ORDER BY id DESC LIMIT 1"
    ));
    for column in columns {
        let conn = world.app.outside();
        conn.execute_batch(&format!("CREATE TEMP TABLE kept AS SELECT * FROM audit_log WHERE id = {target}"))
            .expect("a copy");
        conn.execute(&format!("UPDATE audit_log SET {column} WHERE id = {target}"), []).expect("the edit");
        let found = verdict(&world.app).await;
        assert_eq!(found["ok"], Value::Bool(false), "{column}");
        assert_eq!(found["first_bad"]["id"], target, "{column}: {found}");
        conn.execute_batch(&format!(
            "DELETE FROM audit_log WHERE id = {target}; INSERT INTO audit_log SELECT * FROM kept; DROP TABLE kept"
        ))
        .expect("the row as it was");
        assert_eq!(verdict(&world.app).await["ok"], Value::Bool(true), "{column}");
    }
}

#[actix_web::test]
async fn a_row_taken_out_or_put_in_is_found() {
    let (world, middle, _) = world().await;
    world.app.outside().execute(&format!("DELETE FROM audit_log WHERE id = {middle}"), []).expect("the edit");
    let found = verdict(&world.app).await;
    assert_eq!((&found["ok"], number(&found["first_bad"]["id"])), (&Value::Bool(false), middle as u64 + 1));

    let (world, middle, _) = self::world().await;
    let copy = "INSERT INTO audit_log (timestamp, api_key, agent_id, path, method, status_code, ip, v, seq) \
                SELECT timestamp, api_key, agent_id, path, method, status_code, ip, 0, NULL";
    world.app.outside().execute(&format!("{copy} FROM audit_log WHERE id = {middle}"), []).expect("the edit");
    assert_eq!(verdict(&world.app).await["ok"], Value::Bool(false));
}

#[actix_web::test]
async fn a_tail_that_was_cut_off_behind_a_checkpoint_is_found() {
    let (world, _, last) = world().await;
    let services = &world.app.services;
    let made = jobs::checkpoint_audit(services, services.clock.now(), true).await.expect("a checkpoint");
    assert!(made.is_some());
    world
        .app
        .outside()
        .execute(&format!("DELETE FROM audit_log WHERE id > {}", last - 3), [])
        .expect("the edit");
    let found = verdict(&world.app).await;
    assert_eq!(found["ok"], Value::Bool(false), "{found}");
}

#[actix_web::test]
async fn a_broken_log_is_on_the_metrics_page_and_degrades_readiness() {
    let (world, middle, _) = world().await;
    let metrics = || async { world.app.get("/metrics").admin().send().await.text() };
    assert!(metrics().await.contains("\nt4_audit_broken 0\n"));
    let edit = format!("UPDATE audit_log SET ip = '192.0.2.99' WHERE id = {middle}");
    world.app.outside().execute(&edit, []).expect("the edit");
    assert_eq!(verdict(&world.app).await["ok"], Value::Bool(false));
    assert!(metrics().await.contains("\nt4_audit_broken 1\n"));
    let ready = world.app.get("/readyz").send().await.ok(200);
    assert_eq!((&ready["status"], &ready["checks"][0]), (&"degraded".into(), &"audit_chain".into()));
}

#[actix_web::test]
async fn what_a_runbook_changes_by_sql_gets_its_row_and_is_obeyed() {
    let world = World::new().await;
    let app = &world.app;
    let get = || app.get("/intents/alice-1").key(&world.alice.text).send();
    get().await.ok(200);
    app.outside().execute("UPDATE api_keys SET revoked=1", []).expect("the runbook's command");
    // The watch looks five times a second, by the machine's own time.
    for _ in 0..50 {
        if get().await.status != 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    get().await.refused(Code::RevokedKey);
    app.skip_rows().await;
    assert_eq!(app.instance.record_external_changes().await.expect("rows"), 3);
    let rows = app.new_rows().await;
    let mut keys: Vec<_> = [&world.alice, &world.mallory, &world.victim].map(|key| key.id.clone()).into();
    keys.sort_unstable();
    let mut told = Vec::new();
    for row in &rows {
        assert_eq!(
            (row.event.as_str(), row.actor.as_str(), row.outcome.as_str()),
            ("outside_change", "system", "ok")
        );
        let detail: Value = serde_json::from_str(&row.detail).expect("JSON");
        assert_eq!((&detail["table"], &detail["kind"]), (&"api_keys".into(), &"update".into()));
        told.push(detail["key"].as_str().expect("a key id").to_owned());
    }
    told.sort_unstable();
    assert_eq!(told, keys);
    // Each is told once, and the log with them is whole.
    assert_eq!(app.instance.record_external_changes().await.expect("no rows"), 0);
    assert_eq!(verdict(app).await["ok"], Value::Bool(true));
}

#[actix_web::test]
async fn a_key_that_was_put_in_by_hand_is_never_told() {
    let world = World::new().await;
    let secret = "a-secret-that-somebody-typed-into-the-table";
    let sql = "INSERT INTO api_keys (key, agent_id) VALUES (?1, 'hand')";
    world.app.outside().execute(sql, [secret]).expect("the edit");
    assert_eq!(world.app.instance.record_external_changes().await.expect("a row"), 1);
    assert!(!world.app.dump("audit_log").contains(secret));
    assert_eq!(world.app.one_row().await.event, "outside_change");
}

#[actix_web::test]
async fn the_list_filters_and_pages_newest_first() {
    let (world, _, last) = world().await;
    let app = &world.app;
    let list = |query: &str| {
        let path = format!("/admin/audit?{query}");
        async move { app.get(&path).admin().send().await }
    };
    // Each look at the log leaves a row as well, so only what was there before is walked through.
    let mut ids = Vec::new();
    let mut path = "limit=7".to_owned();
    loop {
        let page = list(&path).await;
        let rows = page.ok(200);
        let rows = rows.as_array().expect("rows");
        assert!(rows.len() <= 7);
        ids.extend(rows.iter().map(|row| row["id"].as_i64().expect("an id")));
        let Some(next) = page.next() else { break };
        path = next.strip_prefix("/admin/audit?").expect("the same list").to_owned();
    }
    ids.retain(|id| *id <= last);
    assert_eq!(ids, (1..=last).rev().collect::<Vec<_>>());

    let by = list("status=404&agent_id=alice&limit=1000").await.ok(200);
    assert_eq!(by.as_array().map(Vec::len), Some(10));
    assert!(texts(&by, "outcome").iter().all(|outcome| outcome == "intent_not_found"));
    let by = list("path=/intents/none").await.ok(200);
    assert_eq!(by.as_array().map(Vec::len), Some(10));
    let by = list("since=2026-01-15T10:00:01Z").await.ok(200);
    assert_eq!(by, serde_json::json!([]));
    let by = list("until=2026-01-15T10:00:00Z").await.ok(200);
    assert_eq!(by, serde_json::json!([]));
    // A filter's letters are letters, not patterns.
    assert_eq!(list("path=/intents/%25").await.ok(200), serde_json::json!([]));
}
