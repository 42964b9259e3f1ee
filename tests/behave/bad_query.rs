//! Queries, paths, headers and cursors that do not fit, and ids that look as if they did not.

use crate::app::Request;
use crate::bad_input::Refusing;
use serde_json::json;

#[actix_web::test]
async fn a_query_a_path_or_a_header_that_does_not_fit_is_refused() {
    let t = Refusing::start().await;
    let get = |target: &str| Request::new("GET", target);
    for limit in ["0", "-1", "1000000000", "abc", "1001", "", "1.5", "%00", "99999999999999999999"] {
        for list in ["/intents?", "/intents/stale?", "/intents/by_owner/o?", "/intents/by_file?file=a.py&"] {
            let target = format!("{list}limit={limit}");
            t.refuse(get(&target), 422, "invalid_query", &target).await;
        }
    }
    let queries = [
        "/intents/stale?days=-1",
        "/intents/stale?days=soon",
        "/intents/stale?days=36501",
        "/intents?status=wip",
        "/intents?code=",
        "/intents?code=a&code=b",
        "/intents?file=%00",
        "/intents/by_file",
        "/intents/by_file?file=",
        "/intents/by_owner/%00",
    ];
    for target in queries {
        t.refuse(get(target), 422, "invalid_query", target).await;
    }
    for id in ["/intents/gone", "/intents/%00", "/intents/a%2Fb", "/intents/%EF%BF%BD"] {
        t.refuse(get(id), 404, "intent_not_found", id).await;
    }
    for target in
        ["/intents/%FF", "/intents/by_owner/%FF", "/intents/a%C3", "/intents/%ED%A0%80", "/intents?code=%FF"]
    {
        t.refuse(get(target), 400, "malformed_request", target).await;
    }
    for target in ["/", "/intent", "/intents/here/more", "/admin", "/INTENTS", "/intents/", "//intents"] {
        t.refuse(get(target), 404, "route_not_found", target).await;
    }
    let others = [
        ("/intents", "GET"),
        ("/intents/here", "GET"),
        ("/intents/batch", "POST"),
        ("/health", "GET"),
        ("/admin/audit", "GET"),
        ("/metrics/summary", "GET"),
    ];
    for (target, allowed) in others {
        for method in ["PUT", "OPTIONS", "TRACE", "BREW"] {
            let answer = t.refuse(Request::new(method, target), 405, "method_not_allowed", target).await;
            let allow: Vec<_> = answer.header("allow").unwrap_or_default().split(", ").collect();
            assert!(allow.contains(&allowed) && !allow.contains(&method), "{method} {target}: {allow:?}");
            assert_eq!(allow.contains(&"GET"), allow.contains(&"HEAD"), "{target}: {allow:?}");
        }
    }
    for media in
        ["text/plain", "application/x-www-form-urlencoded", "json", "multipart/form-data; boundary=x"]
    {
        let request =
            Request::new("POST", "/intents").header("content-type", media).body(r#"{"code":"F821"}"#);
        t.refuse(request, 415, "unsupported_media_type", media).await;
    }
    let bare = Request::new("POST", "/intents").body(r#"{"code":"F821"}"#);
    t.refuse(bare, 415, "unsupported_media_type", "no content type").await;
    for key in ["", "  ", "two words", &"k".repeat(300), "k\u{e9}"] {
        let request =
            Request::new("POST", "/intents").json(r#"{"code":"F821"}"#).header("idempotency-key", key);
        t.refuse(request, 422, "invalid_query", &format!("idempotency key {key}")).await;
    }
    let matches = [
        ("\"7\"", 412, "version_mismatch"),
        ("7", 422, "invalid_query"),
        ("", 422, "invalid_query"),
        ("W/\"1\"", 422, "invalid_query"),
        ("\"x\"", 422, "invalid_query"),
    ];
    for (tag, status, code) in matches {
        let request =
            Request::new("PATCH", "/intents/here").json(r#"{"reason":"r"}"#).header("if-match", tag);
        t.refuse(request, status, code, tag).await;
    }
    t.nothing_changed().await;
}

#[actix_web::test]
async fn a_cursor_that_was_edited_or_is_of_another_list_is_refused() {
    let t = Refusing::start().await;
    for n in 0..3 {
        t.app.post(&t.key, "/intents", &format!(r#"{{"id":"c{n}","code":"F821","file":"a.py"}}"#)).await;
    }
    let next = t.app.get(&t.key, "/intents?limit=1").await.next().unwrap();
    let cursor = next.split("cursor=").nth(1).unwrap();
    for at in 0..cursor.len() {
        let digit = if cursor.as_bytes()[at] == b'0' { "1" } else { "0" };
        let edited = format!("{}{digit}{}", &cursor[..at], &cursor[at + 1..]);
        let target = format!("/intents?limit=1&cursor={edited}");
        t.refuse(Request::new("GET", &target), 400, "invalid_cursor", &target).await;
    }
    let long = "0".repeat(13_000);
    let strange = [
        "/intents?status=reserved&",
        "/intents/stale?",
        "/intents/by_file?file=a.py&",
        "/intents/by_owner/o?",
    ];
    for list in strange {
        let target = format!("{list}cursor={cursor}");
        t.refuse(Request::new("GET", &target), 400, "invalid_cursor", &target).await;
    }
    for garbage in ["x", "%00", "zz", "00", &cursor[1..], &cursor[2..], &cursor.to_uppercase(), &long] {
        let target = format!("/intents?cursor={garbage}");
        t.refuse(Request::new("GET", &target), 400, "invalid_cursor", &target).await;
    }
    assert_eq!(t.app.get(&t.key, &next).await.status, 200);
}

#[actix_web::test]
async fn an_idempotency_key_takes_one_body() {
    let t = Refusing::start().await;
    let send = |body: &str| Request::new("POST", "/intents").json(body).header("idempotency-key", "k-1");
    let first = t.app.send(send(r#"{"code":"F821","line":1}"#).key(&t.key)).await;
    let spelled_otherwise = t.app.send(send(r#"{ "line": 1, "code": "F821" }"#).key(&t.key)).await;
    assert_eq!((first.status, &first.body), (201, &spelled_otherwise.body));
    t.refuse(send(r#"{"code":"F821","line":2}"#), 422, "idempotency_key_reused", "another body").await;
    assert_eq!(t.app.count("SELECT COUNT(*) FROM intents").await, 2);
}

#[actix_web::test]
async fn any_id_and_a_long_path_come_back_as_they_were_sent() {
    let t = Refusing::start().await;
    let longest = "i".repeat(200);
    let ids =
        ["a/b", "50%", "a%2Fb", "%", "ä/€ 😀", "a?b#c", "a+b c", "..a", "T4:x;y=z", "\"q\"\\", &longest];
    for id in ids {
        let body = json!({"id": id, "code": "F821", "file": "f".repeat(4096)}).to_string();
        assert_eq!(t.app.post(&t.key, "/intents", &body).await.status, 201, "{id}");
        let encoded: String = id.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let found = t.app.get(&t.key, &format!("/intents/{encoded}")).await;
        assert_eq!((found.status, found.json()["id"].as_str()), (200, Some(id)), "{}", found.body);
        assert_eq!(found.json()["file"].as_str().unwrap().len(), 4096);
    }
}
