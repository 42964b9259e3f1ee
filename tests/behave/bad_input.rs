//! Whatever comes in, the answer has the one shape and the right status, and nothing is written.

use crate::app::{Answer, Request, TestApp};
use registry_core::{IntentId, Status};
use serde_json::json;

/// A refusal: its status and code, its one shape, and the headers that every answer has.
pub fn assert_refused(answer: &Answer, status: u16, code: &str, what: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{what}: {}", answer.body);
    let body = answer.json();
    let mut members: Vec<_> = body["error"].as_object().unwrap().keys().map(String::as_str).collect();
    members.retain(|member| *member != "details");
    assert_eq!(members, ["code", "message", "request_id"], "{what}");
    assert_eq!(body.as_object().unwrap().len(), 2, "{what}");
    assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{what}");
    assert_eq!(body["detail"], body["error"]["message"], "{what}");
    assert_eq!(answer.header("x-request-id"), body["error"]["request_id"].as_str(), "{what}");
    let headers = [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cache-control", "no-store"),
        ("content-type", "application/json"),
    ];
    for (name, value) in headers {
        assert_eq!(answer.header(name), Some(value), "{what}: {name}");
    }
}

/// An app with one intent, `here`, and a key that may change it.
pub struct Refusing {
    pub app: TestApp,
    pub key: String,
}

