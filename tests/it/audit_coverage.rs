//! Exactly one row for every request but the probes, with what it was about.

use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use api_types::Code;
use rate_limit::Limit;
use serde_json::json;

use crate::support::routes::{ROUTES, RouteCase, World};
use crate::support::{Answer, Row, Setup};

fn probe(route: &RouteCase) -> bool {
    route.guard == "probe"
}

/// What a row must say of an answer.
fn expected(answer: &Answer, method: &str, route: &str, path: &str, who: (&str, &str, &str)) -> Row {
    let (actor, api_key, agent) = who;
    Row {
        event: "request".to_owned(),
        request_id: answer.request_id().to_owned(),
        actor: actor.to_owned(),
        api_key: api_key.to_owned(),
        agent: agent.to_owned(),
        ip: "192.0.2.1".to_owned(),
        method: method.to_owned(),
        route: route.to_owned(),
        path: path.to_owned(),
        status: i64::from(answer.status),
        outcome: answer.code(),
        count: 1,
        ..Row::default()
    }
}

/// The row without what differs from request to request.
fn plain(row: Row) -> Row {
    // What the ledger says of money, and what a change says of what it stored, has tests of its own.
    let told = row.route.starts_with("/llm/") || row.detail.starts_with("{\"stored\":");
    let detail = if told { String::new() } else { row.detail };
    Row { id: 0, body: String::new(), detail, ..row }
}

const NOBODY: (&str, &str, &str) = ("anonymous", "", "");
const ADMIN: (&str, &str, &str) = ("admin", "", "");

#[actix_web::test]
async fn every_success_leaves_one_row_that_says_who_and_what() {
    for route in ROUTES.iter().filter(|route| !probe(route)) {
        let world = World::new().await;
        let answer = route.allowed(&world).send().await;
        assert_eq!(answer.status, route.success, "{}", answer.text());
        let row = world.app.one_row().await;
        let who = match route.guard {
            "admin" | "metrics" => ADMIN,
            "public" => NOBODY,
            _ => ("agent", world.alice.id.as_str(), "alice"),
        };
        let path = route.path(&world);
        let mut told = expected(&answer, route.method, route.template, &path, who);
        if route.authorises() {
            (told.status, told.outcome) = (202, "authorised".to_owned());
        }
        assert_eq!(plain(row), told);
    }
}

#[actix_web::test]
async fn every_refusal_of_a_stranger_leaves_one_row() {
    for route in ROUTES.iter().filter(|route| !probe(route) && route.guard != "public") {
        let world = World::new().await;
        let answer = route.call(&world).send().await;
        answer.refused(Code::MissingCredentials);
        let row = world.app.one_row().await;
        let path = route.path(&world);
        assert_eq!(plain(row), expected(&answer, route.method, route.template, &path, NOBODY));
    }
}

#[actix_web::test]
async fn a_public_page_over_its_limit_leaves_one_row() {
    for route in ROUTES.iter().filter(|route| route.guard == "public") {
        let world = World::new().await;
        for _ in 0..600 {
            assert!(
                world
                    .app
                    .services
                    .auth
                    .limiter
                    .check("ip:192.0.2.0/24", Limit::per_minute(600))
                    .await
                    .admitted
            );
        }
        let answer = route.call(&world).send().await;
        answer.refused(Code::RateLimited);
        let row = world.app.one_row().await;
        let path = route.path(&world);
        assert_eq!(plain(row), expected(&answer, route.method, route.template, &path, NOBODY));
    }
}

