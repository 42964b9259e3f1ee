//! Creating, reading, changing and deleting one intent, and the figures over all.

use api_types::Code;
use serde_json::{Value, json};

use crate::support::routes::World;
use crate::support::{Answer, TestApp};

async fn create(world: &World, body: Value) -> Answer {
    world.app.post("/intents", &body).key(&world.alice.text).send().await
}

async fn patch(world: &World, body: Value) -> Answer {
    world.app.patch("/intents/alice-1", &body).key(&world.alice.text).send().await
}

async fn get(world: &World, id: &str) -> Answer {
    world.app.get(&format!("/intents/{id}")).key(&world.alice.text).send().await
}

#[actix_web::test]
async fn a_code_is_enough_and_the_rest_has_its_defaults() {
    let world = World::new().await;
    let answer = create(&world, json!({ "code": "F821" })).await;
    assert_eq!(answer.told("etag"), "\"1\"");
    let made = answer.ok(201);
    let id = made["intent"]["id"].as_str().expect("an id").to_owned();
    assert!(id.starts_with("T4-") && id.len() == 29, "{id}");
    let expected = json!({
        "id": id, "code": "F821", "type": "lint", "file": null, "line": null, "import_text": null,
        "reason_category": null, "reason": null, "suggestion": null, "owner": null, "ticket": null, "eta": null,
        "status": "reserved", "created_at": "2026-01-15T10:00:00.000000Z",
        "modified_at": "2026-01-15T10:00:00.000000Z", "resolved_at": null, "raw": null, "agent_id": "alice",
    });
    assert_eq!(made, json!({ "status": "ok", "intent": expected }));
    let shown = get(&world, &id).await;
    assert_eq!((shown.ok(200), shown.told("etag")), (expected, "\"1\""));
}

#[actix_web::test]
async fn a_creator_may_set_every_field_but_the_registrys_own() {
    let world = World::new().await;
    let body = json!({
        "id": "full", "code": "F401", "type": "import", "file": "src/é.py", "line": 2_147_483_647,
        "import_text": "import a\n\tb", "reason_category": "lazy", "reason": "so\r\nthat", "suggestion": "drop it",
        "owner": "team/a", "ticket": "X-1", "eta": "2028-02-29", "status": "committed", "raw": { "a": [1, null] },
        "agent_id": "alice", "created_at": "1999-01-01T00:00:00Z",
    });
    let made = create(&world, body.clone()).await.ok(201);
    for (field, value) in body.as_object().expect("fields") {
        if field == "created_at" {
            assert_eq!(made["intent"][field], "2026-01-15T10:00:00.000000Z");
        } else {
            assert_eq!(made["intent"][field], *value, "{field}");
        }
    }
    for field in ["modified_at", "resolved_at", "version", "creation"] {
        let answer = create(&world, json!({ "code": "A", field: "2026-01-01T00:00:00Z" })).await;
        answer.refused(Code::InvalidBody);
    }
}

#[actix_web::test]
async fn any_starting_status_is_allowed_and_a_resolved_one_is_resolved_now() {
    let world = World::new().await;
    for (status, shown, resolved) in [
        ("reserved", "reserved", false),
        ("planned", "planned", false),
        ("committed", "committed", false),
        ("implemented", "implemented", true),
        ("accepted", "accepted", true),
        ("documented", "accepted", true),
        ("expired", "expired", false),
    ] {
        let body = json!({ "code": "A", "status": status, "owner": "o", "ticket": "t" });
        let intent = create(&world, body).await.ok(201)["intent"].take();
        assert_eq!((intent["status"].as_str(), intent["resolved_at"].is_string()), (Some(shown), resolved));
    }
    for status in ["planned", "committed"] {
        for body in [
            json!({ "code": "A", "status": status }),
            json!({ "code": "A", "status": status, "owner": "o" }),
            json!({ "code": "A", "status": status, "ticket": "t" }),
            json!({ "code": "A", "status": status, "owner": "", "ticket": "t" }),
        ] {
            create(&world, body).await.refused(Code::OwnerAndTicketRequired);
        }
    }
}

