//! What intents do between their creation and their end, as an agent sees it.

use crate::app::{Request, TestApp};
use serde_json::{Value, json};

pub const DAY: u64 = 86_400;

/// The ids of a list, in its order.
pub fn ids(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

pub async fn make(app: &TestApp, key: &str, body: Value) -> Value {
    let made = app.post(key, "/intents", &body.to_string()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    made.json()["intent"].clone()
}

pub async fn listed(app: &TestApp, key: &str, target: &str) -> Vec<String> {
    let answer = app.get(key, target).await;
    assert_eq!(answer.status, 200, "{target}: {}", answer.body);
    ids(&answer.json())
}

#[actix_web::test]
async fn the_very_same_create_is_answered_again_and_any_other_is_a_conflict() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.agent("alice").await, app.agent("bob").await);
    let body = r#"{"id":"x","code":"F821","line":3,"raw":{"a":1,"b":2}}"#;
    let first = app.post(&alice, "/intents", body).await;
    assert_eq!((first.status, first.header("etag")), (201, Some("\"1\"")));
    for same in [
        body,
        r#"{"raw":{"b":2, "a":1.0},"line":3,"code":"F821","id":"x","agent_id":"alice","created_at":"z"}"#,
    ] {
        let again = app.post(&alice, "/intents", same).await;
        assert_eq!((again.status, &again.body), (200, &first.body), "{same}");
    }
    app.patch(&alice, "/intents/x", r#"{"reason":"r"}"#).await;
    let moved = app.post(&alice, "/intents", body).await;
    assert_eq!((moved.status, moved.header("etag")), (200, Some("\"2\"")));
    let other = r#"{"id":"x","code":"F821","line":4,"raw":{"a":1,"b":2}}"#;
    for (key, body) in [(&alice, other), (&bob, body)] {
        let answer = app.post(key, "/intents", body).await;
        assert_eq!((answer.status, answer.code().as_str()), (409, "intent_exists"));
    }
    assert_eq!(app.count("SELECT COUNT(*) FROM intents").await, 1);
}

#[actix_web::test]
async fn minted_ids_sort_by_creation() {
    let app = TestApp::start().await;
    let key = app.agent("alice").await;
    let mut minted = Vec::new();
    for _ in 0..50 {
        app.clock.advance_micros(1000);
        minted.push(make(&app, &key, json!({"code": "F821"})).await["id"].as_str().unwrap().to_owned());
    }
    assert!(minted.iter().all(|id| id.starts_with("T4-")) && minted.is_sorted(), "{minted:?}");
    assert_eq!(listed(&app, &key, "/intents").await, minted);
}

#[actix_web::test]
async fn a_replay_has_the_outcome_of_the_first_even_when_its_cause_is_gone() {
    let app = TestApp::start().await;
    let key = app.agent("alice").await;
    let send = |idem: &str, body: &str| {
        app.send(Request::new("POST", "/intents").key(&key).json(body).header("idempotency-key", idem))
    };
    let first = send("a", r#"{"code":"F821"}"#).await;
    assert_eq!(first.status, 201);
    for hours in [0, 23] {
        app.advance(hours * 3600);
        let again = send("a", r#"{"code":"F821"}"#).await;
        assert_eq!((again.status, &again.body), (201, &first.body));
    }
    assert_ne!(send("b", r#"{"code":"F821"}"#).await.body, first.body);
    make(&app, &key, json!({"id": "x", "code": "E501"})).await;
    let refused = send("c", r#"{"id":"x","code":"F821"}"#).await;
    assert_eq!(app.send(Request::new("DELETE", "/intents/x").admin()).await.status, 200);
    let again = send("c", r#"{"id":"x","code":"F821"}"#).await;
    for answer in [&refused, &again] {
        assert_eq!((answer.status, answer.code().as_str()), (409, "intent_exists"));
    }
    assert_eq!(refused.json()["detail"], again.json()["detail"]);
    assert_eq!(send("d", r#"{"id":"x","code":"F821"}"#).await.status, 201);
    // Another caller's key of the same text is another key.
    let bob = app.agent("bob").await;
    let request = Request::new("POST", "/intents").key(&bob).json(r#"{"code":"W1"}"#);
    assert_eq!(app.send(request.header("idempotency-key", "a")).await.json()["intent"]["code"], "W1");
    // A patch that is repeated is made once.
    for _ in 0..2 {
        let patch = Request::new("PATCH", "/intents/x").key(&key).json(r#"{"reason":"r"}"#);
        let answer = app.send(patch.header("idempotency-key", "p")).await;
        assert_eq!((answer.status, answer.header("etag")), (200, Some("\"2\"")));
    }
}

#[actix_web::test]
async fn a_patch_clears_what_is_null_keeps_what_is_absent_and_moves_the_version_by_one() {
    let app = TestApp::start().await;
    let key = app.agent("alice").await;
    let all = json!({"id": "x", "code": "F821", "owner": "o", "ticket": "T-1", "reason": "why", "eta": "2026-07-01",
        "suggestion": "s"});
    let mut expected = make(&app, &key, all).await;
    let names = ["owner", "ticket", "reason", "eta", "suggestion"];
    for (version, name) in (2..).zip(names) {
        app.advance(1);
        let patch = Request::new("PATCH", "/intents/x").key(&key).json(json!({ name: null }).to_string());
        let answer = app.send(patch.header("if-match", format!("\"{}\"", version - 1))).await;
        assert_eq!(answer.header("etag"), Some(format!("\"{version}\"").as_str()), "{}", answer.body);
        expected[name] = Value::Null;
        expected["modified_at"] = json!(format!("2026-06-01T12:00:{:02}.000000Z", version - 1));
        assert_eq!(answer.json()["intent"], expected);
        assert_eq!(app.get(&key, "/intents/x").await.json(), expected);
    }
    let stale =
        Request::new("PATCH", "/intents/x").key(&key).json(r#"{"reason":"r"}"#).header("if-match", "\"1\"");
    assert_eq!(app.send(stale).await.code(), "version_mismatch");
    let any = Request::new("PATCH", "/intents/x").key(&key).json(r#"{"reason":"r"}"#).header("if-match", "*");
    assert_eq!(app.send(any).await.header("etag"), Some("\"7\""));
}

#[actix_web::test]
async fn resolved_at_is_set_on_entering_a_resolved_status_and_cleared_on_reopening() {
    let app = TestApp::start().await;
    let key = app.agent("alice").await;
    make(&app, &key, json!({"id": "x", "code": "F821", "owner": "o", "ticket": "T-1"})).await;
    let steps = [
        ("implemented", Some("12:01")),
        ("implemented", Some("12:01")),
        ("planned", None),
        ("documented", Some("12:04")),
        ("planned", None),
        ("expired", None),
    ];
    for (status, at) in steps {
        app.advance(60);
        let answer = app.patch(&key, "/intents/x", &json!({ "status": status }).to_string()).await;
        let resolved = at.map(|at| format!("2026-06-01T{at}:00.000000Z"));
        assert_eq!(answer.json()["intent"]["resolved_at"].as_str(), resolved.as_deref(), "{status}");
    }
    let born = make(&app, &key, json!({"code": "F821", "status": "accepted"})).await;
    assert_eq!(born["resolved_at"], born["created_at"]);
}

#[actix_web::test]
async fn an_intent_is_changed_by_its_agent_its_owner_or_whoever_may_change_any() {
    let app = TestApp::start().await;
    let alice = app.agent("alice").await;
    make(&app, &alice, json!({"id": "x", "code": "F821", "owner": "team"})).await;
    make(&app, &alice, json!({"id": "unowned", "code": "F821"})).await;
    let grants = [
        (r#"{"agent_id":"bob","owner":"others"}"#, "x", 403),
        (r#"{"agent_id":"bob"}"#, "x", 403),
        (r#"{"agent_id":"bob"}"#, "unowned", 403),
        (r#"{"agent_id":"bob","owner":"team"}"#, "x", 200),
        (r#"{"agent_id":"bob","owner":"team"}"#, "unowned", 403),
        (r#"{"agent_id":"alice"}"#, "x", 200),
        (r#"{"agent_id":"bob","scopes":"intents:write intents:any"}"#, "x", 200),
        (r#"{"agent_id":"bob","scopes":"*"}"#, "unowned", 200),
        (r#"{"agent_id":"bob","scopes":"intents:any"}"#, "x", 403),
    ];
    for (grant, id, status) in grants {
        let key = app.key(grant).await.0;
        let answer = app.patch(&key, &format!("/intents/{id}"), r#"{"reason":"r"}"#).await;
        assert_eq!(answer.status, status, "{grant} {id}: {}", answer.body);
        let expected = if status == 200 {
            "ok"
        } else if grant.contains(":any") {
            "missing_scope"
        } else {
            "not_yours"
        };
        assert_eq!(answer.code(), expected, "{grant} {id}");
    }
}

#[actix_web::test]
async fn an_admin_deletes_an_intent_once() {
    let app = TestApp::start().await;
    let key = app.agent("alice").await;
    make(&app, &key, json!({"id": "a/b", "code": "F821"})).await;
    let delete = || app.send(Request::new("DELETE", "/intents/a%2Fb").admin());
    let (first, again) = (delete().await, delete().await);
    assert_eq!((first.status, first.json()), (200, json!({"status": "deleted"})));
    assert_eq!((again.status, again.code().as_str()), (404, "intent_not_found"));
    assert_eq!(app.get(&key, "/intents/a%2Fb").await.status, 404);
}

#[actix_web::test]
async fn summary_figures_are_those_of_the_rows() {
    let app = TestApp::start().await;
    let key = app.agent("alice").await;
    let empty = app.get(&key, "/metrics/summary").await.json();
    let nothing = json!({"total": 0, "by_status": {}, "by_code": {}, "quality_score": 100.0,
        "avg_time_to_resolve_days": null});
    assert_eq!(empty, nothing);
    for n in 0..4 {
        let id = format!("p{n}");
        make(&app, &key, json!({"id": id, "code": "F821", "status": "planned", "owner": "o", "ticket": "T"}))
            .await;
    }
    for n in 0..24 {
        make(&app, &key, json!({"code": format!("C{n:02}")})).await;
    }
    for (days, id) in [(1, "p0"), (2, "p1")] {
        app.advance(days * DAY);
        let status = if id == "p0" { "implemented" } else { "accepted" };
        app.patch(&key, &format!("/intents/{id}"), &json!({ "status": status }).to_string()).await;
    }
    let db = rusqlite::Connection::open(&app.db).unwrap();
    db.execute("UPDATE intents SET ticket = NULL WHERE id = 'p2'", []).unwrap();
    let found = app.get(&key, "/metrics/summary").await.json();
    assert_eq!(found["total"], 28);
    assert_eq!(found["by_status"], json!({"accepted": 1, "implemented": 1, "planned": 2, "reserved": 24}));
    let codes = found["by_code"].as_object().unwrap();
    assert_eq!((codes.len(), &codes["F821"]), (20, &json!(4)));
    assert!(codes.contains_key("C18") && !codes.contains_key("C19"));
    assert_eq!(found["quality_score"], 50.0);
    assert_eq!(found["avg_time_to_resolve_days"], 2.0);
}
