//! A key in time: expiry, rotation with overlap, keys of the original service. And the admin token's hash.

use api_types::Code;
use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};
use instance::AdminSource;
use registry_core::{Clock as _, Timestamp};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{ADMIN, Key, Setup, TestApp};

async fn works(app: &TestApp, key: &str) -> bool {
    match app.get("/intents").key(key).send().await {
        answer if answer.status == 200 => true,
        answer => {
            answer.refused(Code::InvalidKey);
            false
        }
    }
}

async fn rotate(app: &TestApp, key: &Key, overlap: Value) -> Key {
    let path = format!("/admin/api_keys/{}/rotate", key.id);
    let rotated = app.post(&path, &json!({ "overlap_seconds": overlap })).admin().send().await.ok(200);
    let rotated = Key::of(&rotated);
    assert_eq!((&rotated.id, &rotated.agent), (&key.id, &key.agent));
    assert_ne!(rotated.text, key.text);
    rotated
}

#[actix_web::test]
async fn a_key_expires_at_its_second() {
    let app = TestApp::new().await;
    let key = app.key_with(json!({ "agent_id": "a", "expires_in_days": 2 })).await;
    app.clock.advance_micros(2 * 86_400_000_000 - 1);
    assert!(works(&app, &key.text).await);
    app.clock.advance_micros(1);
    app.get("/intents").key(&key.text).send().await.refused(Code::ExpiredKey);
}

#[actix_web::test]
async fn a_clock_that_jumps_back_breaks_nothing() {
    let app = TestApp::new().await;
    let key = app.key("a").await;
    app.post("/intents", &json!({ "id": "i", "code": "A" })).key(&key.text).send().await.ok(201);
    app.clock.set_wall(Timestamp::parse("2020-01-01T00:00:00Z").expect("a time"));
    assert!(works(&app, &key.text).await);
    let patched =
        app.patch("/intents/i", &json!({ "status": "accepted" })).key(&key.text).send().await.ok(200);
    let intent = &patched["intent"];
    assert_eq!(
        (&intent["modified_at"], &intent["resolved_at"]),
        (&intent["created_at"], &intent["created_at"])
    );
    let verdict = app.get("/admin/audit/verify").admin().send().await.ok(200);
    assert_eq!(verdict["ok"], true);
}

#[actix_web::test]
async fn a_rotated_secret_lives_until_the_overlap_ends() {
    let app = TestApp::new().await;
    let first = app.key("a").await;
    assert!(works(&app, &first.text).await);
    let second = rotate(&app, &first, json!(600)).await;
    for key in [&first, &second] {
        assert!(works(&app, &key.text).await);
    }
    app.clock.advance_micros(600_000_000 - 1);
    assert!(works(&app, &first.text).await);
    app.clock.advance_micros(1);
    assert!(!works(&app, &first.text).await);
    assert!(works(&app, &second.text).await);
    // Without overlap the old one ends at once, and so does one from an earlier rotation.
    let third = rotate(&app, &second, json!(600)).await;
    let fourth = rotate(&app, &third, json!(null)).await;
    for (key, good) in [(&second, false), (&third, false), (&fourth, true)] {
        assert_eq!(works(&app, &key.text).await, good);
    }
    let path = format!("/admin/api_keys/{}/rotate", first.id);
    for overlap in [json!(-1), json!(2_592_001), json!(i64::MAX)] {
        let body = json!({ "overlap_seconds": overlap });
        app.post(&path, &body).admin().send().await.refused(Code::InvalidField);
    }
    // A body may be left out.
    app.call("POST", &path).admin().send().await.ok(200);
    assert!(!works(&app, &fourth.text).await);
}

#[actix_web::test]
async fn the_same_idempotency_key_gives_the_same_secret() {
    let app = TestApp::new().await;
    let create = |agent: &str| app.post("/admin/api_keys", &json!({ "agent_id": agent })).admin().once("one");
    let (first, again) = (create("a").send().await.ok(201), create("a").send().await.ok(201));
    assert_eq!(first, again);
    create("b").send().await.refused(Code::IdempotencyKeyReused);
    assert_eq!(app.count("SELECT count(*) FROM api_keys"), 1);

    let key = Key::of(&first);
    let path = format!("/admin/api_keys/{}/rotate", key.id);
    let rotate = |seconds: u32| app.post(&path, &json!({ "overlap_seconds": seconds })).admin().once("two");
    let (first, again) = (rotate(60).send().await.ok(200), rotate(60).send().await.ok(200));
    assert_eq!(first, again);
    assert!(works(&app, &Key::of(&again).text).await);
    assert!(works(&app, &key.text).await, "the repeat did not end the overlap");
    rotate(61).send().await.refused(Code::IdempotencyKeyReused);
}