#[actix_web::test]
async fn requests_without_credentials_have_a_row_or_are_in_a_count_whatever_their_outcome() {
    let world = World::new().await;
    let mut sent = 0;
    for round in 0..5 {
        for route in ROUTES.iter().filter(|route| !probe(route)) {
            route.call(&world).send().await;
            world.app.get(&format!("/nowhere/{round}")).send().await;
            sent += 2;
        }
    }
    control_plane::jobs::flush_refusals(&world.app.services, world.app.services.clock.now(), true);
    let rows = world.app.new_rows().await;
    let single = rows.iter().filter(|row| row.actor == "anonymous").count();
    assert_eq!((single, rows.len()), (10, 11), "ten rows a minute and network, and one with the counts");
    assert_eq!(rows.iter().map(|row| row.count).sum::<i64>(), sent);
    let counts = rows.last().expect("a row");
    assert_eq!((counts.event.as_str(), counts.actor.as_str()), ("anonymous", "system"));
    for told in
        [r#""network":"192.0.2.0/24""#, r#""ok":"#, r#""missing_credentials":"#, r#""route_not_found":"#]
    {
        assert!(counts.detail.contains(told), "{told}: {}", counts.detail);
    }
}

#[actix_web::test]
async fn an_agent_that_is_refused_for_its_scope_is_named_in_the_row() {
    for route in ROUTES.iter().filter(|route| route.scope().is_some()) {
        let world = World::new().await;
        let none = world.app.key_with(json!({ "agent_id": "none", "scopes": "" })).await;
        world.app.skip_rows().await;
        let answer = route.call(&world).key(&none.text).send().await;
        answer.refused(Code::MissingScope);
        let row = world.app.one_row().await;
        let (path, who) = (route.path(&world), ("agent", none.id.as_str(), "none"));
        assert_eq!(plain(row), expected(&answer, route.method, route.template, &path, who));
    }
}

#[actix_web::test]
async fn probes_leave_no_row() {
    let world = World::new().await;
    for route in ROUTES.iter().filter(|route| probe(route)) {
        route.call(&world).send().await.ok(200);
        let path = route.path(&world);
        world.app.call("HEAD", &path).send().await;
        world.app.call("POST", &path).send().await.refused(Code::MethodNotAllowed);
    }
    assert_eq!(world.app.new_rows().await, []);
}

#[actix_web::test]
async fn what_the_framework_refuses_leaves_one_row() {
    let world = World::new().await;
    let (app, key) = (&world.app, world.alice.text.as_str());
    let alice = ("agent", world.alice.id.as_str(), "alice");

    let answer = app.get("/nowhere?x=1").send().await;
    answer.refused(Code::RouteNotFound);
    assert_eq!(plain(app.one_row().await), expected(&answer, "GET", "-", "/nowhere?x=1", NOBODY));

    let answer = app.call("PUT", "/intents/alice-1").key(key).send().await;
    answer.refused(Code::MethodNotAllowed);
    assert_eq!(
        plain(app.one_row().await),
        expected(&answer, "PUT", "/intents/{id}", "/intents/alice-1", NOBODY)
    );

    let large = vec![b' '; 1024 * 1024 + 1];
    for (call, code) in [
        (app.call("POST", "/intents").key(key).body(large), Code::BodyTooLarge),
        (app.call("POST", "/intents").key(key).typed("text/plain", "{}"), Code::UnsupportedMediaType),
        (app.call("POST", "/intents").key(key).body("{"), Code::MalformedJson),
        (app.call("POST", "/intents").key(key).body("{}"), Code::InvalidBody),
    ] {
        let answer = call.send().await;
        answer.refused(code);
        let row = app.one_row().await;
        // A body that was read leaves its digest, whatever it was.
        assert_eq!(plain(row), expected(&answer, "POST", "/intents", "/intents", alice));
    }
}

#[actix_web::test]
async fn every_refusal_of_a_use_case_leaves_one_row() {
    let world = World::new().await;
    let (app, alice, mallory) = (&world.app, &world.alice, &world.mallory);
    let calls = [
        (app.get("/intents/none").key(&alice.text), alice, "/intents/{id}", Code::IntentNotFound),
        (app.get("/intents?limit=0").key(&alice.text), alice, "/intents", Code::InvalidQuery),
        (app.get("/intents?cursor=00").key(&alice.text), alice, "/intents", Code::InvalidCursor),
        (
            app.post("/intents", &json!({ "id": "alice-1", "code": "X" })).key(&mallory.text),
            mallory,
            "/intents",
            Code::IntentExists,
        ),
        (
            app.post("/intents", &json!({ "code": "X", "agent_id": "alice" })).key(&mallory.text),
            mallory,
            "/intents",
            Code::IdentityMismatch,
        ),
        (
            app.post("/intents/batch", &json!({ "intents": [] })).key(&alice.text),
            alice,
            "/intents/batch",
            Code::InvalidField,
        ),
        (
            app.post("/intents/pre_pr_check", &json!({ "files": [""] })).key(&alice.text),
            alice,
            "/intents/pre_pr_check",
            Code::InvalidField,
        ),
        (
            app.patch("/intents/alice-1", &json!({ "status": "planned" })).key(&alice.text),
            alice,
            "/intents/{id}",
            Code::OwnerAndTicketRequired,
        ),
        (
            app.patch("/intents/alice-1", &json!({})).key(&mallory.text),
            mallory,
            "/intents/{id}",
            Code::NotYours,
        ),
        (
            app.patch("/intents/alice-1", &json!({})).key(&alice.text).header("If-Match", "\"7\""),
            alice,
            "/intents/{id}",
            Code::VersionMismatch,
        ),
    ];
    for (call, who, route, code) in calls {
        let answer = call.send().await;
        answer.refused(code);
        let row = app.one_row().await;
        let path = row.path.clone();
        let who = ("agent", who.id.as_str(), who.agent.as_str());
        let method = row.method.clone();
        assert_eq!(plain(row), expected(&answer, &method, route, &path, who));
    }
}

#[actix_web::test]
async fn every_refusal_of_an_admins_use_case_leaves_one_row() {
    let world = World::new().await;
    let app = &world.app;
    let calls = [
        (app.delete("/intents/none"), "/intents/{id}", Code::IntentNotFound),
        (app.delete("/admin/api_keys/t4_000000000009"), "/admin/api_keys/{key}", Code::KeyNotFound),
        (
            app.patch("/admin/api_keys/t4_000000000009", &json!({})),
            "/admin/api_keys/{key}",
            Code::KeyNotFound,
        ),
        (
            app.post("/admin/api_keys/t4_000000000009/rotate", &json!({})),
            "/admin/api_keys/{key}/rotate",
            Code::KeyNotFound,
        ),
        (app.post("/admin/api_keys", &json!({ "agent_id": "" })), "/admin/api_keys", Code::InvalidField),
        (app.get("/admin/audit?status=99"), "/admin/audit", Code::InvalidQuery),
        (app.get("/admin/api_keys?cursor=00"), "/admin/api_keys", Code::InvalidCursor),
    ];
    for (call, route, code) in calls {
        let answer = call.admin().send().await;
        answer.refused(code);
        let row = app.one_row().await;
        assert_eq!((row.route.as_str(), row.outcome.as_str()), (route, code.as_str()));
        assert_eq!((row.actor.as_str(), row.status), ("admin", i64::from(answer.status)));
        assert_eq!(row.request_id, answer.request_id());
    }
}

#[actix_web::test]
async fn a_replayed_answer_leaves_a_row_of_its_own() {
    let world = World::new().await;
    let create = || world.app.post("/intents", &json!({ "code": "F401" })).key(&world.alice.text).once("one");
    let first = create().send().await;
    assert_eq!((world.app.one_row().await.request_id, first.status), (first.request_id().to_owned(), 201));
    let again = create().send().await;
    assert_eq!((world.app.one_row().await.request_id, again.status), (again.request_id().to_owned(), 201));
}

/// One look at a future.
async fn once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::future::poll_fn(|context| Poll::Ready(Pin::new(&mut *future).poll(context))).await
}

