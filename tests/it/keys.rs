//! What admins do with keys.

use api_types::Code;
use serde_json::{Value, json};

use crate::support::{ADMIN, Key, Setup, TestApp, texts};

const DEFAULT_GRANT: [&str; 6] =
    ["intents:read", "intents:write", "llm:call", "plans:read", "plans:write", "events:read"];

async fn create(app: &TestApp, body: Value) -> Value {
    app.post("/admin/api_keys", &body).admin().send().await.ok(201)
}

#[actix_web::test]
async fn a_new_key_has_the_form_and_the_defaults_of_the_contract() {
    let app = TestApp::new().await;
    let made = create(&app, json!({ "agent_id": "agent-1" })).await;
    let key = Key::of(&made);
    assert_eq!((key.text.len(), key.id.len(), key.secret().len()), (65, 15, 49));
    assert!(key.text.starts_with(&format!("{}_", key.id)) && key.id.starts_with("t4_"));
    let expected = json!({
        "key": key.text, "key_id": key.id, "agent_id": "agent-1", "owner": null, "scopes": DEFAULT_GRANT,
        "roles": [], "created_at": "2026-01-15T10:00:00.000000Z", "expires_at": "2027-01-15T10:00:00.000000Z",
        "revoked": false, "daily_limit": 100.0, "daily_used": 0.0, "used_on": null, "time_zone": null,
        "rate_per_minute": null, "previous_secret_until": null, "max_intents": null,
        "max_stored_bytes": null, "max_idempotency_rows": null, "max_audit_bytes_per_day": null,
        "usage": {
            "intents": { "used": 0, "limit": 1_000_000 },
            "stored_bytes": { "used": 0, "limit": 1_073_741_824 },
            "idempotency_rows": { "used": 0, "limit": 200_000 },
            "audit_bytes_per_day": { "used": 0, "limit": 1_073_741_824 },
        },
    });
    assert_eq!(made, expected);
    let other = create(&app, json!({ "agent_id": "agent-1" })).await;
    assert_ne!(Key::of(&other).id, key.id);
}

#[actix_web::test]
async fn a_key_has_what_its_admin_asked_for() {
    let app = TestApp::new().await;
    let body = json!({
        "agent_id": "é agent", "owner": "team/a", "scopes": "intents:read, llm:* intents:any", "roles": ["admin"],
        "expires_in_days": 3650, "daily_limit": 0, "time_zone": "Europe/Berlin", "rate_per_minute": 7,
    });
    let made = create(&app, body).await;
    let expected = [
        ("agent_id", json!("é agent")),
        ("owner", json!("team/a")),
        ("scopes", json!(["intents:read", "llm:*", "intents:any"])),
        ("roles", json!(["admin"])),
        ("daily_limit", json!(0.0)),
        ("time_zone", json!("Europe/Berlin")),
        ("rate_per_minute", json!(7)),
    ];
    for (field, value) in expected {
        assert_eq!(made[field], value, "{field}");
    }
    let listed = create(&app, json!({ "agent_id": "a", "scopes": ["intents:read"] })).await;
    assert_eq!(listed["scopes"], json!(["intents:read"]));
}

#[actix_web::test]
async fn a_key_that_breaks_a_rule_is_not_made() {
    let app = TestApp::new().await;
    let cases = [
        (json!({ "agent_id": "" }), Code::InvalidField),
        (json!({ "agent_id": "a\u{0}" }), Code::InvalidField),
        (json!({ "agent_id": "a".repeat(201) }), Code::InvalidField),
        (json!({ "agent_id": 7 }), Code::InvalidBody),
        (json!({}), Code::InvalidBody),
        (json!({ "agent_id": "a", "colour": 1 }), Code::InvalidBody),
        (json!({ "agent_id": "a", "expires_in_days": 0 }), Code::InvalidField),
        (json!({ "agent_id": "a", "expires_in_days": -1 }), Code::InvalidField),
        (json!({ "agent_id": "a", "expires_in_days": 3651 }), Code::InvalidField),
        (json!({ "agent_id": "a", "expires_in_days": 1.5 }), Code::InvalidBody),
        (json!({ "agent_id": "a", "scopes": "intents:fly" }), Code::InvalidField),
        (json!({ "agent_id": "a", "scopes": ["intents:read", ""] , "roles": [""] }), Code::InvalidField),
        (json!({ "agent_id": "a", "scopes": 7 }), Code::InvalidBody),
        (json!({ "agent_id": "a", "roles": ["two words"] }), Code::InvalidField),
        (json!({ "agent_id": "a", "roles": vec!["r"; 51] }), Code::InvalidField),
        (json!({ "agent_id": "a", "daily_limit": -1 }), Code::InvalidField),
        (json!({ "agent_id": "a", "daily_limit": 9_000_001 }), Code::InvalidField),
        (json!({ "agent_id": "a", "time_zone": "Mars; DROP" }), Code::InvalidField),
        (json!({ "agent_id": "a", "rate_per_minute": 10_000_001 }), Code::InvalidField),
        (json!({ "agent_id": "a", "rate_per_minute": -1 }), Code::InvalidBody),
    ];
    for (body, code) in cases {
        let answer = app.post("/admin/api_keys", &body).admin().send().await;
        assert_eq!(answer.code(), code.as_str(), "{body}: {}", answer.text());
    }
    assert_eq!(app.count("SELECT count(*) FROM api_keys"), 0);
}

