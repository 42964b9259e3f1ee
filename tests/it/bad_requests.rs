//! Paths, queries, methods and headers that no route can use.

use api_types::Code;
use serde_json::json;

use crate::support::routes::{ROUTES, World};

#[actix_web::test]
async fn paths_that_are_no_route_are_404_in_the_one_shape() {
    let world = World::new().await;
    let long = format!("/{}", "x".repeat(4000));
    for path in [
        "/",
        "//",
        "/intent",
        "/intents/",
        "/intents//",
        "/intents/a/b",
        "/INTENTS",
        "/admin",
        "/admin/",
        "/healthz/",
        "/docs/",
        "/docs/none.css",
        "/docs/..%2Fsecret",
        "/.env",
        "/intents/by_owner/",
        "/intents/by_owner/a/b",
        "/%2Fintents",
        "/intents%2Fa",
        "/./intents",
        "/..",
        "/*",
        "/admin/api_keys/a/b",
        "/admin/api_keys/a/rotate/b",
        "/%C3%A9",
        "/%00",
        "/%ff",
        &long,
    ] {
        let answer = world.app.get(path).key(&world.alice.text).send().await;
        answer.refused(Code::RouteNotFound);
    }
}

#[actix_web::test]
async fn errors_below_llm_v1_have_openai_s_members_whoever_made_them_and_no_others_have() {
    let world = World::new().await;
    let chat = |key: &str| world.app.call("POST", "/llm/v1/chat/completions").key(key);
    let (alice, invalid) = (world.alice.text.as_str(), "invalid_request_error");
    let none = world.app.key_with(json!({ "agent_id": "none", "scopes": "intents:read" })).await;
    for (call, code, kind) in [
        (world.app.get("/llm/v1/none").key(alice), Code::RouteNotFound, invalid),
        (world.app.get("/llm/v1").key(alice), Code::RouteNotFound, invalid),
        (world.app.call("PUT", "/llm/v1/models").key(alice), Code::MethodNotAllowed, invalid),
        (chat("t4_damaged").json(&json!({})), Code::MalformedKey, "authentication_error"),
        (chat(&none.text).json(&json!({})), Code::MissingScope, "permission_error"),
        (chat(alice).typed("text/plain", "{}"), Code::UnsupportedMediaType, invalid),
        (chat(alice).body("{"), Code::MalformedJson, invalid),
        (chat(alice).body("{}").length("99999999"), Code::BodyTooLarge, invalid),
        (chat(alice).json(&json!({})), Code::NoProvider, "server_error"),
    ] {
        let error = call.send().await.refused(code);
        assert_eq!((&error["type"], error.get("param")), (&json!(kind), Some(&json!(null))), "{error}");
    }
    for path in ["/llm/none", "/llm/v10/models", "/intents/none"] {
        let error = world.app.get(path).key(alice).send().await.json()["error"].take();
        assert!(error.get("type").is_none() && error.get("param").is_none(), "{path}: {error}");
    }
}

#[actix_web::test]
async fn a_route_refuses_methods_that_it_does_not_take_and_names_those_it_does() {
    let world = World::new().await;
    for route in &ROUTES {
        let path = route.path(&world);
        let same = |other: &&crate::support::routes::RouteCase| other.template == route.template;
        let mut takes: Vec<_> = ROUTES.iter().filter(same).map(|other| other.method).collect();
        if takes.contains(&"GET") {
            takes.push("HEAD");
        }
        takes.sort_unstable();
        for method in
            ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW", "get"]
        {
            if takes.contains(&method) {
                continue;
            }
            let answer = world.app.call(method, &path).body("{").send().await;
            answer.refused(Code::MethodNotAllowed);
            let mut allowed: Vec<_> = answer.told("allow").split(", ").collect();
            allowed.sort_unstable();
            assert_eq!(allowed, takes, "{method} {path}");
            world.app.seconds(60);
        }
    }
}

#[actix_web::test]
async fn ids_that_no_intent_has_are_404_whatever_they_look_like() {
    let world = World::new().await;
    let long = "x".repeat(4000);
    for id in [
        "none",
        "%2F",
        "a%2Fb",
        "%00",
        "%0A",
        "%20",
        "alice-1%20",
        "ALICE-1",
        "alice%2D2",
        "%C3%A9",
        "%F0%9F%91%BE",
        "'--",
        &long,
    ] {
        let path = format!("/intents/{id}");
        world.app.get(&path).key(&world.alice.text).send().await.refused(Code::IntentNotFound);
        let patch = world.app.patch(&path, &json!({ "reason": "r" })).key(&world.alice.text).send().await;
        patch.refused(Code::IntentNotFound);
        world.app.delete(&path).admin().send().await.refused(Code::IntentNotFound);
        world.app.seconds(60);
    }
    // The same id in other spellings is the same id.
    for id in ["alice%2D1", "%61lice-1", "%61%6c%69%63%65%2d%31"] {
        world.app.get(&format!("/intents/{id}")).key(&world.alice.text).send().await.ok(200);
    }
}

