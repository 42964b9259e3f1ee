//! Quotas of a key: what it may keep, and how much of the log it may fill in a day.

use api_types::Code;
use control_plane::jobs;
use registry_core::Clock as _;
use serde_json::{Value, json};

use crate::support::{Answer, Key, TestApp};

async fn key(app: &TestApp, quotas: Value) -> Key {
    let mut body = json!({ "agent_id": "a", "owner": "o", "rate_per_minute": 100_000 });
    body.as_object_mut().unwrap().extend(quotas.as_object().unwrap().clone());
    app.key_with(body).await
}

async fn create(app: &TestApp, key: &Key, body: Value) -> Answer {
    app.post("/intents", &body).key(&key.text).send().await
}

/// What the admins see of a key.
async fn shown(app: &TestApp, key: &Key) -> Value {
    let keys = app.get("/admin/api_keys").admin().send().await.ok(200);
    keys.as_array().unwrap().iter().find(|shown| shown["key_id"] == key.id.as_str()).unwrap().clone()
}

async fn used(app: &TestApp, key: &Key, quota: &str) -> u64 {
    shown(app, key).await["usage"][quota]["used"].as_u64().unwrap()
}

async fn set(app: &TestApp, key: &Key, quotas: Value) {
    app.patch(&format!("/admin/api_keys/{}", key.id), &quotas).admin().send().await.ok(200);
}

/// A refusal that names the quota, its limit and what is used.
#[track_caller]
fn names(answer: &Answer, code: Code, quota: &str, limit: u64, used: u64) {
    let error = answer.refused(code);
    assert_eq!(error["details"], json!({ "quota": quota, "limit": limit, "used": used }));
    assert!(error["message"].as_str().unwrap().contains(quota), "{error}");
}

#[actix_web::test]
async fn a_key_creates_as_many_intents_as_its_quota_and_deletions_make_room() {
    let app = TestApp::new().await;
    let (mine, other) = (key(&app, json!({ "max_intents": 3 })).await, app.key("b").await);
    for name in ["one", "two", "three"] {
        create(&app, &mine, json!({ "id": name, "code": "A" })).await.ok(201);
    }
    names(&create(&app, &mine, json!({ "code": "A" })).await, Code::QuotaExceeded, "intents", 3, 3);
    // A repeat stores nothing, and a taken id is refused as ever.
    create(&app, &mine, json!({ "id": "one", "code": "A" })).await.ok(200);
    create(&app, &mine, json!({ "id": "one", "code": "B" })).await.refused(Code::IntentExists);
    create(&app, &other, json!({ "code": "A" })).await.ok(201);
    app.delete("/intents/two").admin().send().await.ok(200);
    create(&app, &mine, json!({ "code": "A" })).await.ok(201);
    names(&create(&app, &mine, json!({ "code": "A" })).await, Code::QuotaExceeded, "intents", 3, 3);
    // A limit that is lowered takes nothing away; one that is cleared is the server's.
    set(&app, &mine, json!({ "max_intents": 1 })).await;
    names(&create(&app, &mine, json!({ "code": "A" })).await, Code::QuotaExceeded, "intents", 1, 3);
    set(&app, &mine, json!({ "max_intents": null })).await;
    create(&app, &mine, json!({ "code": "A" })).await.ok(201);
}

#[actix_web::test]
async fn a_batch_and_a_check_that_cross_the_quota_leave_nothing() {
    let app = TestApp::new().await;
    let mine = key(&app, json!({ "max_intents": 3 })).await;
    create(&app, &mine, json!({ "id": "one", "code": "A" })).await.ok(201);
    let batch = |names: &[&str]| {
        let intents: Vec<_> = names.iter().map(|name| json!({ "id": name, "code": "A" })).collect();
        app.post("/intents/batch", &json!({ "intents": intents })).key(&mine.text).send()
    };
    names(&batch(&["two", "three", "four"]).await, Code::QuotaExceeded, "intents", 3, 1);
    assert_eq!(app.intents(), 1);
    let check = |files: &[&str], reserve: bool| {
        let body = json!({ "files": files, "auto_create_reserved": reserve });
        app.post("/intents/pre_pr_check", &body).key(&mine.text).send()
    };
    names(&check(&["a", "b", "c"], true).await, Code::QuotaExceeded, "intents", 3, 1);
    assert_eq!(app.intents(), 1);
    assert_eq!(check(&["a", "b", "c"], false).await.ok(200)["ok"], false);
    // What is there already needs no place.
    batch(&["one", "two"]).await.ok(201);
    batch(&["one", "two"]).await.ok(201);
    check(&["a"], true).await.ok(200);
    check(&["a"], true).await.ok(200);
    assert_eq!((app.intents(), used(&app, &mine, "intents").await), (3, 3));
    names(&check(&["b"], true).await, Code::QuotaExceeded, "intents", 3, 3);
}