#[actix_web::test]
async fn a_minted_secret_is_in_its_answer_and_nowhere_else() {
    let app = TestApp::new().await;
    let key = Key::of(&create(&app, json!({ "agent_id": "a" })).await);
    app.get("/intents").key(&key.text).send().await.ok(200);
    let rotate = format!("/admin/api_keys/{}/rotate", key.id);
    let rotated = app.post(&rotate, &json!({ "overlap_seconds": 9 })).admin().once("r").send().await.ok(200);
    app.get(&format!("/intents?key={}", key.text)).key(&key.text).send().await.ok(200);
    app.delete(&format!("/admin/api_keys/{}", key.text)).admin().send().await.ok(200);
    app.get(&format!("/admin/api_keys/{}", key.text)).admin().send().await.refused(Code::MethodNotAllowed);
    app.skip_rows().await;
    let listed = app.get("/admin/api_keys").admin().send().await.text();
    let bytes = app.bytes_on_disk();
    for secret in [key.secret().to_owned(), Key::of(&rotated).secret().to_owned()] {
        // All but the checksum, which anybody may compute.
        let secret = secret.split_at(43).0;
        assert!(!listed.contains(secret));
        assert!(!bytes.windows(43).any(|window| window == secret.as_bytes()), "the secret is on disk");
    }
    let rows = app.dump("audit_log");
    assert!(rows.contains(&format!("/admin/api_keys/{}", key.id)), "the path names the key by its id");
}

#[actix_web::test]
async fn keys_are_listed_by_id_page_by_page_without_a_secret() {
    let app = TestApp::new().await;
    let mut expected = Vec::new();
    for index in 0..7 {
        expected.push(app.key(&format!("agent-{index}")).await.id);
    }
    expected.sort_unstable();
    let mut found = Vec::new();
    let mut path = format!("/admin/api_keys?limit=3&admin_token={ADMIN}");
    loop {
        let page = app.get(&path).admin().send().await;
        let rows = page.ok(200);
        assert!(
            rows.as_array()
                .is_some_and(|rows| rows.len() <= 3 && rows.iter().all(|row| row["key"].is_null()))
        );
        found.extend(texts(&rows, "key_id"));
        let Some(next) = page.next() else { break };
        assert!(!next.contains("admin_token"), "a link repeats no token");
        path = next;
    }
    assert_eq!(found, expected);
}

#[actix_web::test]
async fn a_patch_changes_what_it_names_and_takes_effect_at_once() {
    let app = TestApp::new().await;
    let key = app.key_with(json!({ "agent_id": "a", "owner": "team-a", "roles": ["r"] })).await;
    let path = format!("/admin/api_keys/{}", key.id);
    let patch = |body: Value| app.patch(&path, &body).admin().send();
    app.get("/intents").key(&key.text).send().await.ok(200);

    let changed = patch(json!({ "scopes": ["intents:write"], "daily_limit": 2.5 })).await;
    assert_eq!(changed.told("etag"), "\"2\"");
    let changed = changed.ok(200);
    assert_eq!((&changed["scopes"], &changed["daily_limit"]), (&json!(["intents:write"]), &json!(2.5)));
    assert_eq!((&changed["owner"], &changed["roles"]), (&json!("team-a"), &json!(["r"])));
    app.get("/intents").key(&key.text).send().await.refused(Code::MissingScope);

    let changed = patch(json!({ "owner": null, "scopes": "" })).await.ok(200);
    assert_eq!((&changed["owner"], &changed["scopes"]), (&Value::Null, &json!([])));
    app.post("/intents", &json!({ "code": "A" })).key(&key.text).send().await.refused(Code::MissingScope);

    for (body, code) in [
        (json!({ "agent_id": "b" }), Code::InvalidBody),
        (json!({ "revoked": true }), Code::InvalidBody),
        (json!({ "owner": "" }), Code::InvalidField),
        (json!({ "scopes": "fly" }), Code::InvalidField),
        (json!({ "daily_limit": -0.01 }), Code::InvalidField),
    ] {
        patch(body).await.refused(code);
    }
    let stale = app.patch(&path, &json!({ "owner": "x" })).admin().header("If-Match", "\"2\"").send().await;
    stale.refused(Code::VersionMismatch);
    app.patch(&path, &json!({ "owner": "x" })).admin().header("If-Match", "\"3\"").send().await.ok(200);
    app.patch("/admin/api_keys/t4_000000000001", &json!({})).admin().send().await.refused(Code::KeyNotFound);
}