/// What comes about within ten seconds.
async fn soon<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..2_000 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it did not come about");
}

#[actix_web::test]
async fn a_caller_that_goes_away_leaves_a_row() {
    let world = World::new().await;
    let call = world.app.get("/intents").key(&world.alice.text).header("X-Request-Id", "gone");
    // The list is read on another thread, so the request still runs when it is dropped.
    let mut sending = Box::pin(call.send());
    assert!(once(&mut sending).await.is_pending());
    drop(sending);
    let row = world.app.one_row().await;
    assert_eq!((row.request_id.as_str(), row.status, row.outcome.as_str()), ("gone", 499, "client_gone"));
}

#[actix_web::test]
async fn a_caller_that_goes_away_while_its_change_waits_leaves_one_row_and_no_change() {
    let world = World::new().await;
    let lock = world.app.outside();
    lock.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let create = |id: &'static str| {
        let call = world.app.post("/intents", &json!({ "id": id, "code": "F401" })).key(&world.alice.text);
        Box::pin(call.header("X-Request-Id", id).send())
    };
    let mut stays = create("stays");
    assert!(once(&mut stays).await.is_pending());
    // The writer has taken it and waits for the lock; what comes now waits for the writer.
    soon(async || (world.app.services.store.stats().queue_depth == 0).then_some(())).await;
    let mut leaves = create("leaves");
    assert!(once(&mut leaves).await.is_pending());
    drop(leaves);
    lock.execute_batch("ROLLBACK").expect("the lock is free");
    stays.await.ok(201);
    let mut rows = Vec::new();
    soon(async || {
        rows.extend(world.app.new_rows().await);
        (rows.len() >= 2).then_some(())
    })
    .await;
    let told: Vec<_> = rows.iter().map(|row| (row.request_id.as_str(), row.status)).collect();
    assert_eq!(told, [("stays", 201), ("leaves", 499)]);
    assert_eq!(world.app.count("SELECT count(*) FROM intents WHERE id = 'leaves'"), 0);
}