#[actix_web::test]
async fn bytes_are_counted_for_the_creator_and_growing_is_refused_at_the_quota() {
    let app = TestApp::new().await;
    let mine = key(&app, json!({})).await;
    let any =
        app.key_with(json!({ "agent_id": "c", "scopes": "intents:read intents:write intents:any" })).await;
    let body = |id: &str| json!({ "id": id, "code": "A", "reason": "z".repeat(500) });
    create(&app, &mine, body("one")).await.ok(201);
    let one = used(&app, &mine, "stored_bytes").await;
    assert!((500..1500).contains(&one), "{one}");
    set(&app, &mine, json!({ "max_stored_bytes": 2 * one })).await;
    create(&app, &mine, body("two")).await.ok(201);
    assert_eq!(used(&app, &mine, "stored_bytes").await, 2 * one);
    names(&create(&app, &mine, body("six")).await, Code::QuotaExceeded, "stored_bytes", 2 * one, 2 * one);
    // One byte more is too much, also from another key; less is fine, and makes room.
    for by in [&mine, &any] {
        let grow =
            app.patch("/intents/one", &json!({ "reason": "y".repeat(501) })).key(&by.text).send().await;
        names(&grow, Code::QuotaExceeded, "stored_bytes", 2 * one, 2 * one);
    }
    assert_eq!(used(&app, &any, "stored_bytes").await, 0);
    app.patch("/intents/one", &json!({ "reason": "y".repeat(400) })).key(&mine.text).send().await.ok(200);
    assert_eq!(used(&app, &mine, "stored_bytes").await, 2 * one - 100);
    app.patch("/intents/one", &json!({ "reason": "y".repeat(500) })).key(&any.text).send().await.ok(200);
    app.delete("/intents/two").admin().send().await.ok(200);
    assert_eq!(used(&app, &mine, "stored_bytes").await, one);
}

#[actix_web::test]
async fn an_intent_of_the_original_service_counts_for_the_first_key_that_makes_it_larger() {
    let app = TestApp::new().await;
    let mine = key(&app, json!({ "scopes": "intents:write intents:any", "max_intents": 1 })).await;
    let old = "INSERT INTO intents (id, code, type, reason) VALUES ('one', 'F821', 'lint', 'long'), \
               ('two', 'F821', 'lint', 'long')";
    app.outside().execute_batch(old).unwrap();
    let patch = |id: &str, reason: &str| {
        app.patch(&format!("/intents/{id}"), &json!({ "reason": reason })).key(&mine.text).send()
    };
    for id in ["one", "two"] {
        patch(id, "less").await.ok(200);
        patch(id, "le").await.ok(200);
    }
    assert_eq!(used(&app, &mine, "intents").await, 0);
    patch("one", "longer").await.ok(200);
    let bytes = 128 + "one".len() + "F821".len() + "lint".len() + "longer".len();
    let bytes = u64::try_from(bytes).unwrap();
    let stored = used(&app, &mine, "stored_bytes").await;
    assert!((bytes..bytes + 20).contains(&stored), "{stored}");
    names(&patch("two", "longer").await, Code::QuotaExceeded, "intents", 1, 1);
    patch("two", "l").await.ok(200);
    app.delete("/intents/one").admin().send().await.ok(200);
    assert_eq!(used(&app, &mine, "stored_bytes").await, 0);
    patch("two", "longer").await.ok(200);
}

