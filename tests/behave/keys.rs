//! Keys from their making to their end, and the ways to show credentials.

use crate::app::{ADMIN, Answer, Request, TestApp};
use crate::bad_input::assert_refused;
use intent_http::HttpSettings;
use serde_json::{Value, json};

const DAY: u64 = 86_400;

fn admin(method: &str, target: &str) -> Request {
    Request::new(method, target).admin()
}

/// What a key is answered on a read: `ok` or the code.
async fn code(app: &TestApp, key: &str) -> String {
    app.get(key, "/intents").await.code()
}

async fn rotate(app: &TestApp, id: &str, body: &str) -> Answer {
    app.send(admin("POST", &format!("/admin/api_keys/{id}/rotate")).json(body)).await
}

fn secret(answer: &Answer) -> String {
    answer.json()["key"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn a_key_made_with_nothing_but_its_agent_has_the_defaults_written_out() {
    let app = TestApp::start().await;
    let made = app.send(admin("POST", "/admin/api_keys").json(r#"{"agent_id":"a"}"#)).await;
    assert_eq!(made.status, 201);
    let mut view = made.json();
    let (key, id) = (secret(&made), view["key_id"].as_str().unwrap().to_owned());
    assert!(key.starts_with(&format!("{id}_")) && id.len() == 15 && key.len() == 65, "{key}");
    assert!(view["key"].take().is_string());
    let scopes = ["intents:read", "intents:write", "llm:call", "plans:read", "plans:write", "events:read"];
    let expected = json!({
        "key": null, "key_id": id, "agent_id": "a", "owner": null, "scopes": scopes, "roles": [],
        "created_at": "2026-06-01T12:00:00.000000Z", "expires_at": "2027-06-01T12:00:00.000000Z",
        "revoked": false, "daily_limit": 100.0, "daily_used": 0.0, "used_on": null, "time_zone": null,
        "rate_per_minute": null, "previous_secret_until": null,
    });
    assert_eq!(view, expected);
    let stored = app.rows("SELECT scopes FROM api_keys").await;
    assert_eq!(stored, [Some(scopes.join(" "))]);
    assert_eq!(app.rows("SELECT daily_limit FROM api_keys").await, [Some("100".to_owned())]);
}

#[actix_web::test]
async fn a_key_takes_what_the_admin_says_and_refuses_what_does_not_fit() {
    let app = TestApp::start().await;
    for scopes in [json!("intents:read, llm:call  intents:read"), json!(["intents:read", "llm:call"])] {
        let body = json!({"agent_id": "a", "scopes": scopes, "expires_in_days": 1, "daily_limit": 0, "owner": "o",
            "roles": ["junior"], "time_zone": "Europe/Berlin", "rate_per_minute": 7});
        let made = app.send(admin("POST", "/admin/api_keys").json(body.to_string())).await.json();
        assert_eq!(made["scopes"], json!(["intents:read", "llm:call"]));
        let names = ["expires_at", "daily_limit", "owner", "roles", "time_zone", "rate_per_minute"];
        let told = json!(names.map(|name| made[name].clone()));
        assert_eq!(told, json!(["2026-06-02T12:00:00.000000Z", 0.0, "o", ["junior"], "Europe/Berlin", 7]));
    }
    let cases = [
        ("expires_in_days", "0", "invalid_field"),
        ("expires_in_days", "-1", "invalid_field"),
        ("expires_in_days", "3651", "invalid_field"),
        ("expires_in_days", "1.5", "invalid_body"),
        ("daily_limit", "-1", "invalid_field"),
        ("daily_limit", "9000001", "invalid_field"),
        ("daily_limit", "-0.01", "invalid_field"),
        ("daily_limit", "1e300", "invalid_field"),
        ("daily_limit", "\"NaN\"", "invalid_body"),
        ("daily_limit", "\"5\"", "invalid_body"),
        ("scopes", "\"root\"", "invalid_field"),
        ("scopes", "[\"intents:read\",\"\\u0000\"]", "invalid_field"),
        ("scopes", "5", "invalid_body"),
        ("roles", "[\"a b\"]", "invalid_field"),
        ("roles", "\"a\"", "invalid_body"),
        ("owner", "\"a\\u0000\"", "invalid_field"),
        ("time_zone", "\"../etc\"", "invalid_field"),
        ("rate_per_minute", "-1", "invalid_body"),
        ("rate_per_minute", "10000001", "invalid_field"),
        ("colour", "1", "invalid_body"),
        ("agent_id", "\"b\"", "invalid_body"),
    ];
    for (name, value, code) in cases {
        let body = format!(r#"{{"agent_id":"a","{name}":{value}}}"#);
        assert_refused(&app.send(admin("POST", "/admin/api_keys").json(&body)).await, 422, code, &body);
    }
    for (body, status, code) in [
        ("{}", 422, "invalid_body"),
        (r#"{"agent_id":""}"#, 422, "invalid_field"),
        (r#"{"agent_id":"a","daily_limit":NaN}"#, 400, "malformed_json"),
        (r#"{"agent_id":"a","daily_limit":1e400}"#, 400, "malformed_json"),
    ] {
        assert_refused(&app.send(admin("POST", "/admin/api_keys").json(body)).await, status, code, body);
    }
    assert_eq!(app.count("SELECT COUNT(*) FROM api_keys").await, 2);
}

#[actix_web::test]
async fn a_secret_is_shown_once_and_stands_nowhere() {
    let app = TestApp::start().await;
    let (key, id) = app.key(r#"{"agent_id":"a"}"#).await;
    let rotated = secret(&rotate(&app, &id, r#"{"overlap_seconds":60}"#).await);
    let idem = admin("POST", "/admin/api_keys").json(r#"{"agent_id":"b"}"#).header("idempotency-key", "k");
    let third = secret(&app.send(idem).await);
    app.get(&key, &format!("/intents?code={key}")).await;
    app.post(&rotated, "/intents", &json!({"code": "F821", "raw": {"k": key}}).to_string()).await;
    app.send(admin("DELETE", &format!("/admin/api_keys/{third}"))).await;
    app.send(admin("POST", &format!("/admin/api_keys/{rotated}/rotate")).json("{}")).await;
    let list = app.send(admin("GET", "/admin/api_keys")).await.body;
    let audit = app.send(admin("GET", "/admin/audit?limit=1000")).await.body;
    let columns = app.rows("SELECT name FROM pragma_table_info('audit_log')").await;
    let joined: Vec<_> = columns
        .iter()
        .flatten()
        .map(|c| format!("ifnull(iif(typeof(\"{c}\") = 'blob', hex(\"{c}\"), \"{c}\"), '')"))
        .collect();
    let rows = app.rows(&format!("SELECT {} FROM audit_log", joined.join("||' '||"))).await;
    // The agent itself wrote its key into an intent, which is its own to tell.
    let clean = rusqlite::Connection::open(&app.db).unwrap();
    let raws: i64 = clean.query_row("SELECT COUNT(raw) FROM intents", [], |row| row.get(0)).unwrap();
    assert_eq!(raws, 1);
    for text in [&key, &rotated, &third] {
        let part = text.rsplit('_').next().unwrap();
        assert_eq!(part.len(), 49);
        assert!(!list.contains(part) && !audit.contains(part));
        assert!(rows.len() > 5 && rows.iter().flatten().all(|row| !row.contains(part)));
    }
    for text in [&rotated, &third] {
        let part = text.rsplit('_').next().unwrap().as_bytes();
        for file in std::fs::read_dir(app.db.parent().unwrap()).unwrap() {
            let path = file.unwrap().path();
            let bytes = if path.is_file() { std::fs::read(&path).unwrap() } else { Vec::new() };
            assert!(!bytes.windows(43).any(|window| window == &part[..43]), "{}", path.display());
        }
    }
}

#[actix_web::test]
async fn after_a_rotation_the_old_secret_lives_for_the_overlap_and_no_longer() {
    let app = TestApp::start().await;
    let (old, id) = app.key(r#"{"agent_id":"a"}"#).await;
    let answer = rotate(&app, &id, r#"{"overlap_seconds":60}"#).await;
    let new = secret(&answer);
    assert_eq!(answer.json()["previous_secret_until"], "2026-06-01T12:01:00.000000Z");
    assert!(answer.json()["key_id"] == id.as_str() && new != old);
    for (seconds, expected) in [(0, "ok"), (59, "ok"), (1, "invalid_key"), (3600, "invalid_key")] {
        app.advance(seconds);
        assert_eq!((code(&app, &old).await, code(&app, &new).await), (expected.to_owned(), "ok".to_owned()));
    }
    let third = secret(&app.send(admin("POST", &format!("/admin/api_keys/{id}/rotate"))).await);
    for (key, expected) in [(&old, "invalid_key"), (&new, "invalid_key"), (&third, "ok")] {
        assert_eq!(code(&app, key).await, expected, "a rotation without a body has no overlap");
    }
    for overlap in ["-1", "2592001"] {
        let refused = rotate(&app, &id, &format!(r#"{{"overlap_seconds":{overlap}}}"#)).await;
        assert_refused(&refused, 422, "invalid_field", overlap);
    }
    assert_refused(&rotate(&app, "t4_000000000000", "{}").await, 404, "key_not_found", "an unknown id");
    assert_eq!(code(&app, &third).await, "ok");
}

#[actix_web::test]
async fn the_same_idempotency_key_gives_the_same_secret() {
    let app = TestApp::start().await;
    let (old, id) = app.key(r#"{"agent_id":"a"}"#).await;
    for target in [format!("/admin/api_keys/{id}/rotate"), "/admin/api_keys".to_owned()] {
        let body = if target.ends_with("rotate") { "{}" } else { r#"{"agent_id":"b"}"# };
        let send =
            |idem: &'static str| app.send(admin("POST", &target).json(body).header("idempotency-key", idem));
        let (first, again, other) = (send("k1").await, send("k1").await, send("k2").await);
        assert_eq!((first.status, &first.body), (again.status, &again.body));
        assert_ne!(secret(&first), secret(&other));
        assert_eq!(code(&app, &secret(&other)).await, "ok");
    }
    assert_eq!(code(&app, &old).await, "invalid_key");
    assert_eq!(app.count("SELECT COUNT(*) FROM api_keys").await, 3);
}

#[actix_web::test]
async fn a_key_is_revoked_by_its_id_or_its_text_and_twice_is_fine() {
    let app = TestApp::start().await;
    for by_text in [false, true] {
        let (key, id) = app.key(r#"{"agent_id":"a"}"#).await;
        assert_eq!(code(&app, &key).await, "ok");
        let target = format!("/admin/api_keys/{}", if by_text { &key } else { &id });
        for _ in 0..2 {
            let answer = app.send(admin("DELETE", &target)).await;
            assert_eq!((answer.status, answer.json()), (200, json!({"revoked": true})));
            assert_eq!(code(&app, &key).await, "revoked_key");
        }
        assert_refused(&rotate(&app, &id, "{}").await, 422, "invalid_field", "a revoked key");
    }
    for unknown in ["t4_000000000000", "nonsense", "%00", &"x".repeat(4000)] {
        let answer = app.send(admin("DELETE", &format!("/admin/api_keys/{unknown}"))).await;
        assert_refused(&answer, 404, "key_not_found", unknown);
    }
}

#[actix_web::test]
async fn a_key_expires_when_the_clock_says_so() {
    let app = TestApp::start().await;
    let (key, _) = app.key(r#"{"agent_id":"a","expires_in_days":1}"#).await;
    app.advance(DAY - 1);
    assert_eq!(code(&app, &key).await, "ok");
    app.advance(1);
    assert_refused(&app.get(&key, "/intents").await, 401, "expired_key", "after a day");
}

#[actix_web::test]
async fn a_patch_of_a_key_acts_at_once() {
    let app = TestApp::start().await;
    let (key, id) = app.key(r#"{"agent_id":"a","owner":"o","rate_per_minute":1000}"#).await;
    let target = format!("/admin/api_keys/{id}");
    let patch = |body: &str| app.send(admin("PATCH", &target).json(body));
    assert_eq!(code(&app, &key).await, "ok");
    let cleared = patch(r#"{"owner":null,"rate_per_minute":null}"#).await;
    assert_eq!((cleared.status, cleared.header("etag")), (200, Some("\"2\"")));
    assert_eq!((&cleared.json()["owner"], &cleared.json()["rate_per_minute"]), (&Value::Null, &Value::Null));
    assert_eq!(app.get(&key, "/intents").await.header("x-ratelimit-limit"), Some("120"));
    assert_eq!(patch(r#"{"scopes":[]}"#).await.json()["scopes"], json!([]));
    assert_refused(&app.get(&key, "/intents").await, 403, "missing_scope", "a key without scopes");
    patch(r#"{"scopes":"intents:*","rate_per_minute":5}"#).await;
    assert_eq!(app.get(&key, "/intents").await.header("x-ratelimit-limit"), Some("5"));
    for (tag, status, code) in
        [("\"1\"", 412, "version_mismatch"), ("4", 422, "invalid_query"), ("\"4\"", 200, "ok")]
    {
        let answer =
            app.send(admin("PATCH", &target).json(r#"{"daily_limit":0.1}"#).header("if-match", tag)).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{tag}");
    }
    for (body, code) in [
        (r#"{"daily_limit":9000001}"#, "invalid_field"),
        (r#"{"agent_id":"b"}"#, "invalid_body"),
        (r#"{"owner":""}"#, "invalid_field"),
        (r#"{"scopes":"root"}"#, "invalid_field"),
    ] {
        assert_refused(&patch(body).await, 422, code, body);
    }
    let unknown = admin("PATCH", "/admin/api_keys/t4_000000000000").json("{}");
    assert_refused(&app.send(unknown).await, 404, "key_not_found", "an unknown key");
}

#[actix_web::test]
async fn credentials_are_taken_from_each_of_their_places() {
    let of_the_configuration = "a-static-key-of-the-configuration".to_owned();
    let tokens = vec![of_the_configuration.clone(), "short".to_owned()];
    let app = TestApp::with(|options| options.static_keys = tokens, HttpSettings::default()).await;
    let (key, _) = app.key(r#"{"agent_id":"a"}"#).await;
    let get = || Request::new("GET", "/intents");
    for key in [key.as_str(), &of_the_configuration, "short"] {
        let bearer = format!("Bearer {key}");
        for (name, value) in [("x-t4-api-key", key), ("x-api-key", key), ("authorization", &bearer)] {
            assert_eq!(app.send(get().header(name, value)).await.status, 200, "{name}");
        }
        assert_refused(
            &app.send(get().header("authorization", key)).await,
            401,
            "missing_credentials",
            "no scheme",
        );
    }
    let list = || Request::new("GET", "/admin/api_keys");
    let bearer = format!("Bearer {ADMIN}");
    for request in [list().admin(), list().header("authorization", &bearer)] {
        let answer = app.send(request).await;
        assert_eq!((answer.status, answer.header("deprecation")), (200, None));
    }
    let in_query = format!("/admin/api_keys?limit=1&admin_token={ADMIN}");
    let answer = app.send(Request::new("GET", &in_query)).await;
    assert_eq!((answer.status, answer.header("deprecation")), (200, Some("@1762387200")));
    for (request, code) in [
        (list().header("x-t4-admin-token", "wrong"), "invalid_admin_token"),
        (Request::new("GET", "/admin/api_keys?admin_token=wrong"), "invalid_admin_token"),
        (list().key(&key), "missing_credentials"),
        (list(), "missing_credentials"),
        (get(), "missing_credentials"),
        (get().admin(), "missing_credentials"),
        (get().key("nonsense, that is no key"), "invalid_key"),
        (get().key(&format!("{}0", &key[..key.len() - 1])), "malformed_key"),
        (get().key("a-static-key-of-nobody-at-all-here"), "invalid_key"),
    ] {
        assert_refused(&app.send(request).await, 401, code, code);
    }
    let columns = app.rows("SELECT name FROM pragma_table_info('audit_log')").await;
    for column in columns.iter().flatten() {
        let sql =
            format!("SELECT COUNT(*) FROM audit_log WHERE instr(CAST(\"{column}\" AS TEXT), '{ADMIN}') > 0");
        assert_eq!(app.count(&sql).await, 0, "{column}");
    }
}