#[actix_web::test]
async fn the_same_creation_again_is_200_and_any_other_is_409() {
    let world = World::new().await;
    let body = json!({ "id": "mine", "code": "A", "line": 7, "raw": { "a": 1, "b": 2 } });
    let first = create(&world, body.clone()).await.ok(201);
    let count = world.app.intents();
    // Another order of the fields, and fields that the registry ignores or knows, change nothing.
    let spelled =
        r#"{"raw":{"b":2,"a":1},"line":7,"code":"A","id":"mine","agent_id":"alice","created_at":"x"}"#;
    for text in [body.to_string(), spelled.to_owned()] {
        let again = world.app.call("POST", "/intents").body(text).key(&world.alice.text).send().await;
        assert_eq!(again.ok(200), first);
    }
    for other in [
        json!({ "id": "mine", "code": "B", "line": 7, "raw": { "a": 1, "b": 2 } }),
        json!({ "id": "mine", "code": "A", "line": 8, "raw": { "a": 1, "b": 2 } }),
        json!({ "id": "mine", "code": "A", "line": 7 }),
    ] {
        create(&world, other).await.refused(Code::IntentExists);
    }
    world.app.post("/intents", &body).key(&world.mallory.text).send().await.refused(Code::IntentExists);
    // A repeat after a change shows the intent as it is now, and changes nothing.
    let change = world.app.patch("/intents/mine", &json!({ "reason": "since" })).key(&world.alice.text);
    change.send().await.ok(200);
    let again = create(&world, body).await;
    assert_eq!((&again.ok(200)["intent"]["reason"], again.told("etag")), (&"since".into(), "\"2\""));
    assert_eq!(world.app.intents(), count);
}

#[actix_web::test]
async fn an_agent_speaks_for_itself_alone() {
    let world = World::new().await;
    for agent in ["mallory", "", "Alice", "alice "] {
        create(&world, json!({ "code": "A", "agent_id": agent })).await.refused(Code::IdentityMismatch);
    }
    let batch = json!({ "intents": [{ "code": "A" }, { "code": "A", "agent_id": "mallory" }] });
    let answer = world.app.post("/intents/batch", &batch).key(&world.alice.text).send().await;
    assert_eq!(answer.refused(Code::IdentityMismatch)["details"]["index"], 1);
    assert_eq!(world.app.intents(), 1);
}

#[actix_web::test]
async fn a_batch_creates_all_in_order_or_none() {
    let world = World::new().await;
    let batch = |intents: Value| {
        world.app.post("/intents/batch", &json!({ "intents": intents })).key(&world.alice.text)
    };
    let made =
        batch(json!([{ "id": "b", "code": "B" }, { "code": "C" }, { "id": "a", "code": "A" }])).send().await;
    let made = made.ok(201)["intents"].take();
    assert_eq!((&made[0]["id"], &made[1]["code"], &made[2]["id"]), (&"b".into(), &"C".into(), &"a".into()));
    // What was created by this very agent in this very form may be among them.
    let again = batch(json!([{ "id": "a", "code": "A" }, { "id": "z", "code": "Z" }])).send().await.ok(201);
    assert_eq!((&again["intents"][0], &again["intents"][1]["id"]), (&made[2], &"z".into()));
    let count = world.app.intents();
    let all: Vec<_> = (0..1000).map(|line| json!({ "code": "M", "line": line + 1 })).collect();
    assert_eq!(batch(json!(all)).send().await.ok(201)["intents"].as_array().map(Vec::len), Some(1000));
    assert_eq!(world.app.intents(), count + 1000);
}

