//! Bodies that no route can use: each gets the one answer that fits, on every route that takes a body, and nothing is
//! lost or written.

use api_types::Code;
use serde_json::{Value, json};

use crate::support::routes::{ROUTES, RouteCase, World};
use crate::support::{Answer, Call};

/// Routes that need a body.
fn with_body() -> impl Iterator<Item = &'static RouteCase> {
    ROUTES.iter().filter(|route| ["POST", "PATCH"].contains(&route.method))
}

fn data(world: &World) -> String {
    ["intents", "api_keys", "idempotency", "llm_accounts", "llm_holds", "llm_usage"]
        .map(|table| world.app.dump(table))
        .concat()
}

/// The right caller with another body.
async fn send(world: &World, route: &RouteCase, with: impl FnOnce(Call<'_>) -> Call<'_>) -> Answer {
    let call = world.app.call(route.method, &route.path(world));
    let call = if route.guard == "admin" { call.admin() } else { call.key(&world.alice.text) };
    with(call).send().await
}

/// The most bytes that a route takes.
fn limit(route: &RouteCase) -> usize {
    match route.template {
        "/intents/batch" | "/intents/pre_pr_check" => 8 << 20,
        "/intents" | "/intents/{id}" => 1 << 20,
        "/llm/v1/chat/completions" | "/llm/v1/embeddings" | "/llm/chat" => 16 << 20,
        template if template.starts_with("/llm/holds") => 16 << 10,
        _ => 64 << 10,
    }
}

/// Whether the body is another API's, with fields that this server need not know.
fn open(route: &RouteCase) -> bool {
    route.template.starts_with("/llm/v1/")
}

#[actix_web::test]
async fn what_is_no_json_is_400_on_every_route() {
    let deep = "[".repeat(10_000);
    let bodies: [&[u8]; 18] = [
        b"{",
        b"}",
        b"not json",
        b"{'code':'A'}",
        b"{\"code\":\"A\",}",
        b"{\"code\":\"A\"}{}",
        b"{\"code\":\"A\"} x",
        b"// comment\n{}",
        b"{\"code\":\"\\ud800\"}",
        b"{\"code\":\"\\udc00\\ud800\"}",
        b"{\"code\":\"a\nb\"}",
        b"{\"code\":\"\xff\"}",
        b"{\"code\":\"\xed\xa0\x80\"}",
        b"\xef\xbb\xbf{\"code\":\"A\"}",
        b"\xff\xfe{\x00}\x00",
        b"\0",
        b" \n\t ",
        deep.as_bytes(),
    ];
    for route in with_body() {
        let world = World::new().await;
        let before = data(&world);
        for body in bodies {
            let answer = send(&world, route, |call| call.body(body)).await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            let code = answer.code();
            // A list, or a field that the route does not know, is seen to be wrong before the end is read.
            let unfit = body == deep.as_bytes() || route.template != "/intents";
            let fits = code == "malformed_json" || (unfit && code == "invalid_body");
            assert!(fits, "{} {shown}: {}", route.template, answer.text());
        }
        assert!(data(&world) == before, "{}", route.template);
    }
}

#[actix_web::test]
async fn json_of_another_form_is_422_on_every_route() {
    for route in with_body() {
        let world = World::new().await;
        let before = data(&world);
        for body in [
            "null",
            "7",
            "true",
            "\"text\"",
            "[]",
            "[7]",
            "[null, \"F821\"]",
            r#"{"colour":"red"}"#,
            r#"{"Code":"A"}"#,
        ] {
            if open(route) && body.starts_with('{') {
                continue;
            }
            let answer = send(&world, route, |call| call.body(body)).await;
            assert_eq!(answer.code(), "invalid_body", "{} {body}: {}", route.template, answer.text());
        }
        assert!(data(&world) == before, "{}", route.template);
    }
}

#[actix_web::test]
async fn a_member_that_comes_twice_is_400_on_every_route_at_any_depth() {
    for route in with_body() {
        let world = World::new().await;
        let before = data(&world);
        for (body, member, pointer) in [
            (r#"{"model":"a","model":"b"}"#, "model", "/model"),
            (r#"{"code":"A","\u0063ode":"A"}"#, "code", "/code"),
            (r#"{"code":"A","raw":{"a":"EVIL","a":"benign"}}"#, "a", "/raw/a"),
            (
                r#"{"intents":[{"code":"A"},{"code":"A","raw":{"x/y":[{"b":1,"b":1}]}}]}"#,
                "b",
                "/intents/1/raw/x~1y/0/b",
            ),
            (r#"[{"max_tokens":1,"max_tokens":2}]"#, "max_tokens", "/0/max_tokens"),
        ] {
            let answer = send(&world, route, |call| call.body(body)).await;
            let error = answer.refused(Code::DuplicateMember);
            assert_eq!(
                error["details"],
                json!({ "member": member, "pointer": pointer }),
                "{}",
                route.template
            );
            let row = world.app.one_row().await;
            assert_eq!((row.status, row.body.as_str()), (400, ""), "{}", route.template);
        }
        assert!(data(&world) == before, "{}", route.template);
    }
}

#[actix_web::test]
async fn nothing_is_stored_of_a_body_that_was_not_read_to_its_end() {
    let world = World::new().await;
    let before = data(&world);
    for levels in 100..140 {
        let deep = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let intent = format!(r#"{{"code":"D","raw":{{"deep":{deep},"risk":"low","risk":"high"}}}}"#);
        let batch = format!(r#"{{"intents":[{intent}]}}"#);
        for (path, body) in [("/intents", &intent), ("/intents/batch", &batch)] {
            world.app.seconds(61);
            let call = world.app.call("POST", path).key(&world.alice.text);
            let answer = call.body(body.as_bytes()).send().await;
            let code = answer.code();
            assert!(
                ["duplicate_member", "invalid_body"].contains(&code.as_str()),
                "{levels}: {}",
                answer.text()
            );
        }
    }
    assert!(data(&world) == before, "a body with two readings was stored");
}

#[actix_web::test]
async fn a_body_over_the_routes_limit_is_413_whether_it_is_told_or_not() {
    for route in with_body() {
        let world = World::new().await;
        let before = data(&world);
        for bytes in [limit(route) + 1, limit(route).max(5 << 20) * 2] {
            let body = vec![b' '; bytes];
            let untold = send(&world, route, |call| call.body(body).length("1")).await;
            untold.refused(Code::BodyTooLarge);
            // Told beforehand, it is not even read.
            let length = bytes.to_string();
            let told = send(&world, route, |call| call.body("{}").length(&length)).await;
            told.refused(Code::BodyTooLarge);
        }
        // At the limit it is read, and then it is no JSON.
        let answer = send(&world, route, |call| call.body(vec![b' '; limit(route)])).await;
        answer.refused(Code::MalformedJson);
        assert!(data(&world) == before, "{}", route.template);
    }
}

#[actix_web::test]
async fn a_body_must_be_declared_as_json() {
    for route in with_body() {
        let world = World::new().await;
        let before = data(&world);
        for media in [
            "text/plain",
            "text/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/xml",
            "application/jsonx",
            "json",
            "",
            "application/octet-stream",
        ] {
            let answer = send(&world, route, |call| call.typed(media, "{}")).await;
            answer.refused(Code::UnsupportedMediaType);
        }
        send(&world, route, |call| call.untyped("{}")).await.refused(Code::UnsupportedMediaType);
        assert!(data(&world) == before, "{}", route.template);
        for media in ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"] {
            let answer = send(&world, route, |call| call.typed(media, "7")).await;
            answer.refused(Code::InvalidBody);
        }
    }
}

#[actix_web::test]
async fn no_body_is_no_json_but_where_it_may_be_left_out() {
    for route in with_body() {
        let world = World::new().await;
        for call in [send(&world, route, |call| call).await, send(&world, route, |call| call.body("")).await]
        {
            match route.template.rsplit('/').next() {
                Some("rotate") => drop(call.ok(200)),
                // The second time there is nothing left to release.
                Some("release") => assert!(["ok", "hold_not_found"].contains(&&*call.code())),
                _ => drop(call.refused(Code::MalformedJson)),
            }
        }
    }
}

#[actix_web::test]
async fn a_batch_with_one_bad_intent_creates_none_and_names_it() {
    let world = World::new().await;
    let before = data(&world);
    let good = |id: usize| json!({ "id": format!("good-{id}"), "code": "A" });
    for (bad, code) in [
        (json!({ "code": "A", "line": 0 }), Code::InvalidField),
        (json!({ "code": "" }), Code::InvalidField),
        (json!({ "code": "A", "status": "planned" }), Code::OwnerAndTicketRequired),
        (json!({ "code": "A", "agent_id": "mallory" }), Code::IdentityMismatch),
        (json!({ "id": "alice-1", "code": "A" }), Code::IntentExists),
        (json!({ "id": "good-0", "code": "A" }), Code::InvalidField),
        (json!({ "id": "stale", "code": "A" }), Code::InvalidField),
    ] {
        for place in [1, 500, 999] {
            let mut intents: Vec<Value> = (0..1000).map(good).collect();
            intents[place] = bad.clone();
            let body = json!({ "intents": intents });
            let answer =
                world.app.post("/intents/batch", &body).key(&world.alice.text).once("b").send().await;
            assert_eq!(answer.code(), code.as_str(), "{bad}: {}", answer.text());
            assert_eq!(answer.json()["error"]["details"]["index"], place, "{}", answer.text());
            world.app.outside().execute("DELETE FROM idempotency", []).expect("forgotten");
        }
        assert_eq!(world.app.intents(), 1, "{bad}");
    }
    let send = |body: Value| world.app.post("/intents/batch", &body).key(&world.alice.text).send();
    let many: Vec<Value> = (0..1001).map(good).collect();
    send(json!({ "intents": [] })).await.refused(Code::InvalidField);
    send(json!({ "intents": many })).await.refused(Code::InvalidField);
    send(json!({ "intents": [good(1), { "code": 7 }] })).await.refused(Code::InvalidBody);
    send(json!({ "intents": [good(1), ["two", "A"]] })).await.refused(Code::InvalidBody);
    send(json!({ "intents": [good(1), null] })).await.refused(Code::InvalidBody);
    send(json!({ "intents": {} })).await.refused(Code::InvalidBody);
    assert_eq!(data(&world), before);
}
