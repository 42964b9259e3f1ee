//! Who may call what: every route against every kind of caller. A route that is not in the table fails.

use std::collections::BTreeSet;

use intent_http::document;
use rusqlite::Connection;

use crate::app::{ADMIN, Request, TestApp};

#[derive(Clone, Copy, PartialEq)]
enum Who {
    /// Everybody; probes leave no row.
    Probe,
    /// Everybody.
    Public,
    /// This machine, or an admin.
    Metrics,
    Agent(&'static str),
    Admin,
}

/// A route, a request that fits it, and the status that the right caller gets.
struct Route {
    method: &'static str,
    path: &'static str,
    who: Who,
    target: &'static str,
    body: &'static str,
    status: u16,
}

const fn route(
    method: &'static str,
    path: &'static str,
    who: Who,
    target: &'static str,
    body: &'static str,
    status: u16,
) -> Route {
    Route { method, path, who, target, body, status }
}

const READ: Who = Who::Agent("intents:read");
const WRITE: Who = Who::Agent("intents:write");

/// `VICTIM` stands for the id of a key that may be changed.
const ROUTES: &[Route] = &[
    route("GET", "/health", Who::Probe, "/health", "", 200),
    route("GET", "/healthz", Who::Probe, "/healthz", "", 200),
    route("GET", "/readyz", Who::Probe, "/readyz", "", 200),
    route("GET", "/metrics", Who::Metrics, "/metrics", "", 200),
    route("GET", "/openapi.json", Who::Public, "/openapi.json", "", 200),
    route("GET", "/docs", Who::Public, "/docs", "", 200),
    route("GET", "/docs/{file}", Who::Public, "/docs/index.css", "", 200),
    route("POST", "/intents", WRITE, "/intents", r#"{"code":"F821"}"#, 201),
    route("POST", "/intents/batch", WRITE, "/intents/batch", r#"{"intents":[{"code":"F821"}]}"#, 201),
    route("POST", "/intents/pre_pr_check", WRITE, "/intents/pre_pr_check", r#"{"files":["a.py"]}"#, 200),
    route("GET", "/intents", READ, "/intents", "", 200),
    route("GET", "/intents/stale", READ, "/intents/stale?days=30", "", 200),
    route("GET", "/intents/by_owner/{owner}", READ, "/intents/by_owner/team", "", 200),
    route("GET", "/intents/by_file", READ, "/intents/by_file?file=a.py", "", 200),
    route("GET", "/intents/{id}", READ, "/intents/mine", "", 200),
    route("PATCH", "/intents/{id}", WRITE, "/intents/mine", r#"{"reason":"r"}"#, 200),
    route("GET", "/metrics/summary", READ, "/metrics/summary", "", 200),
    route("POST", "/admin/api_keys", Who::Admin, "/admin/api_keys", r#"{"agent_id":"new"}"#, 201),
    route("GET", "/admin/api_keys", Who::Admin, "/admin/api_keys", "", 200),
    route("PATCH", "/admin/api_keys/{key}", Who::Admin, "/admin/api_keys/VICTIM", r#"{"owner":"o"}"#, 200),
    route("POST", "/admin/api_keys/{key}/rotate", Who::Admin, "/admin/api_keys/VICTIM/rotate", "", 200),
    route("DELETE", "/admin/api_keys/{key}", Who::Admin, "/admin/api_keys/VICTIM", "", 200),
    route("DELETE", "/intents/{id}", Who::Admin, "/intents/deletable", "", 200),
    route("GET", "/admin/audit", Who::Admin, "/admin/audit", "", 200),
    route("GET", "/admin/audit/verify", Who::Admin, "/admin/audit/verify", "", 200),
];

/// The keys of the matrix.
struct Keys {
    right: String,
    victim: String,
    expired: String,
    revoked: String,
    empty: String,
    /// A key with every scope but the one that is asked for, by scope.
    without: Vec<(&'static str, String)>,
    unknown: String,
}

async fn keys(app: &TestApp) -> Keys {
    let key = |body: String| async move { app.key(&body).await };
    let expired = key(r#"{"agent_id":"e","expires_in_days":1}"#.to_owned()).await.0;
    app.advance(2 * 24 * 3600);
    let (revoked, revoked_id) = key(r#"{"agent_id":"r"}"#.to_owned()).await;
    let target = format!("/admin/api_keys/{revoked_id}");
    assert_eq!(app.send(Request::new("DELETE", &target).admin()).await.status, 200);
    let all = "intents:any llm:call plans:read plans:write approvals:write pep:read pep:write policy:write events:read";
    let mut without = Vec::new();
    for (scope, other) in [("intents:read", "intents:write"), ("intents:write", "intents:read")] {
        let body = format!(r#"{{"agent_id":"w","scopes":"{all} {other}"}}"#);
        without.push((scope, key(body).await.0));
    }
    let empty = key(r#"{"agent_id":"z"}"#.to_owned()).await;
    let target = format!("/admin/api_keys/{}", empty.1);
    assert_eq!(app.send(Request::new("PATCH", &target).admin().json(r#"{"scopes":[]}"#)).await.status, 200);
    // Known to nobody, but whole: made under the same pepper and deleted by hand.
    let (unknown, unknown_id) = key(r#"{"agent_id":"u"}"#.to_owned()).await;
    let db = Connection::open(&app.db).unwrap();
    assert_eq!(db.execute("DELETE FROM api_keys WHERE key = ?1", [&unknown_id]).unwrap(), 1);
    Keys {
        right: app.agent("right").await,
        victim: key(r#"{"agent_id":"victim"}"#.to_owned()).await.1,
        expired,
        revoked,
        empty: empty.0,
        without,
        unknown,
    }
}

#[actix_web::test]
async fn every_route_admits_exactly_whom_it_should() {
    let app = TestApp::start().await;
    let keys = keys(&app).await;
    app.post(&keys.right, "/intents", r#"{"id":"mine","code":"F821"}"#).await;
    app.post(&keys.right, "/intents", r#"{"id":"deletable","code":"F821"}"#).await;
    app.settle();
    for route in ROUTES {
        let target = route.target.replace("VICTIM", &keys.victim);
        let request = || {
            let request = Request::new(route.method, &target);
            if route.body.is_empty() { request } else { request.json(route.body) }
        };
        let mut strangers: Vec<(&str, Request, u16, &str)> = Vec::new();
        match route.who {
            Who::Probe | Who::Public => {
                let answer = app.send(request().peer("8.8.8.8:1")).await;
                assert_eq!(answer.status, route.status, "{target}: {}", answer.body);
                continue;
            }
            Who::Metrics => {
                let far = || request().peer("8.8.8.8:1");
                let proxied = request().header("x-forwarded-for", "127.0.0.1");
                strangers.push(("far away", far(), 401, "missing_credentials"));
                strangers.push(("through a proxy", proxied, 401, "missing_credentials"));
                strangers.push(("an agent", far().key(&keys.right), 401, "missing_credentials"));
                assert_eq!(app.send(far().admin()).await.status, 200);
            }
            Who::Agent(scope) => {
                let without = &keys.without.iter().find(|(s, _)| *s == scope).unwrap().1;
                let damaged = format!("{}x", &keys.right[..keys.right.len() - 1]);
                strangers.push(("nobody", request(), 401, "missing_credentials"));
                strangers.push(("damaged", request().key(&damaged), 401, "malformed_key"));
                strangers.push(("half", request().key(&keys.right[..30]), 401, "malformed_key"));
                strangers.push(("opaque", request().key("x".repeat(43).as_str()), 401, "invalid_key"));
                strangers.push(("unknown", request().key(&keys.unknown), 401, "invalid_key"));
                strangers.push(("expired", request().key(&keys.expired), 401, "expired_key"));
                strangers.push(("revoked", request().key(&keys.revoked), 401, "revoked_key"));
                strangers.push(("no right at all", request().key(&keys.empty), 403, "missing_scope"));
                strangers.push(("without the scope", request().key(without), 403, "missing_scope"));
                strangers.push(("the admin token", request().key(ADMIN), 401, "invalid_key"));
            }
            Who::Admin => {
                let wrong = request().header("x-t4-admin-token", "wrong");
                let agent = request().header("x-t4-admin-token", &keys.right);
                strangers.push(("nobody", request(), 401, "missing_credentials"));
                strangers.push(("a wrong token", wrong, 401, "invalid_admin_token"));
                strangers.push(("an agent's key", agent, 401, "invalid_admin_token"));
                strangers.push(("an agent", request().key(&keys.right), 401, "missing_credentials"));
            }
        }
        for (who, request, status, code) in strangers {
            let answer = app.send(request).await;
            let found = (answer.status, answer.code());
            assert_eq!(
                found,
                (status, code.to_owned()),
                "{} {target} by {who}: {}",
                route.method,
                answer.body
            );
            // Failures of one address would end in 429: each caller of the matrix comes a minute later.
            app.advance(61);
        }
        let right = match route.who {
            Who::Agent(_) => request().key(&keys.right),
            _ => request().admin(),
        };
        let answer = app.send(right).await;
        assert_eq!(answer.status, route.status, "{} {target}: {}", route.method, answer.body);
    }
    // Nothing that was refused has happened.
    assert_eq!(app.count("SELECT COUNT(*) FROM intents WHERE id = 'mine' AND reason = 'r'").await, 1);
}

#[actix_web::test]
async fn an_intent_of_another_agent_and_owner_can_be_read_but_not_changed() {
    let app = TestApp::start().await;
    let owner = app.agent("owner").await;
    app.post(&owner, "/intents", r#"{"id":"theirs","code":"F821"}"#).await;
    let stranger = app.key(r#"{"agent_id":"stranger","owner":"others"}"#).await.0;
    assert_eq!(app.get(&stranger, "/intents/theirs").await.status, 200);
    let answer = app.patch(&stranger, "/intents/theirs", r#"{"reason":"mine now"}"#).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "not_yours"));
    let any = app.key(r#"{"agent_id":"any","owner":"others","scopes":"intents:*"}"#).await.0;
    assert_eq!(app.patch(&any, "/intents/theirs", r#"{"reason":"moderated"}"#).await.status, 200);
}

/// The table and the document list the same routes with the same guards, so that a new route fails here first.
#[test]
fn the_table_lists_every_route() {
    let document = document();
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let guard = operation["x-t4-guard"].as_str().unwrap().to_owned();
            documented.insert((method.to_uppercase(), path.clone(), guard));
        }
    }
    let listed: BTreeSet<_> = ROUTES
        .iter()
        .map(|route| {
            let guard = match route.who {
                Who::Probe => "probe".to_owned(),
                Who::Public => "public".to_owned(),
                Who::Metrics => "metrics".to_owned(),
                Who::Agent(scope) => format!("agent {scope}"),
                Who::Admin => "admin".to_owned(),
            };
            (route.method.to_owned(), route.path.to_owned(), guard)
        })
        .collect();
    assert_eq!(listed, documented);
}
