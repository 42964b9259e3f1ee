//! Holds over HTTP: calendars, limits that move, repeats, and whose hold it is.

use api_types::Code;
use registry_core::Timestamp;
use serde_json::{Value, json};

use crate::support::{Key, TestApp};

/// What `gpt-4o-mini` costs in the built-in book, in pico-dollars per token: the seed's $0.005 and $0.01 per 1,000.
const INPUT: i64 = 5_000_000;
const OUTPUT: i64 = 10_000_000;

/// A hold of no input and this much output.
fn hold_of(max_tokens: i64) -> Value {
    json!({ "provider": "openai", "model": "gpt-4o-mini", "input_tokens": 0, "max_tokens": max_tokens })
}

/// A key that may spend 100 output tokens a day.
async fn key(app: &TestApp, more: Value) -> Key {
    let mut body = json!({ "agent_id": "a", "owner": "o", "daily_limit": 0.001 });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.key_with(body).await
}

/// The budgets as `/llm/quota` shows them.
async fn budgets(app: &TestApp, key: &Key) -> Vec<Value> {
    let quota = app.get("/llm/quota").key(&key.text).send().await.ok(200);
    quota["budgets"].as_array().unwrap().clone()
}

fn at(app: &TestApp, time: &str) {
    app.clock.set_wall(Timestamp::parse(time).unwrap());
}

#[actix_web::test]
async fn a_budget_s_day_is_the_calendar_s_in_its_zone() {
    // Zone, a moment before the day ends, and the day.
    let days = [
        ("UTC", "2028-02-29T23:59:59.999999Z", "2028-02-29", 24.0),
        ("Europe/Berlin", "2026-03-29T21:59:59.999999Z", "2026-03-29", 23.0),
        ("Europe/Berlin", "2026-10-25T22:59:59.999999Z", "2026-10-25", 25.0),
        ("America/New_York", "2026-11-02T04:59:59.999999Z", "2026-11-01", 25.0),
        ("America/New_York", "2026-03-09T03:59:59.999999Z", "2026-03-08", 23.0),
        ("Australia/Lord_Howe", "2026-04-05T13:29:59.999999Z", "2026-04-05", 24.5),
        ("Pacific/Apia", "2026-06-15T10:59:59.999999Z", "2026-06-15", 24.0),
    ];
    for (zone, moment, day, hours) in days {
        let app = TestApp::new().await;
        let moment = Timestamp::parse(moment).unwrap();
        let key = key(&app, json!({ "time_zone": zone, "expires_in_days": 3650 })).await;
        app.clock.set_wall(moment);
        app.post("/llm/holds", &hold_of(100)).key(&key.text).send().await.ok(201);
        app.post("/llm/holds", &hold_of(1)).key(&key.text).send().await.refused(Code::InsufficientQuota);
        let budget = &budgets(&app, &key).await[0];
        assert_eq!((&budget["window_id"], &budget["window"]), (&json!(day), &json!("day")), "{zone}");
        let time = |name: &str| Timestamp::parse(budget[name].as_str().unwrap()).unwrap();
        let length = time("ends_at").as_micros() - time("starts_at").as_micros();
        assert_eq!(length as f64 / 3.6e9, hours, "{zone} {day}");
        app.clock.set_wall(moment.plus_micros(1));
        assert_ne!(budgets(&app, &key).await[0]["window_id"], json!(day), "{zone}");
        app.post("/llm/holds", &hold_of(100)).key(&key.text).send().await.ok(201);
    }
}