impl Refusing {
    pub async fn start() -> Self {
        let app = TestApp::start().await;
        let key = app.agent("alice").await;
        let made = app.post(&key, "/intents", r#"{"id":"here","code":"F821","file":"a.py"}"#).await;
        assert_eq!(made.status, 201);
        Self { app, key }
    }

    pub async fn refuse(&self, request: Request, status: u16, code: &str, what: &str) -> Answer {
        let answer = self.app.send(request.key(&self.key)).await;
        let what: String = what.chars().take(120).collect();
        assert_refused(&answer, status, code, &what);
        answer
    }

    async fn create(&self, body: impl AsRef<[u8]>, status: u16, code: &str) {
        let what = String::from_utf8_lossy(body.as_ref()).into_owned();
        self.refuse(Request::new("POST", "/intents").json(body), status, code, &what).await;
    }

    /// What every table ends with: the one intent is all there is, and it is as it was.
    pub async fn nothing_changed(&self) {
        assert_eq!(self.app.count("SELECT COUNT(*) FROM intents").await, 1);
        assert_eq!(self.app.get(&self.key, "/intents/here").await.header("etag"), Some("\"1\""));
    }
}

#[actix_web::test]
async fn a_body_that_does_not_fit_is_refused_and_nothing_is_written() {
    let t = Refusing::start().await;
    let (id_4000, file_5000) = ("x".repeat(4000), "f".repeat(5000));
    let field = |name: &str, value: &str| format!(r#"{{"code":"F821","{name}":{value}}}"#);
    let syntax = [
        "{",
        "",
        "nonsense",
        r#"{"code":"F821"} x"#,
        r#"{"code":"F821",}"#,
        r#"{"code":"\ud800"}"#,
        r#"{"code":"\udc00\ud800"}"#,
        "{\"code\":\"a\nb\"}",
        r#"{"code":"F821","line":1e400}"#,
    ];
    for body in syntax {
        t.create(body, 400, "malformed_json").await;
    }
    t.create(b"{\"code\":\"\xff\"}", 400, "malformed_json").await;
    t.create(b"{\"code\":\"F821\",\"raw\":{\"a\":\"\xc3\"}}", 400, "malformed_json").await;
    let unfit = [
        "[]",
        "null",
        "5",
        r#""text""#,
        "{}",
        r#"{"file":"a"}"#,
        r#"{"code":5}"#,
        r#"{"code":null}"#,
        r#"{"code":["F821"]}"#,
        r#"{"code":"F821","colour":1}"#,
        r#"{"code":"F821","code":"F821"}"#,
        r#"{"code":"F821","resolved_at":"2026-01-01"}"#,
    ];
    for body in unfit {
        t.create(body, 422, "invalid_body").await;
    }
    for line in ["1.5", "1.0", "\"1\"", "9223372036854775808", "true", "[]"] {
        t.create(field("line", line), 422, "invalid_body").await;
    }
    for line in ["-1", "0", "2147483648", "9223372036854775807"] {
        t.create(field("line", line), 422, "invalid_field").await;
    }
    let texts =
        ["id", "file", "import_text", "reason_category", "reason", "suggestion", "owner", "ticket", "type"];
    for name in texts {
        t.create(field(name, r#""a\u0000b""#), 422, "invalid_field").await;
        t.create(field(name, "7"), 422, "invalid_body").await;
    }
    for word in IntentId::ROUTE_WORDS.into_iter().chain([".", "..", &id_4000]) {
        t.create(field("id", &json!(word).to_string()), 422, "invalid_field").await;
    }
    t.create(field("file", &json!(file_5000).to_string()), 422, "invalid_field").await;
    t.create(r#"{"code":"a\u0000"}"#, 422, "invalid_field").await;
    t.create(r#"{"code":""}"#, 422, "invalid_field").await;
    for eta in ["2026-02-30", "soon", "2026-13-01", "01.02.2026", "2026-1-1"] {
        t.create(field("eta", &json!(eta).to_string()), 422, "invalid_field").await;
    }
    t.create(field("status", r#""wip""#), 422, "invalid_field").await;
    t.create(field("raw", "[]"), 422, "invalid_field").await;
    t.create(field("agent_id", r#""bob""#), 403, "identity_mismatch").await;
    for status in ["planned", "committed"] {
        for with in ["", r#","owner":"o""#, r#","ticket":"T-1""#, r#","owner":"o","ticket":"""#] {
            let body = format!(r#"{{"code":"F821","status":"{status}"{with}}}"#);
            t.create(body, 422, "owner_and_ticket_required").await;
        }
    }
    t.create(" ".repeat(2 << 20), 413, "body_too_large").await;
    t.create(field("raw", &format!(r#"{{"a":"{}"}}"#, "x".repeat(70_000))), 422, "invalid_field").await;
    t.create(r#"{"id":"here","code":"other"}"#, 409, "intent_exists").await;
    t.nothing_changed().await;
}

#[actix_web::test]
async fn raw_that_other_readers_of_json_trip_over_is_refused() {
    let t = Refusing::start().await;
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    for inner in [deep.as_str(), r#""\ud800""#, "1e400"] {
        t.create(format!(r#"{{"code":"F821","raw":{{"a":{inner}}}}}"#), 422, "invalid_field").await;
    }
    t.nothing_changed().await;
}

#[actix_web::test]
async fn exactly_the_legal_transitions_are_made() {
    let t = Refusing::start().await;
    for from in Status::ALL {
        for to in Status::ALL {
            let id = format!("{from}-{to}");
            let body =
                json!({"id": id, "code": "F821", "owner": "team", "ticket": "T-1", "status": from.as_str()});
            assert_eq!(t.app.post(&t.key, "/intents", &body.to_string()).await.status, 201);
            let target = format!("/intents/{id}");
            let request = Request::new("PATCH", &target).json(json!({"status": to.as_str()}).to_string());
            let shown = if from.may_become(to) {
                let answer = t.app.send(request.key(&t.key)).await;
                assert_eq!(answer.status, 200, "{id}: {}", answer.body);
                to
            } else {
                let answer = t.refuse(request, 422, "illegal_transition", &id).await;
                let allowed: Vec<_> = from.successors().iter().map(|s| s.as_str()).collect();
                assert_eq!(answer.json()["error"]["details"]["allowed"], json!(allowed));
                from
            };
            assert_eq!(t.app.get(&t.key, &target).await.json()["status"], shown.as_str(), "{id}");
        }
    }
}

#[actix_web::test]
async fn a_patch_that_does_not_fit_changes_nothing() {
    let t = Refusing::start().await;
    let cases = [
        (r#"{"status":"wip"}"#, 422, "invalid_field"),
        (r#"{"status":null}"#, 422, "invalid_field"),
        (r#"{"status":"planned"}"#, 422, "owner_and_ticket_required"),
        (r#"{"status":"committed","owner":"o"}"#, 422, "owner_and_ticket_required"),
        (r#"{"eta":"2026-02-30"}"#, 422, "invalid_field"),
        (r#"{"eta":"soon"}"#, 422, "invalid_field"),
        (r#"{"owner":"a\u0000"}"#, 422, "invalid_field"),
        (r#"{"owner":""}"#, 422, "invalid_field"),
        (r#"{"code":"E501"}"#, 422, "invalid_body"),
        (r#"{"reason":"a","reason":"b"}"#, 422, "invalid_body"),
        ("", 400, "malformed_json"),
        ("{", 400, "malformed_json"),
    ];
    for (body, status, code) in cases {
        t.refuse(Request::new("PATCH", "/intents/here").json(body), status, code, body).await;
    }
    let gone = Request::new("PATCH", "/intents/gone").json(r#"{"reason":"r"}"#);
    t.refuse(gone, 404, "intent_not_found", "an unknown id").await;
    t.nothing_changed().await;
}

#[actix_web::test]
async fn one_bad_intent_of_a_batch_stops_all() {
    let t = Refusing::start().await;
    let of = |intents: serde_json::Value| json!({ "intents": intents }).to_string();
    let many: Vec<_> = (0..1001).map(|_| json!({"code": "F821"})).collect();
    let (good, other) = (json!({"code": "F821"}), json!({"id": "n", "code": "F821"}));
    let cases = [
        (of(json!([])), 422, "invalid_field"),
        (of(json!(many)), 422, "invalid_field"),
        (of(json!([other, good, other])), 422, "invalid_field"),
        (of(json!([good, {"code": "F821", "line": 0}, good])), 422, "invalid_field"),
        (of(json!([good, good, {"code": "F821", "status": "planned"}])), 422, "owner_and_ticket_required"),
        (of(json!([good, {"code": "F821", "agent_id": "bob"}, good])), 403, "identity_mismatch"),
        (of(json!([good, other, {"id": "here", "code": "other"}])), 409, "intent_exists"),
        (of(json!([good, {"code": 5}])), 422, "invalid_body"),
        ("{}".to_owned(), 422, "invalid_body"),
    ];
    for (body, status, code) in cases {
        let answer = t.refuse(Request::new("POST", "/intents/batch").json(&body), status, code, &body).await;
        if code == "intent_exists" {
            assert_eq!(answer.json()["error"]["details"]["index"], 2);
        }
    }
    let files: Vec<_> = (0..5001).map(|n| format!("{n}.py")).collect();
    let checks = [
        (json!({ "files": files }), "invalid_field"),
        (json!({"files": ["new.py", "a\0b"]}), "invalid_field"),
        (json!({"files": ["new.py", ""]}), "invalid_field"),
        (json!({"files": ["new.py"], "critical_codes": [""]}), "invalid_field"),
        (json!({"files": "new.py"}), "invalid_body"),
        (json!({}), "invalid_body"),
    ];
    for (body, code) in checks {
        let body = body.to_string();
        t.refuse(Request::new("POST", "/intents/pre_pr_check").json(&body), 422, code, &body).await;
    }
    t.nothing_changed().await;
}
