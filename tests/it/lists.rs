//! Lists: their order, their filters, and their pages to the end without a gap or a double.

use api_types::Code;
use serde_json::{Value, json};

use crate::support::{Key, TestApp, texts};

/// An app with intents that share files, lines, owners and times; and a key without a limit that matters.
async fn filled() -> (TestApp, Key) {
    let app = TestApp::new().await;
    let key = app.key_with(json!({ "agent_id": "a", "rate_per_minute": 100_000 })).await;
    let other = app.key_with(json!({ "agent_id": "b", "rate_per_minute": 100_000 })).await;
    for index in 0..23_u64 {
        // Several intents share a moment, a line and an owner: only the id tells them apart.
        if index % 4 == 0 {
            app.seconds(3600);
        }
        let mut body = json!({
            "id": format!("i-{:02}", index * 7 % 23),
            "code": if index % 3 == 0 { "F401" } else { "F821" },
            "file": if index % 2 == 0 { "src/a b&c.py" } else { "src/b.py" },
            "owner": if index % 5 == 0 { "team/a" } else { "team-b" },
            "ticket": "t",
            "status": (["reserved", "planned", "committed", "implemented", "accepted", "expired"])[(index % 6) as usize],
        });
        if index % 6 != 0 {
            body["line"] = json!(10 + index % 3);
        }
        let key = if index % 7 == 0 { &other } else { &key };
        app.post("/intents", &body).key(&key.text).send().await.ok(201);
    }
    (app, key)
}

/// Follows the links to the end.
async fn walk(app: &TestApp, key: &Key, first: &str, limit: usize) -> Vec<Value> {
    let mut path = first.to_owned();
    let mut all = Vec::new();
    for _ in 0..200 {
        let page = app.get(&path).key(&key.text).send().await;
        let rows = page.ok(200).as_array().expect("a bare array").clone();
        assert!(rows.len() <= limit, "{path}");
        all.extend(rows);
        match page.next() {
            Some(next) => path = next,
            None => return all,
        }
    }
    panic!("no end of {first}");
}

fn id(intent: &Value) -> String {
    intent["id"].as_str().expect("an id").to_owned()
}

/// The list at every page size is the list at once.
async fn pages_fit(app: &TestApp, key: &Key, list: &str, expected: &[String]) {
    for limit in [1, 2, 3, 5, 22, 23, 24, 1000] {
        let path = format!("{list}{}limit={limit}", if list.contains('?') { '&' } else { '?' });
        let ids: Vec<_> = walk(app, key, &path, limit).await.iter().map(id).collect();
        assert_eq!(ids, expected, "{path}");
    }
}

#[actix_web::test]
async fn all_intents_come_by_id() {
    let (app, key) = filled().await;
    let expected: Vec<_> = (0..23).map(|index| format!("i-{index:02}")).collect();
    pages_fit(&app, &key, "/intents", &expected).await;
    // 100 rows are the default.
    let more: Vec<_> = (0..130).map(|index| json!({ "id": format!("z-{index:03}"), "code": "A" })).collect();
    app.post("/intents/batch", &json!({ "intents": more })).key(&key.text).send().await.ok(201);
    let page = app.get("/intents").key(&key.text).send().await;
    assert_eq!((page.ok(200).as_array().map(Vec::len), page.next().is_some()), (Some(100), true));
}

#[actix_web::test]
async fn every_filter_takes_what_fits_and_all_of_them_together() {
    let (app, key) = filled().await;
    let all = walk(&app, &key, "/intents", 100).await;
    for (query, wanted) in [
        ("status=planned", vec![("status", "planned")]),
        ("code=F401", vec![("code", "F401")]),
        ("file=src%2Fa+b%26c.py", vec![("file", "src/a b&c.py")]),
        ("file=src/a%20b%26c.py", vec![("file", "src/a b&c.py")]),
        ("owner=team/a", vec![("owner", "team/a")]),
        ("agent_id=b", vec![("agent_id", "b")]),
        (
            "status=planned&owner=team-b&agent_id=a",
            vec![("status", "planned"), ("owner", "team-b"), ("agent_id", "a")],
        ),
        ("code=F4", vec![("code", "F4")]),
        ("code=f401", vec![("code", "f401")]),
        ("file=src/%25", vec![("file", "src/%")]),
    ] {
        let fits = |intent: &&Value| wanted.iter().all(|(field, value)| intent[*field] == *value);
        let expected: Vec<_> = all.iter().filter(fits).map(id).collect();
        pages_fit(&app, &key, &format!("/intents?{query}"), &expected).await;
    }
    // `documented` is read as `accepted`.
    let accepted = walk(&app, &key, "/intents?status=documented", 100).await;
    assert!(!accepted.is_empty() && accepted.iter().all(|intent| intent["status"] == "accepted"));
}

