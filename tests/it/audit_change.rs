//! A change and its row are one transaction: neither is ever there alone.

use api_types::Code;
use serde_json::{Value, json};

use crate::support::routes::World;
use crate::support::{Call, request_rows};

/// Every kind of change, on a world of its own: what it does, and the tables that show it.
fn changes(world: &World) -> Vec<(&'static str, Call<'_>)> {
    let app = &world.app;
    let alice = &world.alice.text;
    let victim = |tail: &str| format!("/admin/api_keys/{}{tail}", world.victim.id);
    let none: Value = json!({});
    vec![
        ("create", app.post("/intents", &json!({ "code": "F821" })).key(alice)),
        (
            "batch",
            app.post("/intents/batch", &json!({ "intents": [{ "code": "A" }, { "code": "B" }] })).key(alice),
        ),
        ("pre_pr_check", app.post("/intents/pre_pr_check", &json!({ "files": ["new.py"] })).key(alice)),
        ("update", app.patch("/intents/alice-1", &json!({ "reason": "why" })).key(alice)),
        ("delete", app.delete("/intents/alice-1").admin()),
        ("create key", app.post("/admin/api_keys", &json!({ "agent_id": "new" })).admin()),
        ("update key", app.patch(&victim(""), &json!({ "owner": "team-x" })).admin()),
        ("rotate key", app.post(&victim("/rotate"), &none).admin()),
        ("revoke key", app.delete(&victim("")).admin()),
    ]
}

fn data(world: &World) -> String {
    ["intents", "api_keys", "idempotency"].map(|table| world.app.dump(table)).concat()
}

#[actix_web::test]
async fn a_change_whose_row_can_not_be_written_does_not_happen() {
    let count = changes(&World::new().await).len();
    for index in 0..count {
        let world = World::new().await;
        let before = data(&world);
        // Rows of refusals may be written, rows of changes may not.
        let no_rows = "CREATE TRIGGER no_rows BEFORE INSERT ON audit_log WHEN NEW.status_code < 400 \
                       BEGIN SELECT RAISE(ABORT, 'no rows today'); END";
        world.app.change_schema(no_rows).await;
        let (what, call) = changes(&world).swap_remove(index);
        call.once("again").send().await.refused(Code::StoreUnavailable);
        assert!(data(&world) == before, "{what} happened without its row");
        let row = world.app.one_row().await;
        assert_eq!((row.status, row.outcome.as_str()), (503, "store_unavailable"), "{what}");
        // With rows possible again, the same request does its work, once.
        world.app.change_schema("DROP TRIGGER no_rows").await;
        let (_, call) = changes(&world).swap_remove(index);
        let answer = call.once("again").send().await;
        assert!(answer.status < 300, "{what}: {}", answer.text());
        assert!(data(&world) != before, "{what}");
        assert_eq!(world.app.one_row().await.outcome, "ok");
    }
}

#[actix_web::test]
async fn a_change_that_fails_leaves_no_row_of_success() {
    let world = World::new().await;
    let no_change = "CREATE TRIGGER no_change BEFORE INSERT ON intents WHEN NEW.code = 'BAD' \
                     BEGIN SELECT RAISE(ABORT, 'no such intent today'); END";
    world.app.change_schema(no_change).await;
    let create = |body: Value| world.app.post("/intents", &body).key(&world.alice.text).send();
    create(json!({ "code": "BAD" })).await.refused(Code::StoreUnavailable);
    assert_eq!(world.app.one_row().await.outcome, "store_unavailable");
    // In a batch the good ones go with the bad one.
    let batch = json!({ "intents": [{ "code": "GOOD" }, { "code": "BAD" }] });
    let answer = world.app.post("/intents/batch", &batch).key(&world.alice.text).send().await;
    answer.refused(Code::StoreUnavailable);
    assert_eq!(world.app.one_row().await.outcome, "store_unavailable");
    assert_eq!(world.app.intents(), 1);
    create(json!({ "code": "GOOD" })).await.ok(201);
}