#[actix_web::test]
async fn a_key_is_revoked_by_its_id_or_by_the_whole_key_and_at_once() {
    let app = TestApp::new().await;
    for whole in [false, true] {
        let key = app.key("a").await;
        app.get("/intents").key(&key.text).send().await.ok(200);
        let path = format!("/admin/api_keys/{}", if whole { &key.text } else { &key.id });
        app.skip_rows().await;
        assert_eq!(app.delete(&path).admin().send().await.ok(200), json!({ "revoked": true }));
        // The row names the key by its id, whichever was sent.
        assert_eq!(app.one_row().await.path, format!("/admin/api_keys/{}", key.id));
        app.get("/intents").key(&key.text).send().await.refused(Code::RevokedKey);
        // Twice is fine.
        app.delete(&path).admin().send().await.ok(200);
        let rotate = format!("/admin/api_keys/{}/rotate", key.id);
        app.post(&rotate, &json!({})).admin().send().await.refused(Code::InvalidField);
    }
    for unknown in ["t4_000000000001", "t4_damaged", "anything", "%00", "%20"] {
        let path = format!("/admin/api_keys/{unknown}");
        app.delete(&path).admin().send().await.refused(Code::KeyNotFound);
    }
}

#[actix_web::test]
async fn static_keys_work_with_the_default_scopes_and_are_named_by_their_id() {
    let mut setup = Setup::new();
    setup.options.static_keys = vec!["a-static-key-of-the-configuration".to_owned(), "short".to_owned()];
    let app = setup.start().await;
    app.skip_rows().await;
    for key in ["a-static-key-of-the-configuration", "short"] {
        app.post("/intents", &json!({ "code": "A" })).key(key).send().await.ok(201);
        let row = app.one_row().await;
        assert!(row.api_key.starts_with("t4_x") && row.api_key.len() == 15, "{}", row.api_key);
        assert_eq!(row.agent, format!("static-{}", row.api_key));
    }
    app.get("/intents").key("another-static-key-of-nobody").send().await.refused(Code::InvalidKey);
    assert_eq!(app.get("/admin/api_keys").admin().send().await.ok(200), json!([]));
    let mut reachable = Setup::new();
    reachable.options.static_keys = vec!["short".to_owned()];
    reachable.options.loopback = false;
    assert!(reachable.refused().await.contains("API_TOKENS"));
}

#[actix_web::test]
async fn an_admin_token_in_the_query_works_is_deprecated_and_is_never_recorded() {
    let app = TestApp::new().await;
    for query in [format!("admin_token={ADMIN}"), format!("limit=5&admin%5Ftoken={ADMIN}&x=1")] {
        let answer = app.get(&format!("/admin/api_keys?{query}")).send().await;
        answer.ok(200);
        assert_eq!(answer.told("deprecation"), "@1762387200");
        let row = app.one_row().await;
        assert_eq!((row.actor.as_str(), row.status), ("admin", 200));
        assert!(row.path.contains("=[redacted]"), "{}", row.path);
    }
    let wrong = app.get("/admin/api_keys?admin_token=guess-of-a-token").send().await;
    wrong.refused(Code::InvalidAdminToken);
    assert_eq!(wrong.told("deprecation"), "@1762387200");
    let header = app.get("/admin/api_keys").admin().send().await;
    assert_eq!(header.header("deprecation"), None);
    app.skip_rows().await;
    let rows = app.dump("audit_log");
    assert!(!rows.contains(ADMIN) && !rows.contains("guess-of-a-token"));
}

#[actix_web::test]
async fn an_agent_may_not_be_named_like_a_key_because_its_name_is_logged() {
    let app = TestApp::new().await;
    let key = app.key("agent").await;
    let body = json!({ "agent_id": key.text });
    app.post("/admin/api_keys", &body).admin().send().await.refused(Code::InvalidField);
}