#[actix_web::test]
async fn idempotency_keys_are_remembered_up_to_the_quota() {
    let app = TestApp::new().await;
    let mine = key(&app, json!({ "max_idempotency_rows": 2 })).await;
    let send = |code: &str, once: &str| {
        app.post("/intents", &json!({ "code": code })).key(&mine.text).once(once).send()
    };
    let first = send("A", "k1").await.ok(201);
    send("A", "k2").await.ok(201);
    names(&send("A", "k3").await, Code::QuotaExceeded, "idempotency_rows", 2, 2);
    assert_eq!(app.intents(), 2);
    assert_eq!(send("A", "k1").await.ok(201), first, "what is remembered is answered");
    create(&app, &mine, json!({ "code": "A" })).await.ok(201);
    // The refusal was not remembered, so the same request succeeds once there is room.
    app.days(1);
    app.seconds(1);
    assert_eq!(jobs::forget_idempotency(&app.services, app.clock.now()).await.unwrap(), 2);
    assert_eq!(used(&app, &mine, "idempotency_rows").await, 0);
    send("A", "k3").await.ok(201);
}

#[actix_web::test]
async fn a_refusal_by_a_quota_is_not_remembered() {
    let app = TestApp::new().await;
    let mine = key(&app, json!({ "max_intents": 0 })).await;
    let send = || app.post("/intents", &json!({ "code": "A" })).key(&mine.text).once("k").send();
    names(&send().await, Code::QuotaExceeded, "intents", 0, 0);
    assert_eq!(used(&app, &mine, "idempotency_rows").await, 0);
    set(&app, &mine, json!({ "max_intents": 1 })).await;
    send().await.ok(201);
    assert_eq!(used(&app, &mine, "idempotency_rows").await, 1);
}

#[actix_web::test]
async fn the_answers_that_are_kept_count_as_stored_bytes() {
    let app = TestApp::new().await;
    let mine = key(&app, json!({})).await;
    app.post("/intents", &json!({ "code": "A" })).key(&mine.text).once("k").send().await.ok(201);
    let (all, intents) =
        (used(&app, &mine, "stored_bytes").await, app.count("SELECT intent_bytes FROM key_usage"));
    assert!(all > u64::try_from(intents).unwrap() + 200, "{all} {intents}");
    set(&app, &mine, json!({ "max_stored_bytes": all })).await;
    let patch = || app.patch("/intents/none", &json!({ "reason": "r" })).key(&mine.text);
    names(&patch().once("p").send().await, Code::QuotaExceeded, "stored_bytes", all, all);
    patch().send().await.refused(Code::IntentNotFound);
}

#[actix_web::test]
async fn of_many_requests_at_once_for_the_last_place_one_gets_it() {
    let app = TestApp::new().await;
    let mine = key(&app, json!({ "max_intents": 4 })).await;
    for _ in 0..3 {
        create(&app, &mine, json!({ "code": "A" })).await.ok(201);
    }
    let a = || create(&app, &mine, json!({ "code": "A" }));
    let answers = tokio::join!(a(), a(), a(), a(), a(), a(), a(), a());
    let answers = <[Answer; 8]>::from(answers);
    let created = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!((created, app.intents()), (1, 4));
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        names(answer, Code::QuotaExceeded, "intents", 4, 4);
    }
}