#[actix_web::test]
async fn a_limit_that_is_edited_in_mid_day_keeps_what_was_used() {
    let app = TestApp::new().await;
    let key = key(&app, json!({})).await;
    let held = app.post("/llm/holds", &hold_of(60)).key(&key.text).send().await.ok(201);
    let path = format!("/llm/holds/{}/settle", held["hold_id"].as_str().unwrap());
    let usage = json!({ "usage": { "prompt_tokens": 0, "completion_tokens": 60 } });
    let settled = app.post(&path, &usage).key(&key.text).send().await.ok(200);
    assert_eq!(settled["cost_pico_usd"], 60 * OUTPUT);
    let edit =
        |dollars: f64| app.patch(&format!("/admin/api_keys/{}", key.id), &json!({ "daily_limit": dollars }));
    edit(0.0008).admin().send().await.ok(200);
    let budget = &budgets(&app, &key).await[0];
    assert_eq!(
        (&budget["used_pico_usd"], &budget["remaining_pico_usd"]),
        (&json!(60 * OUTPUT), &json!(20 * OUTPUT))
    );
    app.post("/llm/holds", &hold_of(21)).key(&key.text).send().await.refused(Code::InsufficientQuota);
    app.post("/llm/holds", &hold_of(20)).key(&key.text).send().await.ok(201);
    edit(0.0001).admin().send().await.ok(200);
    assert_eq!(budgets(&app, &key).await[0]["remaining_pico_usd"], 0);
    edit(0.002).admin().send().await.ok(200);
    assert_eq!(budgets(&app, &key).await[0]["remaining_pico_usd"], 120 * OUTPUT);
    // The runbook's way, in dollars, is obeyed as well.
    let sql = "UPDATE api_keys SET daily_limit = 0.0009 WHERE agent_id = 'a'";
    app.outside().execute(sql, []).unwrap();
    assert_eq!(budgets(&app, &key).await[0]["remaining_pico_usd"], 10 * OUTPUT);
}

#[actix_web::test]
async fn a_call_over_midnight_belongs_to_the_day_that_it_was_held_in() {
    let app = TestApp::new().await;
    let key = key(&app, json!({})).await;
    at(&app, "2026-01-15T23:59:59Z");
    let held = app.post("/llm/holds", &hold_of(100)).key(&key.text).send().await.ok(201);
    at(&app, "2026-01-16T00:00:05Z");
    let path = format!("/llm/holds/{}/settle", held["hold_id"].as_str().unwrap());
    let usage = json!({ "usage": { "prompt_tokens": 0, "completion_tokens": 90 } });
    app.post(&path, &usage).key(&key.text).send().await.ok(200);
    assert_eq!(budgets(&app, &key).await[0]["used_pico_usd"], 0);
    app.post("/llm/holds", &hold_of(100)).key(&key.text).send().await.ok(201);
    // A clock that jumps back finds the day before as it was.
    at(&app, "2026-01-15T23:00:00Z");
    let budget = &budgets(&app, &key).await[0];
    assert_eq!((&budget["window_id"], &budget["used_pico_usd"]), (&json!("2026-01-15"), &json!(90 * OUTPUT)));
    app.post("/llm/holds", &hold_of(11)).key(&key.text).send().await.refused(Code::InsufficientQuota);
    app.post("/llm/holds", &hold_of(10)).key(&key.text).send().await.ok(201);
}

#[actix_web::test]
async fn the_same_hold_and_the_same_settlement_again_give_the_same_answer() {
    let app = TestApp::new().await;
    let key = key(&app, json!({})).await;
    let mut ask = hold_of(50);
    ask["call_id"] = json!("nightly-7");
    let first = app.post("/llm/holds", &ask).key(&key.text).send().await.ok(201);
    let again = app.post("/llm/holds", &ask).key(&key.text).send().await.ok(201);
    assert_eq!((&first["hold_id"], &first["held_pico_usd"]), (&json!("nightly-7.1"), &json!(50 * OUTPUT)));
    assert_eq!(first["hold_id"], again["hold_id"]);
    assert_eq!(budgets(&app, &key).await[0]["held_pico_usd"], 50 * OUTPUT);
    ask["max_tokens"] = json!(49);
    app.post("/llm/holds", &ask).key(&key.text).send().await.refused(Code::CallExists);
    let settle = |tokens: u64| {
        let usage = json!({ "usage": { "prompt_tokens": 0, "completion_tokens": tokens } });
        app.post("/llm/holds/nightly-7.1/settle", &usage).key(&key.text).send()
    };
    let settled = settle(30).await.ok(200);
    assert_eq!((&settled["cost_pico_usd"], &settled["source"]), (&json!(30 * OUTPUT), &json!("reported")));
    assert_eq!(settle(30).await.ok(200)["cost_pico_usd"], 30 * OUTPUT);
    settle(31).await.refused(Code::HoldSettled);
    assert_eq!(app.count("SELECT count(*) FROM llm_usage"), 1);
    let budget = &budgets(&app, &key).await[0];
    assert_eq!((&budget["used_pico_usd"], &budget["held_pico_usd"]), (&json!(30 * OUTPUT), &json!(0)));
}

