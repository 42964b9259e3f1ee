//! Every route against every kind of caller. The routes come from the OpenAPI document: one that is not in the table
//! of `support/routes.rs`, or is there with another guard, fails.

use std::collections::BTreeSet;

use api_keys::{Pepper, derive_secret};
use api_types::Code;
use registry_core::KeyId;
use serde_json::json;

use crate::support::routes::{ROUTES, RouteCase, World};
use crate::support::{ADMIN, Call, Key, Setup};

/// A well-formed key with this id whose secret the registry does not know.
fn forged(id: &str) -> String {
    let other = Pepper::from_text("the pepper of somebody else: 32 c").expect("a pepper");
    let key = derive_secret(&other, &KeyId::from_stored(id.to_owned()), &[9; 16]).expect("a key");
    key.expose().to_owned()
}

/// The key with another last character: its checksum no longer fits.
fn mistyped(key: &Key) -> String {
    let mut text = key.text.clone();
    let last = text.pop().expect("a key");
    text.push(if last == '0' { '1' } else { '0' });
    text
}

/// Everything that a refused caller must leave as it is.
fn state(world: &World) -> String {
    format!("{}{}", world.app.dump("intents"), world.app.dump("api_keys"))
}

/// Sends a call that must be refused without a trace in the data, and before its body is read.
async fn refuse<'w>(
    world: &'w World,
    route: &RouteCase,
    who: &str,
    code: Code,
    as_caller: impl Fn(Call<'w>) -> Call<'w>,
) {
    let before = state(world);
    for call in [route.call(world), route.unreadable(world)] {
        let answer = as_caller(call).send().await;
        let got = (answer.status, answer.code());
        let context = format!("{} {} as {who}: {}", route.method, route.template, answer.text());
        assert_eq!(got, (code.status(), code.as_str().to_owned()), "{context}");
    }
    assert!(state(world) == before, "{} {} as {who} changed something", route.method, route.template);
}

#[test]
fn every_route_of_the_document_is_in_the_table_with_its_guard() {
    let document = http_api::document();
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let guard = operation["x-t4-guard"].as_str().expect("a guard").to_owned();
            documented.insert((method.to_ascii_uppercase(), path.clone(), guard));
        }
    }
    let listed =
        |route: &RouteCase| (route.method.to_owned(), route.template.to_owned(), route.guard.to_owned());
    assert_eq!(documented, ROUTES.iter().map(listed).collect());
}