#[actix_web::test]
async fn a_key_whose_audit_bytes_of_the_day_are_used_up_waits_for_the_next_day() {
    let app = TestApp::new().await;
    let (mine, other) = (key(&app, json!({ "daily_limit": 1 })).await, app.key("b").await);
    let hold = json!({ "provider": "openai", "model": "gpt-4o-mini", "input_tokens": 0, "max_tokens": 10 });
    let held = app.post("/llm/holds", &hold).key(&mine.text).send().await.ok(201);
    create(&app, &mine, json!({ "id": "i", "code": "A" })).await.ok(201);
    let limit = used(&app, &mine, "audit_bytes_per_day").await + 1;
    set(&app, &mine, json!({ "max_audit_bytes_per_day": limit })).await;
    // One byte is left: the request that crosses the limit is served, the next is not.
    app.get("/intents/i").key(&mine.text).send().await.ok(200);
    app.services.audit.recorder.flush().await.unwrap();
    let crossed = used(&app, &mine, "audit_bytes_per_day").await;
    assert!(crossed > limit);
    let refused = app.get("/intents/i").key(&mine.text).send().await;
    names(&refused, Code::DailyQuotaExceeded, "audit_bytes_per_day", limit, crossed);
    assert_eq!(refused.told("retry-after"), (14 * 3600).to_string(), "the test's clock stands at 10:00");
    // Everything is refused but the end of what is under way, and the others are served.
    create(&app, &mine, json!({ "code": "A" })).await.refused(Code::DailyQuotaExceeded);
    app.post("/llm/holds", &hold).key(&mine.text).send().await.refused(Code::DailyQuotaExceeded);
    let call = json!({ "model": "gpt-4o-mini", "messages": [], "max_tokens": 10 });
    let called = app.post("/llm/v1/chat/completions", &call).key(&mine.text).send().await;
    called.refused(Code::DailyQuotaExceeded);
    assert_eq!(called.told("x-should-retry"), "false", "the packages would repeat it in vain");
    let settle = format!("/llm/holds/{}/settle", held["hold_id"].as_str().unwrap());
    app.post(&settle, &json!({})).key(&mine.text).send().await.ok(200);
    create(&app, &other, json!({ "code": "A" })).await.ok(201);
    // The next day begins at midnight of UTC.
    app.seconds(14 * 3600);
    app.get("/intents/i").key(&mine.text).send().await.ok(200);
    assert_eq!(used(&app, &mine, "intents").await, 1);
    set(&app, &mine, json!({ "max_audit_bytes_per_day": 0 })).await;
    app.get("/intents/i").key(&mine.text).send().await.refused(Code::DailyQuotaExceeded);
}

#[actix_web::test]
async fn refusals_by_the_daily_quota_share_rows_past_sixty_a_minute() {
    let app = TestApp::new().await;
    let mine = key(&app, json!({ "max_audit_bytes_per_day": 0 })).await;
    for _ in 0..100 {
        app.get("/intents/i").key(&mine.text).send().await.refused(Code::DailyQuotaExceeded);
    }
    app.services.audit.recorder.flush().await.unwrap();
    let rows = "SELECT count(*) FROM audit_log WHERE outcome = 'daily_quota_exceeded'";
    assert_eq!(app.count(rows), 60);
}

#[actix_web::test]
async fn quotas_are_set_shown_cleared_and_kept_over_a_rotation() {
    let app = TestApp::new().await;
    let names = ["max_intents", "max_stored_bytes", "max_idempotency_rows", "max_audit_bytes_per_day"];
    let given = json!({
        "max_intents": 5, "max_stored_bytes": 6_000_000, "max_idempotency_rows": 7,
        "max_audit_bytes_per_day": 9_007_199_254_740_991_u64,
    });
    let mine = key(&app, given.clone()).await;
    create(&app, &mine, json!({ "code": "A" })).await.ok(201);
    let rotate = format!("/admin/api_keys/{}/rotate", mine.id);
    let rotated = app.post(&rotate, &json!({})).admin().send().await.ok(200);
    for shown in [&shown(&app, &mine).await, &rotated] {
        for name in names {
            assert_eq!(shown[name], given[name], "{name}");
        }
        assert_eq!(shown["usage"]["intents"], json!({ "used": 1, "limit": 5 }));
    }
    let path = format!("/admin/api_keys/{}", mine.id);
    for name in names {
        let patch = |value: Value| app.patch(&path, &json!({ name: value })).admin().send();
        patch(json!(9_007_199_254_740_992_u64)).await.refused(Code::InvalidField);
        patch(json!(-1)).await.refused(Code::InvalidBody);
        assert_eq!(patch(json!(1)).await.ok(200)[name], 1);
        assert_eq!(patch(Value::Null).await.ok(200)[name], Value::Null);
        let body = json!({ "agent_id": "a", name: 9_007_199_254_740_992_u64 });
        app.post("/admin/api_keys", &body).admin().send().await.refused(Code::InvalidField);
    }
}