#[actix_web::test]
async fn a_hold_is_its_key_s_alone() {
    let app = TestApp::new().await;
    let (mine, other) = (key(&app, json!({})).await, key(&app, json!({ "agent_id": "b" })).await);
    let held = app.post("/llm/holds", &hold_of(50)).key(&mine.text).send().await.ok(201);
    let id = held["hold_id"].as_str().unwrap();
    for act in ["settle", "release"] {
        let path = format!("/llm/holds/{id}/{act}");
        app.post(&path, &json!({})).key(&other.text).send().await.refused(Code::HoldNotFound);
    }
    let mut taken = hold_of(50);
    taken["call_id"] = held["call_id"].clone();
    app.post("/llm/holds", &taken).key(&other.text).send().await.ok(201);
    let usage = app.get("/llm/usage").key(&other.text).send().await.ok(200);
    assert_eq!(usage, json!([]));
    app.post(&format!("/llm/holds/{id}/release"), &json!({})).key(&mine.text).send().await.ok(200);
    assert_eq!(budgets(&app, &mine).await[0]["held_pico_usd"], 0);
    assert_eq!(app.count("SELECT count(*) FROM llm_usage"), 0, "what never left has no row");
}

#[actix_web::test]
async fn asking_for_the_quota_changes_nothing_and_says_what_a_hold_would_say() {
    let app = TestApp::new().await;
    let key = key(&app, json!({})).await;
    app.post("/llm/holds", &hold_of(70)).key(&key.text).send().await.ok(201);
    let dump = || app.count("SELECT COALESCE(SUM(settled_pico + 7 * held_pico), 0) FROM llm_accounts");
    let before = dump();
    for _ in 0..3 {
        let budget = &budgets(&app, &key).await[0];
        assert_eq!(budget["held_pico_usd"], 70 * OUTPUT);
        assert_eq!(budget["remaining_pico_usd"], 30 * OUTPUT);
    }
    assert_eq!((dump(), app.count("SELECT count(*) FROM llm_holds")), (before, 1));
    // One token of input and 30 of output are one token of input too much.
    let mut ask = hold_of(30);
    ask["input_tokens"] = json!(1);
    let refused = app.post("/llm/holds", &ask).key(&key.text).send().await;
    let details = &refused.json()["error"]["details"];
    assert_eq!(details["needed_pico_usd"], 30 * OUTPUT + INPUT, "{details}");
    assert_eq!(details["remaining_pico_usd"], 30 * OUTPUT);
}

#[actix_web::test]
async fn a_key_without_the_scope_or_a_damaged_ask_holds_nothing() {
    let app = TestApp::new().await;
    let plain = app.key_with(json!({ "agent_id": "p", "scopes": "intents:read" })).await;
    app.post("/llm/holds", &hold_of(1)).key(&plain.text).send().await.refused(Code::MissingScope);
    let key = key(&app, json!({})).await;
    let with = |name: &str, value: Value| {
        let mut ask = hold_of(10);
        ask[name] = value;
        ask
    };
    let cases = [
        (with("model", json!("nobody")), Code::ModelNotPriced),
        (with("max_tokens", json!(1_000_000)), Code::MaxTokensAboveCap),
        (with("max_tokens", json!(0)), Code::InvalidField),
        (with("max_tokens", json!(-1)), Code::InvalidBody),
        (with("choices", json!(1000)), Code::InvalidField),
        (with("call_id", json!("a b")), Code::InvalidField),
        (with("attempt", json!(0)), Code::InvalidField),
        (with("operation", json!("dream")), Code::InvalidField),
        (with("lease_seconds", json!(1)), Code::InvalidField),
        (with("price", json!(0)), Code::InvalidBody),
        (with("input_tokens", json!(u64::MAX)), Code::InvalidField),
    ];
    for (ask, code) in cases {
        app.post("/llm/holds", &ask).key(&key.text).send().await.refused(code);
    }
    assert_eq!(app.count("SELECT (SELECT count(*) FROM llm_holds) + (SELECT count(*) FROM llm_accounts)"), 0);
}
