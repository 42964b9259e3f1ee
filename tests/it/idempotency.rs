//! The same request twice has one outcome.

use api_types::Code;
use serde_json::{Value, json};

use crate::support::Answer;
use crate::support::routes::World;

async fn send(world: &World, path: &str, body: &Value, key: &str) -> Answer {
    world.app.post(path, body).key(&world.alice.text).once(key).send().await
}

#[actix_web::test]
async fn a_repeated_change_happens_once_and_is_answered_alike() {
    let world = World::new().await;
    let cases = [
        ("/intents", json!({ "code": "A" }), 201),
        ("/intents/batch", json!({ "intents": [{ "code": "A" }, { "code": "B" }] }), 201),
        ("/intents/pre_pr_check", json!({ "files": ["a/new.py", "b/new.py"] }), 200),
    ];
    for (path, body, status) in cases {
        let first = send(&world, path, &body, "once").await;
        let count = world.app.intents();
        world.app.seconds(5);
        for _ in 0..3 {
            let again = send(&world, path, &body, "once").await;
            assert_eq!((again.ok(status), again.header("etag")), (first.ok(status), first.header("etag")));
        }
        assert_eq!(world.app.intents(), count, "{path}");
        // Without the key it is another request.
        world.app.post(path, &body).key(&world.alice.text).send().await;
    }
}

#[actix_web::test]
async fn a_repeated_patch_is_applied_once() {
    let world = World::new().await;
    let patch = |body: Value, key: &str| {
        world.app.patch("/intents/alice-1", &body).key(&world.alice.text).once(key).send()
    };
    let first = patch(json!({ "reason": "one" }), "p").await;
    assert_eq!(first.told("etag"), "\"2\"");
    patch(json!({ "reason": "two" }), "q").await.ok(200);
    let again = patch(json!({ "reason": "one" }), "p").await;
    assert_eq!((again.ok(200), again.told("etag")), (first.ok(200), "\"2\""));
    let now = world.app.get("/intents/alice-1").key(&world.alice.text).send().await;
    assert_eq!((&now.ok(200)["reason"], now.told("etag")), (&"two".into(), "\"3\""));
}

#[actix_web::test]
async fn a_refusal_is_remembered_as_well() {
    let world = World::new().await;
    let body = json!({ "id": "late", "code": "A", "status": "planned" });
    let first = send(&world, "/intents", &body, "r").await;
    let error = first.refused(Code::OwnerAndTicketRequired);
    let taken = json!({ "id": "alice-1", "code": "other" });
    let conflict = send(&world, "/intents", &taken, "c").await.refused(Code::IntentExists);
    world.app.delete("/intents/alice-1").admin().send().await.ok(200);
    // The id is free now, but this very request was decided.
    let again = send(&world, "/intents", &taken, "c").await.refused(Code::IntentExists);
    assert_eq!(again["message"], conflict["message"]);
    let again = send(&world, "/intents", &body, "r").await;
    assert_eq!(again.refused(Code::OwnerAndTicketRequired)["message"], error["message"]);
    assert_ne!(again.request_id(), first.request_id());
    send(&world, "/intents", &taken, "d").await.ok(201);
}

#[actix_web::test]
async fn another_body_under_the_same_key_is_refused() {
    let world = World::new().await;
    send(&world, "/intents", &json!({ "code": "A", "line": 1 }), "k").await.ok(201);
    send(&world, "/intents", &json!({ "code": "A", "line": 2 }), "k")
        .await
        .refused(Code::IdempotencyKeyReused);
    // The same JSON in another spelling is the same body.
    let spelled = " { \"line\" : 1.0e0 , \"code\":\"\\u0041\" } ";
    let raw = world
        .app
        .call("POST", "/intents")
        .key(&world.alice.text)
        .once("k")
        .body(spelled.replace("1.0e0", "1"));
    raw.send().await.ok(201);
    assert_eq!(world.app.intents(), 2);
}