#[actix_web::test]
async fn what_is_no_utf_8_is_refused() {
    let world = World::new().await;
    let get = |path: &str| world.app.get(path).key(&world.alice.text);
    for bytes in ["%ff", "%c3", "%c3%28", "%ed%a0%80", "a%fe", "%f8%88%80%80%80"] {
        for base in ["/intents/", "/intents/by_owner/"] {
            get(&format!("{base}{bytes}")).send().await.refused(Code::MalformedRequest);
        }
        for base in ["/admin/api_keys/", "/intents/"] {
            let answer = world.app.delete(&format!("{base}{bytes}")).admin().send().await;
            answer.refused(Code::MalformedRequest);
        }
        let query = format!("/intents?code={bytes}");
        get(&query).send().await.refused(Code::MalformedRequest);
        let query = format!("/intents/by_file?file={bytes}");
        get(&query).send().await.refused(Code::MalformedRequest);
        world.app.seconds(60);
    }
}

#[actix_web::test]
async fn a_parameter_that_takes_no_such_value_is_422() {
    let world = World::new().await;
    let app = &world.app;
    let long = "x".repeat(5000);
    let lists = ["/intents?", "/intents/stale?", "/intents/by_file?file=a&", "/intents/by_owner/o?"];
    let limits = [
        "0",
        "-1",
        "1001",
        "1000000000",
        "99999999999999999999",
        "abc",
        "1.5",
        "",
        "1e2",
        "0x10",
        "%00",
        " 7",
        "７",
    ];
    for list in lists {
        for limit in limits {
            let path = format!("{list}limit={}", limit.replace(' ', "%20").replace('７', "%EF%BC%97"));
            let answer = app.get(&path).key(&world.alice.text).send().await;
            assert_eq!(answer.code(), "invalid_query", "{path}: {}", answer.text());
        }
        let twice = format!("{list}limit=1&limit=2");
        app.get(&twice).key(&world.alice.text).send().await.refused(Code::InvalidQuery);
        let twice = format!("{list}cursor=&cursor=");
        app.get(&twice).key(&world.alice.text).send().await.refused(Code::InvalidQuery);
        app.seconds(60);
    }
    for limit in limits {
        for list in ["/admin/api_keys?", "/admin/audit?"] {
            let path = format!("{list}limit={}", limit.replace(' ', "%20").replace('７', "%EF%BC%97"));
            let answer = app.get(&path).admin().send().await;
            assert_eq!(answer.code(), "invalid_query", "{path}: {}", answer.text());
        }
        app.seconds(60);
    }
    for query in [
        "status=wip",
        "status=",
        "status=Planned",
        "code=",
        "code=%00",
        "file=%0A",
        "owner=",
        "agent_id=%7F",
        "code=a&code=b",
        "code=a&c%6Fde=b",
        &format!("code={}", "x".repeat(101)),
        &format!("file={long}"),
        &format!("owner={}", "x".repeat(201)),
    ] {
        let answer = app.get(&format!("/intents?{query}")).key(&world.alice.text).send().await;
        assert_eq!(answer.code(), "invalid_query", "{query}: {}", answer.text());
    }
    for query in ["file=", "file=%00", "", "File=a", &format!("file={long}")] {
        let answer = app.get(&format!("/intents/by_file?{query}")).key(&world.alice.text).send().await;
        assert_eq!(answer.code(), "invalid_query", "{query}: {}", answer.text());
    }
    for owner in ["%00", "%0A", &long] {
        let answer = app.get(&format!("/intents/by_owner/{owner}")).key(&world.alice.text).send().await;
        assert_eq!(answer.code(), "invalid_query", "{owner}: {}", answer.text());
    }
    for query in [
        "status=99",
        "status=600",
        "status=ok",
        "status=%2B200",
        "since=yesterday",
        "since=2026-02-30",
        "until=",
        "agent_id=",
        "path=%00",
        "since=2026-01-01&since=2026-01-02",
    ] {
        let answer = app.get(&format!("/admin/audit?{query}")).admin().send().await;
        assert_eq!(answer.code(), "invalid_query", "{query}: {}", answer.text());
    }
}