#[actix_web::test]
async fn the_intents_of_a_file_come_by_line() {
    let (app, key) = filled().await;
    let mut expected: Vec<_> = walk(&app, &key, "/intents?file=src/b.py", 100).await;
    expected.sort_by_key(|intent| (intent["line"].as_i64(), id(intent)));
    let expected: Vec<_> = expected.iter().map(id).collect();
    assert!(expected.len() > 5);
    pages_fit(&app, &key, "/intents/by_file?file=src/b.py", &expected).await;
    assert_eq!(walk(&app, &key, "/intents/by_file?file=src/none.py", 0).await, Vec::<Value>::new());
    app.get("/intents/by_file").key(&key.text).send().await.refused(Code::InvalidQuery);
}

#[actix_web::test]
async fn the_intents_of_an_owner_come_newest_change_first() {
    let (app, key) = filled().await;
    let any = app.key_with(json!({ "agent_id": "any", "scopes": "*" })).await;
    app.seconds(60);
    app.patch("/intents/i-00", &json!({ "owner": "team/a", "reason": "late" }))
        .key(&any.text)
        .send()
        .await
        .ok(200);
    let mut expected = walk(&app, &key, "/intents?owner=team/a", 100).await;
    expected.sort_by_key(|intent| (intent["modified_at"].to_string(), id(intent)));
    let expected: Vec<_> = expected.iter().rev().map(id).collect();
    assert_eq!(expected.first().map(String::as_str), Some("i-00"));
    pages_fit(&app, &key, "/intents/by_owner/team%2Fa", &expected).await;
    assert_eq!(app.get("/intents/by_owner/nobody").key(&key.text).send().await.ok(200), json!([]));
}

#[actix_web::test]
async fn stale_intents_are_open_and_come_oldest_first() {
    let (app, key) = filled().await;
    let any = app.key_with(json!({ "agent_id": "any", "scopes": "*" })).await;
    let stale = |days: &str| format!("/intents/stale?days={days}");
    let all = walk(&app, &key, "/intents", 100).await;
    let open = |intent: &&Value| {
        ["reserved", "planned", "committed"].contains(&intent["status"].as_str().unwrap_or(""))
    };
    let mut expected: Vec<_> = all.iter().filter(open).collect();
    expected.sort_by_key(|intent| (intent["modified_at"].to_string(), id(intent)));
    let expected: Vec<_> = expected.into_iter().map(id).collect();
    app.days(31);
    pages_fit(&app, &key, "/intents/stale", &expected).await;
    // 30 days are the default, and the limit is exact: what is younger is not stale.
    assert_eq!(walk(&app, &key, &stale("32"), 0).await, Vec::<Value>::new());
    app.patch(&format!("/intents/{}", expected[0]), &json!({ "reason": "touched" }))
        .key(&any.text)
        .send()
        .await
        .ok(200);
    let rest = walk(&app, &key, "/intents/stale", 1000).await;
    assert_eq!(rest.iter().map(id).collect::<Vec<_>>(), expected[1..]);
    for days in ["-1", "36501", "1.5", "x", ""] {
        app.get(&stale(days)).key(&key.text).send().await.refused(Code::InvalidQuery);
    }
}

#[actix_web::test]
async fn exactly_as_old_as_the_limit_is_not_stale_yet() {
    let app = TestApp::new().await;
    let key = app.key("a").await;
    app.post("/intents", &json!({ "id": "i", "code": "A" })).key(&key.text).send().await.ok(201);
    let stale = || async { app.get("/intents/stale?days=2").key(&key.text).send().await.ok(200) };
    app.days(2);
    assert_eq!(stale().await, json!([]));
    app.clock.advance_micros(1);
    assert_eq!(texts(&stale().await, "id"), ["i"]);
}