#[actix_web::test]
async fn a_file_that_another_process_holds_is_said_to_be_locked_and_nothing_is_lost() {
    let world = World::new().await;
    let before = data(&world);
    let other = world.app.outside();
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let create =
        || world.app.post("/intents", &json!({ "id": "locked", "code": "F821" })).key(&world.alice.text);
    create().send().await.refused(Code::StoreLocked);
    // Reads go on meanwhile.
    world.app.get("/intents/alice-1").key(&world.alice.text).send().await.ok(200);
    other.execute_batch("ROLLBACK").expect("no lock");
    assert_eq!(data(&world), before);
    create().send().await.ok(201);
    let rows = world.app.new_rows().await;
    let mut outcomes: Vec<_> =
        request_rows(&rows).iter().map(|row| (row.method.as_str(), &*row.outcome)).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, [("GET", "ok"), ("POST", "ok"), ("POST", "store_locked")]);
}

#[actix_web::test]
async fn a_refusal_commits_its_row_and_nothing_else() {
    let world = World::new().await;
    let before = ["intents", "api_keys"].map(|table| world.app.dump(table));
    let batch = json!({ "intents": [{ "id": "one", "code": "A" }, { "id": "alice-1", "code": "B" }] });
    let answer = world.app.post("/intents/batch", &batch).key(&world.alice.text).send().await;
    let error = answer.refused(Code::IntentExists);
    assert_eq!(error["details"]["index"], 1);
    // The row is durable without a flush.
    assert_eq!(world.app.count("SELECT count(*) FROM audit_log WHERE outcome = 'intent_exists'"), 1);
    assert_eq!(["intents", "api_keys"].map(|table| world.app.dump(table)), before);
}

#[actix_web::test]
async fn the_row_of_a_change_tells_what_was_stored_where_the_body_says_something_else() {
    let world = World::new().await;
    let (app, alice) = (&world.app, &world.alice.text);
    let detail = async || {
        let row = app.one_row().await;
        serde_json::from_str::<Value>(&row.detail).unwrap_or(Value::Null)
    };
    app.skip_rows().await;
    let body =
        json!({ "code": "A", "file": "./a//b.py", "status": "documented", "owner": "o", "ticket": "t" });
    let made = app.post("/intents", &body).key(alice).once("k").send().await.ok(201);
    let id = &made["intent"]["id"];
    let told = json!({ "stored": { "id": id, "type": "lint", "file": "a/b.py", "status": "accepted" } });
    assert_eq!(detail().await, told);
    // A repeat stores nothing, and tells what the first one stored.
    app.post("/intents", &body).key(alice).once("k").send().await.ok(201);
    assert_eq!(detail().await, told);

    let whole = json!({ "id": "whole", "code": "A", "type": "x", "file": "b.py", "status": "reserved" });
    app.post("/intents", &whole).key(alice).send().await.ok(201);
    assert_eq!(detail().await, Value::Null, "the body said it all");
    app.post("/intents", &json!({ "id": "whole", "code": "B" }))
        .key(alice)
        .send()
        .await
        .refused(Code::IntentExists);
    assert_eq!(detail().await, Value::Null, "nothing was stored");

    let batch = json!({ "intents": [whole, { "id": "two", "code": "A", "type": "x", "file": "b/../c", "status": "reserved" }] });
    app.post("/intents/batch", &batch).key(alice).send().await.ok(201);
    assert_eq!(detail().await, json!({ "stored": [{}, { "file": "c" }] }));
    let many: Vec<_> = (0..300).map(|n| json!({ "id": format!("m{n}"), "code": "A" })).collect();
    app.post("/intents/batch", &json!({ "intents": many })).key(alice).send().await.ok(201);
    let long = detail().await;
    assert!(long["stored_bytes"].as_u64() > Some(300 * 30) && long["stored"].is_null(), "{long}");

    app.patch("/intents/whole", &json!({ "status": "documented" })).key(alice).send().await.ok(200);
    assert_eq!(detail().await, json!({ "stored": { "status": "accepted" } }));
    app.patch("/intents/whole", &json!({ "reason": "r" })).key(alice).send().await.ok(200);
    assert_eq!(detail().await, Value::Null);

    let key = app.post("/admin/api_keys", &json!({ "agent_id": "new" })).admin().send().await.ok(201);
    let stored = detail().await["stored"].take();
    for field in ["key_id", "scopes", "expires_at", "daily_limit"] {
        assert_eq!(stored[field], key[field], "{field}");
    }
}