#[actix_web::test]
async fn parameters_that_no_route_knows_are_left_alone() {
    let world = World::new().await;
    for query in ["colour=red", "&&&", "=", "limit", "a=b=c", "%", "x=%00"] {
        let path = format!("/intents/alice-1?{query}");
        world.app.get(&path).key(&world.alice.text).send().await.ok(200);
    }
}

#[actix_web::test]
async fn an_idempotency_key_is_one_word_of_visible_ascii() {
    let world = World::new().await;
    let create = || world.app.post("/intents", &json!({ "code": "A" })).key(&world.alice.text);
    let longest = "k".repeat(255);
    let over = "k".repeat(256);
    for key in ["", " ", "two words", "tab\tbed", &over] {
        create().once(key).send().await.refused(Code::InvalidQuery);
    }
    create().raw_header("Idempotency-Key", "ké".as_bytes()).send().await.refused(Code::InvalidQuery);
    create().raw_header("Idempotency-Key", b"\xff\xfe").send().await.refused(Code::InvalidQuery);
    create().once("one").once("two").send().await.refused(Code::InvalidQuery);
    assert_eq!(world.app.intents(), 1);
    create().once(&longest).send().await.ok(201);
    create().once("~!@#$%^&*()").send().await.ok(201);
}

#[actix_web::test]
async fn if_match_takes_an_etag_as_it_was_given() {
    let world = World::new().await;
    for tag in [
        "1",
        "",
        " ",
        "\"\"",
        "\"x\"",
        "W/\"1\"",
        "\"1\", \"2\"",
        "\"-1\"",
        "\"+1\"",
        "\"1",
        "\"99999999999999999999\"",
        "**",
    ] {
        let patch = world.app.patch("/intents/alice-1", &json!({ "reason": "r" })).key(&world.alice.text);
        let answer = patch.header("If-Match", tag).send().await;
        assert_eq!(answer.code(), "invalid_query", "{tag}: {}", answer.text());
    }
    let patch = world.app.patch("/intents/alice-1", &json!({ "reason": "r" })).key(&world.alice.text);
    patch.raw_header("If-Match", b"\xff").send().await.refused(Code::InvalidQuery);
    // Two of them may name two versions.
    let patch = world.app.patch("/intents/alice-1", &json!({ "reason": "r" })).key(&world.alice.text);
    let twice = patch.raw_header("If-Match", b"\"1\"").raw_header("If-Match", b"\"1\"");
    twice.send().await.refused(Code::InvalidQuery);
    let shown = world.app.get("/intents/alice-1").key(&world.alice.text).send().await;
    assert_eq!(shown.told("etag"), "\"1\"");
}

#[actix_web::test]
async fn a_request_id_is_taken_over_when_it_is_sane_and_minted_otherwise() {
    let world = World::new().await;
    let get = || world.app.get("/intents/none").key(&world.alice.text);
    let longest = "r".repeat(64);
    for sane in ["abc-1.2_3", "0", &longest] {
        let answer = get().header("X-Request-Id", sane).send().await;
        answer.refused(Code::IntentNotFound);
        assert_eq!(answer.request_id(), sane);
    }
    let over = "r".repeat(65);
    let mut minted = Vec::new();
    for odd in ["", "a b", "<b>", "a\"b", "a,b", "a;b", &over] {
        let answer = get().header("X-Request-Id", odd).send().await;
        answer.refused(Code::IntentNotFound);
        assert_eq!(answer.request_id().len(), 32, "{odd}");
        minted.push(answer.request_id().to_owned());
    }
    let answer = get().raw_header("X-Request-Id", b"\xe9").send().await;
    assert_eq!(answer.request_id().len(), 32);
    minted.sort_unstable();
    minted.dedup();
    assert_eq!(minted.len(), 7);
}

#[actix_web::test]
async fn a_credential_that_can_not_be_read_is_no_credential() {
    let world = World::new().await;
    for (name, value) in [
        ("X-T4-API-KEY", &b"\xff\xfe"[..]),
        ("X-T4-API-KEY", b""),
        ("X-T4-API-KEY", b"   "),
        ("Authorization", b"Bearer"),
        ("Authorization", b"Bearer "),
        ("Authorization", b"Basic abc"),
        ("Authorization", b"\xff"),
    ] {
        world.app.get("/intents").raw_header(name, value).send().await.refused(Code::MissingCredentials);
    }
    let huge = "k".repeat(100_000);
    world.app.get("/intents").key(&huge).send().await.refused(Code::MalformedKey);
    world
        .app
        .get("/admin/audit")
        .header("X-T4-Admin-Token", &huge)
        .send()
        .await
        .refused(Code::InvalidAdminToken);
}