#[actix_web::test]
async fn what_is_created_between_two_pages_makes_no_gap_and_no_double() {
    let (app, key) = filled().await;
    let first = app.get("/intents?limit=10").key(&key.text).send().await;
    let mut ids = texts(&first.ok(200), "id");
    for new in ["i-00a", "i-05a", "i-20a"] {
        app.post("/intents", &json!({ "id": new, "code": "A" })).key(&key.text).send().await.ok(201);
    }
    app.delete("/intents/i-09").admin().send().await.ok(200);
    let rest = walk(&app, &key, &first.next().expect("a next page"), 10).await;
    ids.extend(rest.iter().map(id));
    let mut expected: Vec<_> = (0..23).map(|index| format!("i-{index:02}")).collect();
    expected.push("i-20a".to_owned());
    expected.sort_unstable();
    assert_eq!(ids, expected);
}

#[actix_web::test]
async fn a_cursor_opens_the_very_list_that_it_came_from() {
    let (app, key) = filled().await;
    let next = |page: &str| {
        let page = page.to_owned();
        let (app, key) = (&app, &key);
        async move { app.get(&page).key(&key.text).send().await.next().expect("a next page") }
    };
    let cursor = |target: &str| target.split("cursor=").nth(1).expect("a cursor").to_owned();
    let all = cursor(&next("/intents?limit=1").await);
    let filtered = cursor(&next("/intents?limit=1&code=F821").await);
    let file = cursor(&next("/intents/by_file?file=src/b.py&limit=1").await);
    let mut edited = all.clone();
    let last = edited.pop().expect("a digit");
    edited.push(if last == '0' { '1' } else { '0' });
    let cut = &all[..all.len() - 2];
    for (path, bad) in [
        ("/intents?", edited.as_str()),
        ("/intents?", cut),
        ("/intents?", filtered.as_str()),
        ("/intents?code=F821&", all.as_str()),
        ("/intents?code=F401&", filtered.as_str()),
        ("/intents?", file.as_str()),
        ("/intents/by_file?file=src/a%20b%26c.py&", file.as_str()),
        ("/intents/by_owner/team-b?", all.as_str()),
        ("/intents/stale?", all.as_str()),
        ("/intents?", "zz"),
        ("/intents?", "0"),
        ("/intents?", "%00"),
        ("/intents?", "%F0%9F%92%A5"),
    ] {
        let answer = app.get(&format!("{path}cursor={bad}")).key(&key.text).send().await;
        answer.refused(Code::InvalidCursor);
    }
    // The page size may change on the way.
    app.get(&format!("/intents?limit=7&cursor={all}")).key(&key.text).send().await.ok(200);
}

#[actix_web::test]
async fn pages_that_end_by_their_bytes_are_the_whole_list() {
    let app = TestApp::new().await;
    let key = app.key_with(json!({ "agent_id": "a", "owner": "o", "rate_per_minute": 100_000 })).await;
    for index in 0..60_u64 {
        let mut body = json!({
            "id": format!("i-{:02}", index * 7 % 60),
            "code": "F821",
            "file": "big.py",
            "owner": "o",
            "raw": { "x": "y".repeat(usize::try_from(index * 7919 % 60_000).unwrap()) },
        });
        // Rows without a line are a list of their own, before the others.
        if index % 2 == 0 {
            body["line"] = json!(index % 5 + 1);
        }
        app.post("/intents", &body).key(&key.text).send().await.ok(201);
    }
    app.seconds(86_400 * 40);
    for list in [
        "/intents?file=big.py",
        "/intents/by_file?file=big.py",
        "/intents/by_owner/o?x=1",
        "/intents/stale?days=30",
    ] {
        let single: Vec<_> = walk(&app, &key, &format!("{list}&limit=1"), 1).await.iter().map(id).collect();
        assert_eq!(single.len(), 60, "{list}");
        let whole: Vec<_> =
            walk(&app, &key, &format!("{list}&limit=1000"), 1000).await.iter().map(id).collect();
        assert_eq!(whole, single, "{list}");
        let page = app.get(&format!("{list}&limit=1000")).key(&key.text).send().await;
        let bytes = page.ok(200).to_string().len();
        assert!(page.next().is_some() && bytes < 3 << 19, "{list}: {bytes}");
    }
}