#[actix_web::test]
async fn the_key_is_the_callers_own_and_the_operations_own() {
    let world = World::new().await;
    let body = json!({ "code": "A" });
    let first = send(&world, "/intents", &body, "k").await.ok(201);
    let other = world.app.post("/intents", &body).key(&world.mallory.text).once("k").send().await.ok(201);
    assert_ne!(first["intent"]["id"], other["intent"]["id"]);
    send(&world, "/intents/pre_pr_check", &json!({ "files": [] }), "k").await.ok(200);
    let patch = |id: &str| {
        let path = format!("/intents/{id}");
        let call = world.app.patch(&path, &json!({ "reason": "why" })).key(&world.alice.text).once("k");
        async move { call.send().await.ok(200)["intent"]["id"].clone() }
    };
    let mine = first["intent"]["id"].as_str().expect("an id");
    assert_eq!((patch("alice-1").await, patch(mine).await), ("alice-1".into(), mine.into()));
}

#[actix_web::test]
async fn what_is_no_decision_is_not_remembered() {
    let world = World::new().await;
    let body = json!({ "id": "i", "code": "A" });
    let create = || send(&world, "/intents", &body, "k");
    // 401, 429 and 503 come before or instead of a decision.
    let stranger = world.app.post("/intents", &body).once("k").send().await;
    stranger.refused(Code::MissingCredentials);
    let stop = "CREATE TRIGGER stop BEFORE INSERT ON intents BEGIN SELECT RAISE(ABORT, 'not now'); END";
    world.app.change_schema(stop).await;
    create().await.refused(Code::StoreUnavailable);
    world.app.change_schema("DROP TRIGGER stop").await;
    create().await.ok(201);
}

#[actix_web::test]
async fn repeats_at_the_same_time_have_one_outcome() {
    let world = World::new().await;
    let body = json!({ "code": "A" });
    let before = world.app.intents();
    let calls = (0..20).map(|_| send(&world, "/intents", &body, "k"));
    let calls: Vec<_> = calls.map(Box::pin).collect();
    let mut ids = Vec::new();
    // All are submitted before the first is answered.
    for answer in join_all(calls).await {
        ids.push(answer.ok(201)["intent"]["id"].as_str().expect("an id").to_owned());
    }
    ids.dedup();
    assert_eq!((ids.len(), world.app.intents()), (1, before + 1));
}

/// Runs futures side by side on this thread.
async fn join_all<F: Future + Unpin>(mut waiting: Vec<F>) -> Vec<F::Output> {
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        waiting.retain_mut(|future| match std::pin::Pin::new(future).poll(context) {
            std::task::Poll::Ready(value) => {
                done.push(value);
                false
            }
            std::task::Poll::Pending => true,
        });
        if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}

#[actix_web::test]
async fn below_llm_an_idempotency_key_says_nothing_because_calls_have_their_own_ids() {
    let world = World::new().await;
    let hold = |call_id: &str, key: &str| {
        let body = json!({
            "call_id": call_id, "provider": "openai", "model": "gpt-4o-mini", "input_tokens": 1, "max_tokens": 1,
        });
        world.app.post("/llm/holds", &body).key(&world.alice.text).header("Idempotency-Key", key).send()
    };
    let first = hold("one", "same").await.ok(201);
    assert_eq!(hold("two", "same").await.ok(201)["call_id"], "two");
    assert_eq!(hold("one", "other").await.ok(201)["hold_id"], first["hold_id"], "the call's own id counts");
    assert_eq!(hold("three", "no key at all").await.ok(201)["call_id"], "three");
    assert_eq!(world.app.count("SELECT count(*) FROM idempotency"), 0);
}

/// A row that nobody but this program writes, and that does not parse: a repeat finds it in the same state.
#[actix_web::test]
async fn a_remembered_answer_that_cannot_be_read_is_an_internal_error() {
    let world = World::new().await;
    let body = json!({ "code": "A" });
    for (key, damage) in [("f", "fingerprint = 'x'"), ("o", "outcome = '{'")] {
        send(&world, "/intents", &body, key).await.ok(201);
        let sql = format!("UPDATE idempotency SET {damage} WHERE key = '{key}'");
        assert_eq!(world.app.outside().execute(&sql, []), Ok(1));
        let answer = send(&world, "/intents", &body, key).await;
        answer.refused(Code::Internal);
        assert_eq!((answer.status, answer.header("retry-after")), (500, None));
    }
    let other = world.app.outside();
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let answer = send(&world, "/intents", &body, "l").await;
    answer.refused(Code::StoreLocked);
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
}