/// A file as the original service wrote it, with one key in clear.
fn original(path: &std::path::Path, key: &str) {
    let conn = Connection::open(path).expect("a file");
    conn.execute_batch(
        "CREATE TABLE intents (id TEXT PRIMARY KEY, code TEXT, type TEXT, file TEXT, line INTEGER, \
             import_text TEXT, reason_category TEXT, reason TEXT, suggestion TEXT, owner TEXT, ticket TEXT, \
             eta TEXT, status TEXT, created_at TEXT, modified_at TEXT, resolved_at TEXT, raw JSON);
         CREATE TABLE api_keys (key TEXT PRIMARY KEY, agent_id TEXT, owner TEXT, scopes TEXT, created_at TEXT, \
             expires_at TEXT, revoked INTEGER DEFAULT 0, daily_limit REAL DEFAULT 100.0, \
             daily_used REAL DEFAULT 0.0);
         CREATE TABLE audit_log (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT, api_key TEXT, \
             agent_id TEXT, path TEXT, method TEXT, status_code INTEGER, ip TEXT, body JSON);
         CREATE TABLE llm_usage (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT, api_key TEXT, \
             agent_id TEXT, model TEXT, prompt_tokens INTEGER, completion_tokens INTEGER, est_cost REAL);
         INSERT INTO intents (id, code, file, line, status, created_at, modified_at) VALUES \
             ('old-1', 'F821', 'src/a.py', 3, 'planned', '2025-01-01T00:00:00', '2025-01-01T00:00:00'), \
             ('old-2', 'F401', 'src/a.py', 4, 'wip', '2025-01-01T00:00:00', '2025-01-01T00:00:00');",
    )
    .expect("the original's schema");
    let insert = "INSERT INTO api_keys (key, agent_id, owner, scopes, created_at) \
                  VALUES (?1, 'old-agent', 'old-team', NULL, '2025-01-01T00:00:00')";
    conn.execute(insert, [key]).expect("a key");
    let row = "INSERT INTO audit_log (timestamp, api_key, agent_id, path, method, status_code, ip, body) \
               VALUES ('2025-01-01T00:00:00', ?1, 'old-agent', '/intents', 'POST', 200, '127.0.0.1', '{}')";
    conn.execute(row, [key]).expect("a row");
}

#[actix_web::test]
async fn a_key_of_the_original_service_works_rotates_and_is_nowhere_in_clear() {
    let old = "Zk3-_v0bq8nYI1xJt9Rr7mS5dQwE2aUcHfLgPoKiNjB";
    let setup = Setup::new();
    original(setup.db(), old);
    let app = setup.start().await;
    assert!(works(&app, old).await);
    let listed = app.get("/admin/api_keys").admin().send().await.ok(200);
    let id = listed[0]["key_id"].as_str().expect("an id").to_owned();
    assert!(id.starts_with("t4_x") && id.len() == 15, "{id}");
    assert_eq!((&listed[0]["agent_id"], &listed[0]["owner"]), (&"old-agent".into(), &"old-team".into()));
    assert_eq!(listed[0]["scopes"].as_array().map(Vec::len), Some(6));
    for table in ["api_keys", "audit_log"] {
        assert!(!app.dump(table).contains(old), "{table}");
    }
    // The intents are there; an unknown status keeps its text and counts as reserved.
    let wip = app.get("/intents/old-2").key(old).send().await.ok(200);
    assert_eq!(wip["status"], "wip");
    let taken = json!({ "status": "planned", "owner": "old-team", "ticket": "X-1" });
    app.patch("/intents/old-2", &taken).key(old).send().await.refused(Code::NotYours);
    app.patch("/intents/old-2", &json!({})).key(old).send().await.refused(Code::NotYours);
    let any = app.key_with(json!({ "agent_id": "any", "scopes": "*" })).await;
    let moved = app.patch("/intents/old-2", &taken).key(&any.text).send().await.ok(200);
    assert_eq!(moved["intent"]["status"], "planned");
    // The whole old key names it as well, and it can be rotated into one of the native form.
    let key = Key { text: old.to_owned(), id, agent: "old-agent".to_owned() };
    let fresh = rotate(&app, &key, json!(60)).await;
    assert!(works(&app, old).await && works(&app, &fresh.text).await);
    app.seconds(60);
    assert!(!works(&app, old).await && works(&app, &fresh.text).await);
    app.delete(&format!("/admin/api_keys/{old}")).admin().send().await.ok(200);
    app.get("/intents").key(&fresh.text).send().await.refused(Code::RevokedKey);
    assert_eq!(app.get("/admin/audit/verify").admin().send().await.ok(200)["ok"], true);
}

/// The hash of [`ADMIN`], made cheaply: the test is not about its cost.
fn admin_hash() -> String {
    let params = Params::new(64, 1, 1, None).expect("a cost");
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_with_salt(ADMIN.as_bytes(), b"salt of the tests").expect("a hash").to_string()
}

#[actix_web::test]
async fn the_admin_token_may_be_known_by_its_hash_alone() {
    let mut setup = Setup::new();
    setup.options.admin = AdminSource::Hash(admin_hash());
    let app = setup.start().await;
    let list = |token: &'static str| app.get("/admin/api_keys").header("X-T4-Admin-Token", token).send();
    list("guess").await.refused(Code::InvalidAdminToken);
    for _ in 0..3 {
        list(ADMIN).await.ok(200);
    }
    let hash = admin_hash();
    app.get("/admin/api_keys")
        .header("X-T4-Admin-Token", &hash)
        .send()
        .await
        .refused(Code::InvalidAdminToken);
}

#[actix_web::test]
async fn the_well_known_admin_token_is_refused_where_others_can_reach_it() {
    let mut setup = Setup::new();
    setup.options.admin = AdminSource::Token("CHANGE_ME_ADMIN_TOKEN".to_owned());
    setup.options.loopback = false;
    assert!(setup.refused().await.contains("T4_ADMIN_TOKEN"));
}

#[actix_web::test]
async fn an_idempotency_key_is_forgotten_after_a_day() {
    let app = TestApp::new().await;
    let create = |agent: &str| app.post("/admin/api_keys", &json!({ "agent_id": agent })).admin().once("one");
    let first = Key::of(&create("a").send().await.ok(201));
    let forget = || control_plane::jobs::forget_idempotency(&app.services, app.clock.now());
    app.clock.advance_micros(86_400_000_000 - 1);
    assert_eq!(forget().await.expect("the job"), 0);
    assert_eq!(Key::of(&create("a").send().await.ok(201)).id, first.id);
    app.clock.advance_micros(2);
    assert_eq!(forget().await.expect("the job"), 1);
    assert_ne!(Key::of(&create("b").send().await.ok(201)).id, first.id);
}
