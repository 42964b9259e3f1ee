//! The lists of intents and the pre-PR check: what they hold, in which order, page by page.

use crate::app::{Request, TestApp};
use crate::intents::{DAY, ids, listed, make};
use serde_json::json;

/// Follows `Link` to the end; `between` runs after each page.
async fn walk(app: &TestApp, key: &str, first: &str, mut between: impl AsyncFnMut(usize)) -> Vec<String> {
    let (mut all, mut target, mut pages) = (Vec::new(), first.to_owned(), 0);
    loop {
        let page = app.get(key, &target).await;
        let found = ids(&page.json());
        assert!(found.len() <= 7, "{target}");
        all.extend(found);
        pages += 1;
        assert!(pages < 50, "{first} does not end");
        let Some(next) = page.next() else { return all };
        assert!(page.header("link").unwrap().ends_with(r#">; rel="next""#));
        target = next;
        between(pages).await;
    }
}

#[actix_web::test]
async fn a_file_is_listed_by_line_then_id_and_rows_without_a_line_come_first() {
    let app = TestApp::start().await;
    let key = app.agent("alice").await;
    let rows = [("d", Some(10)), ("b", None), ("c", Some(2)), ("a", Some(10)), ("e", None), ("f", Some(1))];
    for (id, line) in rows {
        make(&app, &key, json!({"id": id, "code": "F821", "file": "src/a b.py", "line": line})).await;
    }
    make(&app, &key, json!({"id": "g", "code": "F821", "file": "src/a"})).await;
    let expected = ["b", "e", "f", "c", "a", "d"];
    assert_eq!(listed(&app, &key, "/intents/by_file?file=src%2Fa%20b.py").await, expected);
    assert_eq!(listed(&app, &key, "/intents/by_file?file=src/a+b.py").await, expected);
    for limit in 1..=6 {
        let target = format!("/intents/by_file?file=src/a+b.py&limit={limit}");
        assert_eq!(walk(&app, &key, &target, async |_| ()).await, expected, "{limit}");
    }
    assert!(listed(&app, &key, "/intents/by_file?file=none").await.is_empty());
}

#[actix_web::test]
async fn an_owner_is_listed_newest_change_first() {
    let app = TestApp::start().await;
    let key = app.agent("alice").await;
    for id in ["a", "b", "c", "d"] {
        make(&app, &key, json!({"id": id, "code": "F821", "owner": "team/1 ä"})).await;
        app.advance(1);
    }
    make(&app, &key, json!({"id": "other", "code": "F821", "owner": "team"})).await;
    app.patch(&key, "/intents/b", r#"{"reason":"r"}"#).await;
    let target = "/intents/by_owner/team%2F1%20%C3%A4";
    assert_eq!(listed(&app, &key, target).await, ["b", "d", "c", "a"]);
    for limit in 1..=4 {
        let paged = walk(&app, &key, &format!("{target}?limit={limit}"), async |_| ()).await;
        assert_eq!(paged, ["b", "d", "c", "a"], "{limit}");
    }
}

#[actix_web::test]
async fn open_intents_that_nobody_changed_for_longer_are_stale_oldest_first() {
    let app = TestApp::start().await;
    let key = app.agent("alice").await;
    for status in ["reserved", "planned", "committed", "implemented", "accepted", "expired"] {
        make(
            &app,
            &key,
            json!({"id": status, "code": "F821", "status": status, "owner": "o", "ticket": "T"}),
        )
        .await;
        app.advance(1);
    }
    app.advance(30 * DAY - 6);
    assert!(listed(&app, &key, "/intents/stale").await.is_empty(), "exactly 30 days are not longer");
    app.advance(3);
    assert_eq!(listed(&app, &key, "/intents/stale?days=30").await, ["reserved", "planned", "committed"]);
    assert_eq!(
        walk(&app, &key, "/intents/stale?limit=1", async |_| ()).await,
        ["reserved", "planned", "committed"]
    );
    app.patch(&key, "/intents/reserved", r#"{"reason":"r"}"#).await;
    assert_eq!(listed(&app, &key, "/intents/stale").await, ["planned", "committed"]);
    app.advance(1);
    assert_eq!(listed(&app, &key, "/intents/stale?days=0").await, ["planned", "committed", "reserved"]);
    assert!(listed(&app, &key, "/intents/stale?days=31").await.is_empty());
}

#[actix_web::test]
async fn filters_hold_one_by_one_and_together() {
    let app = TestApp::start().await;
    let (alice, bob) = (app.agent("alice").await, app.agent("bob").await);
    let body = |id: &str, code: &str, file: &str, owner: &str, status: &str| json!({"id": id, "code": code, "file": file, "owner": owner, "ticket": "T", "status": status});
    make(&app, &alice, body("a", "F821", "x.py", "o1", "planned")).await;
    make(&app, &alice, body("b", "E501", "x.py", "o2", "accepted")).await;
    make(&app, &bob, body("c", "F821", "y.py", "o1", "reserved")).await;
    make(&app, &bob, body("d", "F821", "x.py", "o2", "planned")).await;
    let cases: [(&str, &[&str]); 13] = [
        ("status=planned", &["a", "d"]),
        ("status=reserved", &["c"]),
        ("status=expired", &[]),
        ("status=accepted", &["b"]),
        ("status=documented", &["b"]),
        ("code=F821", &["a", "c", "d"]),
        ("file=x.py", &["a", "b", "d"]),
        ("owner=o1", &["a", "c"]),
        ("agent_id=bob", &["c", "d"]),
        ("agent_id=nobody", &[]),
        ("status=planned&code=F821&file=x.py&owner=o2&agent_id=bob", &["d"]),
        ("status=planned&code=F821&file=x.py&owner=o2&agent_id=alice", &[]),
        ("code=f821", &[]),
    ];
    for (filter, expected) in cases {
        assert_eq!(listed(&app, &alice, &format!("/intents?{filter}")).await, expected, "{filter}");
        let paged = walk(&app, &alice, &format!("/intents?{filter}&limit=1"), async |_| ()).await;
        assert_eq!(paged, expected, "{filter}");
    }
}

#[actix_web::test]
async fn pages_have_no_gap_and_nothing_twice_also_when_rows_come_and_change_in_between() {
    let app = TestApp::start().await;
    let key = app.agent("alice").await;
    for n in 0..100 {
        app.clock.advance_micros(1);
        let id = format!("i{:03}", n * 37 % 100);
        make(&app, &key, json!({"id": id, "code": "F821", "file": "f", "owner": "o", "line": 1 + n % 9}))
            .await;
    }
    app.advance(40 * DAY);
    let lists = [
        "/intents?limit=7",
        "/intents/by_file?file=f&limit=7",
        "/intents/by_owner/o?limit=7",
        "/intents/stale?limit=7",
    ];
    for (round, list) in lists.into_iter().enumerate() {
        let whole = listed(&app, &key, &list.replace("limit=7", "limit=1000")).await;
        assert_eq!(whole.len(), 100, "{list}");
        assert_eq!(walk(&app, &key, list, async |_| ()).await, whole, "{list}");
        let paged = walk(&app, &key, list, async |page| {
            if page == 5 {
                // One row before the page and one far behind it.
                for id in [format!("h{round}"), format!("z{round}")] {
                    make(&app, &key, json!({"id": id, "code": "F821", "file": "f", "owner": "o"})).await;
                }
            }
        })
        .await;
        let old: Vec<_> = paged.iter().filter(|id| id.starts_with('i')).cloned().collect();
        assert_eq!(old, whole, "{list}");
        assert!(paged.len() <= 101, "{list}");
        for id in [format!("h{round}"), format!("z{round}")] {
            app.send(Request::new("DELETE", &format!("/intents/{id}")).admin()).await;
        }
    }
}

#[actix_web::test]
async fn a_file_is_covered_by_a_living_intent_of_a_critical_code_alone() {
    let app = TestApp::start().await;
    let key = app.agent("alice").await;
    for status in ["reserved", "planned", "committed", "implemented", "accepted", "expired"] {
        let body = json!({"code": "F821", "file": status, "status": status, "owner": "o", "ticket": "T"});
        make(&app, &key, body).await;
    }
    let files = json!(["expired", "planned", "committed", "reserved", "implemented", "accepted"]);
    let cases = [
        (json!([]), json!(["expired", "reserved"])),
        (json!(["F821"]), json!(["expired", "reserved"])),
        (json!(["E501", "F821"]), json!(["expired", "reserved"])),
        (json!(["E501"]), files.clone()),
    ];
    for (codes, missing) in cases {
        let body = json!({"files": files, "critical_codes": codes, "auto_create_reserved": false});
        let answer = app.post(&key, "/intents/pre_pr_check", &body.to_string()).await;
        assert_eq!((answer.status, &answer.json()["missing"]), (200, &missing), "{codes}");
        assert_eq!(answer.json()["ok"], false);
    }
    assert_eq!(app.count("SELECT COUNT(*) FROM intents").await, 6);
    let fine = app.post(&key, "/intents/pre_pr_check", r#"{"files":["planned","accepted"]}"#).await;
    assert_eq!(fine.json(), json!({"ok": true, "missing": [], "reserved": []}));
    let none = app.post(&key, "/intents/pre_pr_check", r#"{"files":[]}"#).await;
    assert_eq!(none.json(), json!({"ok": true, "missing": [], "reserved": []}));
}

#[actix_web::test]
async fn a_placeholder_is_left_once_and_never_makes_a_check_pass() {
    let app = TestApp::start().await;
    let key = app.agent("alice").await;
    let body = r#"{"files":["z.py","a.py","z.py","m.py"],"critical_codes":["E501","F821"]}"#;
    let first = app.post(&key, "/intents/pre_pr_check", body).await.json();
    assert_eq!((&first["ok"], &first["missing"]), (&json!(false), &json!(["z.py", "a.py", "m.py"])));
    for (row, file) in first["reserved"].as_array().unwrap().iter().zip(["z.py", "a.py", "m.py"]) {
        let told = ["code", "file", "line", "status", "agent_id", "owner"].map(|name| row[name].clone());
        assert_eq!(json!(told), json!(["E501", file, 1, "reserved", "alice", null]));
    }
    let again = app.post(&key, "/intents/pre_pr_check", body).await.json();
    assert_eq!(again, first, "the same placeholders are named again");
    assert_eq!(app.count("SELECT COUNT(*) FROM intents").await, 3);
    let default = app.post(&key, "/intents/pre_pr_check", r#"{"files":["new.py"]}"#).await.json();
    assert_eq!(default["reserved"][0]["code"], "F821");
    // Somebody takes it: now the file is covered.
    let id = default["reserved"][0]["id"].as_str().unwrap();
    let taken = r#"{"status":"planned","owner":"team","ticket":"T-1"}"#;
    assert_eq!(app.patch(&key, &format!("/intents/{id}"), taken).await.status, 200);
    let covered = app.post(&key, "/intents/pre_pr_check", r#"{"files":["new.py"]}"#).await.json();
    assert_eq!(covered["ok"], true);
    assert_eq!(app.count("SELECT COUNT(*) FROM intents").await, 4);
}