#[actix_web::test]
async fn in_strict_mode_the_row_is_durable_before_the_answer() {
    let mut setup = Setup::new();
    setup.options.audit = control_plane::AuditMode::Strict;
    let app = setup.start().await;
    let sql = "SELECT count(*) FROM audit_log WHERE outcome = 'missing_credentials'";
    for request in 1..=3 {
        app.get("/intents").send().await.refused(Code::MissingCredentials);
        // Nothing was flushed here.
        assert_eq!(app.count(sql), request);
    }
}

#[actix_web::test]
async fn bodies_are_kept_redacted_and_bounded() {
    let world = World::new().await;
    let (app, key) = (&world.app, world.alice.text.as_str());
    app.post("/intents", &json!({ "code": "A", "raw": { "password": "hunter2", "n": 1 } }))
        .key(key)
        .send()
        .await;
    assert_eq!(app.one_row().await.body, r#"{"code":"A","raw":{"n":1,"password":"[redacted]"}}"#);
    app.post("/intents", &json!({ "code": "A", "reason": "x".repeat(9000) })).key(key).send().await.ok(201);
    let row = app.one_row().await;
    assert_eq!((row.body.as_str(), row.outcome.as_str()), ("", "ok"));
    let sql = "SELECT count(*) FROM audit_log WHERE body_sha256 IS NOT NULL AND body IS NULL AND route = '/intents'";
    assert_eq!(app.count(sql), 1);
    let path = format!("/intents/{}", "p".repeat(4000));
    app.get(&path).key(key).send().await.refused(Code::IntentNotFound);
    assert_eq!(app.one_row().await.path.len(), 1024);
}

#[actix_web::test]
async fn bodies_below_llm_leave_their_digest_alone_unless_the_operator_keeps_prompts() {
    for keep in [false, true] {
        let mut setup = Setup::new();
        setup.options.llm.keep_prompts = keep;
        let world = World::on(setup.start().await).await;
        for route in ROUTES.iter().filter(|r| r.template.starts_with("/llm/") && r.method == "POST") {
            route.allowed(&world).send().await;
            let row = world.app.one_row().await;
            let what = format!("{} {}", route.template, row.body);
            assert_eq!(row.body.is_empty(), !keep, "{what}");
            let sql = format!(
                "SELECT body_bytes > 0 AND length(body_sha256) = 64 FROM audit_log WHERE id = {}",
                row.id
            );
            assert_eq!(world.app.count(&sql), 1, "{what}");
        }
    }
}