#[actix_web::test]
async fn a_patch_keeps_what_it_does_not_name_and_null_clears() {
    let world = World::new().await;
    world.app.seconds(10);
    let all = json!({
        "owner": "team-b", "ticket": "X-9", "reason": "why", "eta": "2026-03-01", "suggestion": "do it",
        "status": "planned",
    });
    let changed = patch(&world, all.clone()).await;
    assert_eq!(changed.told("etag"), "\"2\"");
    let intent = changed.ok(200)["intent"].take();
    for (field, value) in all.as_object().expect("fields") {
        assert_eq!(intent[field], *value, "{field}");
    }
    assert_eq!((&intent["code"], &intent["line"]), (&"F401".into(), &7.into()));
    assert_eq!(intent["created_at"], "2026-01-15T10:00:00.000000Z");
    assert_eq!(intent["modified_at"], "2026-01-15T10:00:10.000000Z");
    let cleared = patch(&world, json!({ "reason": null, "eta": null, "suggestion": null })).await.ok(200);
    let cleared = &cleared["intent"];
    assert_eq!(
        (&cleared["reason"], &cleared["eta"], &cleared["suggestion"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!((&cleared["owner"], &cleared["status"]), (&"team-b".into(), &"planned".into()));
    // What would be left without owner or ticket is refused whole.
    for body in
        [json!({ "owner": null, "reason": "x" }), json!({ "ticket": null }), json!({ "status": null })]
    {
        let answer = patch(&world, body).await;
        assert_eq!(answer.status, 422, "{}", answer.text());
    }
    assert_eq!(get(&world, "alice-1").await.ok(200), *cleared);
    patch(&world, json!({ "owner": null, "ticket": null, "status": "reserved" })).await.ok(200);
}

#[actix_web::test]
async fn an_empty_patch_is_a_change_of_time_alone() {
    let world = World::new().await;
    let before = get(&world, "alice-1").await.ok(200);
    world.app.seconds(1);
    let after = patch(&world, json!({})).await;
    assert_eq!(after.told("etag"), "\"2\"");
    let mut expected = before;
    expected["modified_at"] = "2026-01-15T10:00:01.000000Z".into();
    assert_eq!(after.ok(200)["intent"], expected);
}

#[actix_web::test]
async fn a_patch_of_a_version_that_is_gone_is_refused() {
    let world = World::new().await;
    let with = |tag: &'static str, reason: &'static str| {
        let body = json!({ "reason": reason });
        world.app.patch("/intents/alice-1", &body).key(&world.alice.text).header("If-Match", tag).send()
    };
    with("\"1\"", "first").await.ok(200);
    with("\"1\"", "late").await.refused(Code::VersionMismatch);
    with("\"3\"", "early").await.refused(Code::VersionMismatch);
    with("\"2\"", "second").await.ok(200);
    with("*", "any").await.ok(200);
    let shown = get(&world, "alice-1").await;
    assert_eq!((&shown.ok(200)["reason"], shown.told("etag")), (&"any".into(), "\"4\""));
    // What `sqlite3` changes moves the version too.
    world
        .app
        .outside()
        .execute("UPDATE intents SET reason = 'by hand' WHERE id = 'alice-1'", [])
        .expect("the edit");
    with("\"4\"", "late").await.refused(Code::VersionMismatch);
    with("\"5\"", "in time").await.ok(200);
}

#[actix_web::test]
async fn a_deleted_intent_is_gone_and_its_rows_stay() {
    let world = World::new().await;
    let delete = || world.app.delete("/intents/alice-1").admin().send();
    assert_eq!(delete().await.ok(200), json!({ "status": "deleted" }));
    delete().await.refused(Code::IntentNotFound);
    get(&world, "alice-1").await.refused(Code::IntentNotFound);
    patch(&world, json!({})).await.refused(Code::IntentNotFound);
    world.app.skip_rows().await;
    assert!(world.app.count("SELECT count(*) FROM audit_log WHERE body LIKE '%alice-1%'") > 0);
    // The id is free again.
    create(&world, json!({ "id": "alice-1", "code": "B" })).await.ok(201);
}

#[actix_web::test]
async fn the_figures_count_every_intent() {
    let app = TestApp::new().await;
    let key = app.key("a").await;
    let summary = || async { app.get("/metrics/summary").key(&key.text).send().await.ok(200) };
    let empty = json!({
        "total": 0, "by_status": {}, "by_code": {}, "quality_score": 100.0, "avg_time_to_resolve_days": null,
    });
    assert_eq!(summary().await, empty);
    let mut intents = Vec::new();
    for code in 0..25 {
        // The first codes are the most frequent.
        for _ in 0..(30 - code) {
            intents.push(json!({ "code": format!("C{code:02}") }));
        }
    }
    let total = intents.len();
    for chunk in intents.chunks(1000) {
        app.post("/intents/batch", &json!({ "intents": chunk })).key(&key.text).send().await.ok(201);
    }
    for (id, ticket) in [("p", "t"), ("q", "t")] {
        let body = json!({ "id": id, "code": "C00", "status": "planned", "owner": "o", "ticket": ticket });
        app.post("/intents", &body).key(&key.text).send().await.ok(201);
    }
    // One that lost its ticket by hand lowers the quality.
    app.outside().execute("UPDATE intents SET ticket = NULL WHERE id = 'q'", []).expect("the edit");
    app.days(3);
    app.patch("/intents/p", &json!({ "status": "implemented" })).key(&key.text).send().await.ok(200);
    let figures = summary().await;
    assert_eq!(
        (&figures["total"], figures["by_code"].as_object().map(serde_json::Map::len)),
        (&json!(total + 2), Some(20))
    );
    assert_eq!((&figures["by_code"]["C00"], &figures["by_code"]["C20"]), (&json!(32), &Value::Null));
    assert_eq!(figures["by_status"], json!({ "reserved": total, "planned": 1, "implemented": 1 }));
    assert_eq!((&figures["quality_score"], &figures["avg_time_to_resolve_days"]), (&json!(0.0), &json!(3.0)));
}