#[test]
fn nothing_but_these_routes_is_public() {
    let open = |route: &&RouteCase| !matches!(route.guard.split(' ').next(), Some("agent" | "admin"));
    let public: Vec<_> = ROUTES.iter().filter(open).map(|route| route.template).collect();
    let expected = ["/health", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/docs/{file}"];
    assert_eq!(public, expected);
}

#[actix_web::test]
async fn the_right_caller_gets_through_on_every_route() {
    for route in &ROUTES {
        let world = World::new().await;
        let answer = route.allowed(&world).send().await;
        let text = format!("{} {}: {}", route.method, route.template, answer.text());
        assert_eq!(answer.status, route.success, "{text}");
    }
}

#[actix_web::test]
async fn public_routes_take_no_notice_of_credentials() {
    for route in ROUTES.iter().filter(|route| ["probe", "public"].contains(&route.guard)) {
        let world = World::new().await;
        for key in ["", "t4_damaged", &forged("t4_000000000001"), &world.alice.text] {
            let answer = route.call(&world).key(key).header("X-T4-Admin-Token", "wrong").send().await;
            assert_eq!(answer.status, 200, "{}", route.template);
        }
    }
}

#[actix_web::test]
async fn agent_routes_refuse_everybody_but_a_good_key_with_the_scope() {
    let all = ["intents:read", "intents:write", "intents:any", "llm:call", "plans:read", "policy:write"];
    for route in &ROUTES {
        let Some(scope) = route.scope() else { continue };
        let world = World::new().await;
        let app = &world.app;
        let others: Vec<_> = all.iter().filter(|other| **other != scope).collect();
        let wrong = app.key_with(json!({ "agent_id": "alice", "scopes": others })).await;
        let none = app.key_with(json!({ "agent_id": "alice", "scopes": [] })).await;
        let just = app.key_with(json!({ "agent_id": "alice", "scopes": [scope] })).await;
        let short = app.key_with(json!({ "agent_id": "alice", "expires_in_days": 1 })).await;
        app.delete(&format!("/admin/api_keys/{}", world.victim.id)).admin().send().await.ok(200);
        let endless = format!("t4_{}", "0".repeat(700));

        refuse(&world, route, "nobody", Code::MissingCredentials, |call| call).await;
        let keys = [
            ("a damaged key", "t4_damaged", Code::MalformedKey),
            ("an endless key", &endless, Code::MalformedKey),
            ("a mistyped key", &mistyped(&world.alice), Code::MalformedKey),
            ("a stranger", &forged("t4_000000000001"), Code::InvalidKey),
            ("a stranger with alice's key id", &forged(&world.alice.id), Code::InvalidKey),
            ("a word", "a-key-of-another-system", Code::InvalidKey),
            ("the admin's token as a key", ADMIN, Code::InvalidKey),
            ("the key id alone", &world.alice.id, Code::MalformedKey),
            ("a revoked key", &world.victim.text, Code::RevokedKey),
            ("a key of other scopes", &wrong.text, Code::MissingScope),
            ("a key without scopes", &none.text, Code::MissingScope),
        ];
        for (index, (who, key, code)) in keys.into_iter().enumerate() {
            // Each comes from an address of its own, or the limit of failures would answer.
            let from = format!("192.0.2.{}", index + 10);
            refuse(&world, route, who, code, |call| call.from(&from).key(key)).await;
        }
        let code = Code::MissingCredentials;
        refuse(&world, route, "the admin", code, |call| call.from("192.0.2.8").admin()).await;
        refuse(&world, route, "the admin as a bearer", Code::InvalidKey, |call| {
            call.from("192.0.2.9").header("Authorization", &format!("Bearer {ADMIN}"))
        })
        .await;

        app.days(1);
        refuse(&world, route, "an expired key", Code::ExpiredKey, |call| {
            call.from("192.0.2.7").key(&short.text)
        })
        .await;
        let answer = route.call(&world).key(&just.text).send().await;
        // A hold is its key's alone; everything else is there for every key with the scope.
        let of_the_key = route.template.starts_with("/llm/holds/");
        let expected = if of_the_key { Code::HoldNotFound.status() } else { route.success };
        assert_eq!(answer.status, expected, "{}: the one scope is enough", route.template);
    }
}

#[actix_web::test]
async fn an_intent_of_another_agent_and_owner_is_refused() {
    let world = World::new().await;
    let app = &world.app;
    let before = state(&world);
    let patch = json!({ "reason": "mine now" });
    app.patch("/intents/alice-1", &patch).key(&world.mallory.text).send().await.refused(Code::NotYours);
    assert_eq!(state(&world), before);
    // Reading is free to all who may read.
    app.get("/intents/alice-1").key(&world.mallory.text).send().await.ok(200);
    // The same owner, and the scope for all intents, pass.
    let mate = app.key_with(json!({ "agent_id": "mate", "owner": "team-a" })).await;
    app.patch("/intents/alice-1", &patch).key(&mate.text).send().await.ok(200);
    let any = app.key_with(json!({ "agent_id": "any", "scopes": "intents:write intents:any" })).await;
    app.patch("/intents/alice-1", &patch).key(&any.text).send().await.ok(200);
    // An owner that neither of them has is no common owner.
    app.post("/intents", &json!({ "id": "free", "code": "F401" }))
        .key(&world.alice.text)
        .send()
        .await
        .ok(201);
    let alone = app.key("alone").await;
    app.patch("/intents/free", &patch).key(&alone.text).send().await.refused(Code::NotYours);
}

#[actix_web::test]
async fn admin_routes_refuse_everybody_but_the_admin() {
    for route in ROUTES.iter().filter(|route| ["admin", "metrics"].contains(&route.guard)) {
        let world = World::new().await;
        let all = world.app.key_with(json!({ "agent_id": "alice", "scopes": "*" })).await;
        refuse(&world, route, "nobody", Code::MissingCredentials, |call| call).await;
        refuse(&world, route, "an agent", Code::MissingCredentials, |call| {
            call.from("192.0.2.2").key(&all.text)
        })
        .await;
        let longer = format!("{ADMIN}x");
        let tokens = [
            ("a guess", "guess"),
            ("the token cut short", ADMIN.split_at(ADMIN.len() - 1).0),
            ("the token and more", &longer),
            ("an agent's key as the token", &all.text),
        ];
        for (index, (who, token)) in tokens.into_iter().enumerate() {
            let from = format!("192.0.2.{}", index + 10);
            let bearer = format!("Bearer {token}");
            for (name, value) in [("X-T4-Admin-Token", token), ("Authorization", &bearer)] {
                refuse(&world, route, who, Code::InvalidAdminToken, |call| {
                    call.from(&from).header(name, value)
                })
                .await;
            }
        }
        let path = route.path(&world);
        let query = format!("{path}{}admin_token=guess", if path.contains('?') { '&' } else { '?' });
        let answer = world.app.call(route.method, &query).send().await;
        answer.refused(Code::InvalidAdminToken);
    }
}

#[actix_web::test]
async fn a_head_needs_the_rights_of_its_get() {
    for route in ROUTES.iter().filter(|route| route.method == "GET") {
        let world = World::new().await;
        let path = route.path(&world);
        let head = || world.app.call("HEAD", &path);
        let expected = if ["probe", "public"].contains(&route.guard) { 200 } else { 401 };
        assert_eq!(head().send().await.status, expected, "{}", route.template);
        let allowed = head().key(&world.alice.text).admin().send().await;
        assert_eq!(allowed.status, 200, "{}", route.template);
    }
}

#[actix_web::test]
async fn a_credential_is_taken_from_each_of_its_headers() {
    let world = World::new().await;
    let key = &world.alice.text;
    for (name, value) in [
        ("X-T4-API-KEY", key.clone()),
        ("X-API-Key", key.clone()),
        ("Authorization", format!("Bearer {key}")),
        ("authorization", format!("bearer  {key}")),
    ] {
        world.app.get("/intents").header(name, &value).send().await.ok(200);
    }
    let basic = world.app.get("/intents").header("Authorization", &format!("Basic {key}")).send().await;
    basic.refused(Code::MissingCredentials);
    for (name, value) in
        [("X-T4-Admin-Token", ADMIN.to_owned()), ("Authorization", format!("Bearer {ADMIN}"))]
    {
        world.app.get("/admin/api_keys").header(name, &value).send().await.ok(200);
    }
}

#[actix_web::test]
async fn metrics_are_open_on_this_machine_alone_unless_the_operator_says_so() {
    let world = World::new().await;
    let metrics = || world.app.get("/metrics");
    metrics().send().await.refused(Code::MissingCredentials);
    metrics().key(&world.alice.text).send().await.refused(Code::MissingCredentials);
    assert_eq!(metrics().admin().send().await.status, 200);
    for here in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"] {
        assert_eq!(metrics().from(here).send().await.status, 200, "{here}");
    }
    for header in ["X-Forwarded-For", "Forwarded", "X-Real-IP"] {
        let proxied = metrics().from("127.0.0.1").header(header, "127.0.0.1").send().await;
        proxied.refused(Code::MissingCredentials);
    }
    let mut setup = Setup::new();
    setup.settings.metrics_public = true;
    assert_eq!(setup.start().await.get("/metrics").send().await.status, 200);
}
