//! Every route, and a call of it that succeeds. A route that is not here fails `authz_matrix`.

use serde_json::{Value, json};

use super::{Call, Key, TestApp};

/// One route.
pub struct RouteCase {
    pub method: &'static str,
    pub template: &'static str,
    /// `x-t4-guard` of the document.
    pub guard: &'static str,
    pub success: u16,
    /// Path, query and body of a call that succeeds with the right credentials.
    call: fn(&World) -> (String, Option<Value>),
}

/// What the calls are about.
pub struct World {
    pub app: TestApp,
    /// May do everything with intents, and call models; `alice-1` is hers, and so is the hold of `alice-call`.
    pub alice: Key,
    /// May do the same, with nothing of her own.
    pub mallory: Key,
    /// A key that admins work on.
    pub victim: Key,
}

const READ: &str = "agent intents:read";
const WRITE: &str = "agent intents:write";
const CALL: &str = "agent llm:call";

fn plain(path: &'static str) -> (String, Option<Value>) {
    (path.to_owned(), None)
}

/// A hold of a call that its agent makes itself.
fn hold(call_id: &str) -> Value {
    json!({
        "call_id": call_id, "provider": "openai", "model": "gpt-4o-mini", "input_tokens": 10, "max_tokens": 10,
    })
}

const fn route(
    method: &'static str,
    template: &'static str,
    guard: &'static str,
    success: u16,
    call: fn(&World) -> (String, Option<Value>),
) -> RouteCase {
    RouteCase { method, template, guard, success, call }
}

pub const ROUTES: [RouteCase; 39] = [
    route("GET", "/health", "probe", 200, |_| plain("/health")),
    route("GET", "/healthz", "probe", 200, |_| plain("/healthz")),
    route("GET", "/readyz", "probe", 200, |_| plain("/readyz")),
    route("GET", "/metrics", "metrics", 200, |_| plain("/metrics")),
    route("GET", "/openapi.json", "public", 200, |_| plain("/openapi.json")),
    route("GET", "/docs", "public", 200, |_| plain("/docs")),
    route("GET", "/docs/{file}", "public", 200, |_| plain("/docs/swagger-ui.css")),
    route("POST", "/intents", WRITE, 201, |_| ("/intents".to_owned(), Some(json!({ "code": "F821" })))),
    route("POST", "/intents/batch", WRITE, 201, |_| {
        ("/intents/batch".to_owned(), Some(json!({ "intents": [{ "code": "F821" }] })))
    }),
    route("POST", "/intents/pre_pr_check", WRITE, 200, |_| {
        ("/intents/pre_pr_check".to_owned(), Some(json!({ "files": ["src/a.py"] })))
    }),
    route("GET", "/intents", READ, 200, |_| plain("/intents?limit=10")),
    route("GET", "/intents/stale", READ, 200, |_| plain("/intents/stale?days=1")),
    route("GET", "/intents/by_owner/{owner}", READ, 200, |_| plain("/intents/by_owner/team-a")),
    route("GET", "/intents/by_file", READ, 200, |_| plain("/intents/by_file?file=src%2Fa.py")),
    route("GET", "/intents/{id}", READ, 200, |_| plain("/intents/alice-1")),
    route("PATCH", "/intents/{id}", WRITE, 200, |_| {
        ("/intents/alice-1".to_owned(), Some(json!({ "reason": "because" })))
    }),
    route("GET", "/metrics/summary", READ, 200, |_| plain("/metrics/summary")),
    // The world has no provider of models, and the right caller is told so.
    route("POST", "/llm/v1/chat/completions", CALL, 503, |_| {
        let messages = json!([{ "role": "user", "content": "hello" }]);
        ("/llm/v1/chat/completions".to_owned(), Some(json!({ "model": "gpt-4o-mini", "messages": messages })))
    }),
    route("POST", "/llm/v1/embeddings", CALL, 503, |_| {
        (
            "/llm/v1/embeddings".to_owned(),
            Some(json!({ "model": "text-embedding-3-small", "input": "hello" })),
        )
    }),
    route("POST", "/llm/chat", CALL, 503, |_| ("/llm/chat".to_owned(), Some(json!({ "prompt": "hello" })))),
    route("GET", "/llm/v1/models", CALL, 200, |_| plain("/llm/v1/models")),
    route("GET", "/llm/status", CALL, 200, |_| plain("/llm/status")),
    route("GET", "/llm/quota", CALL, 200, |_| plain("/llm/quota?model=gpt-4o-mini&input_tokens=10")),
    route("GET", "/llm/usage", CALL, 200, |_| plain("/llm/usage?limit=10")),
    route("GET", "/llm/usage/summary", CALL, 200, |_| plain("/llm/usage/summary?by=day")),
    route("POST", "/llm/holds", CALL, 201, |_| ("/llm/holds".to_owned(), Some(hold("new-call")))),
    route("POST", "/llm/holds/{id}/settle", CALL, 200, |_| {
        let usage = json!({ "prompt_tokens": 3, "completion_tokens": 2 });
        ("/llm/holds/alice-call.1/settle".to_owned(), Some(json!({ "usage": usage })))
    }),
    route("POST", "/llm/holds/{id}/release", CALL, 200, |_| {
        ("/llm/holds/alice-call.1/release".to_owned(), Some(json!({ "reason": "not_sent" })))
    }),
    route("GET", "/admin/llm/usage", "admin", 200, |_| plain("/admin/llm/usage?limit=10")),
    route("GET", "/admin/llm/usage/summary", "admin", 200, |_| plain("/admin/llm/usage/summary")),
    route("GET", "/admin/llm/holds", "admin", 200, |_| plain("/admin/llm/holds")),
    route("DELETE", "/intents/{id}", "admin", 200, |_| plain("/intents/alice-1")),
    route("POST", "/admin/api_keys", "admin", 201, |_| {
        ("/admin/api_keys".to_owned(), Some(json!({ "agent_id": "new" })))
    }),
    route("GET", "/admin/api_keys", "admin", 200, |_| plain("/admin/api_keys?limit=10")),
    route("PATCH", "/admin/api_keys/{key}", "admin", 200, |world| {
        (format!("/admin/api_keys/{}", world.victim.id), Some(json!({ "owner": "team-b" })))
    }),
    route("POST", "/admin/api_keys/{key}/rotate", "admin", 200, |world| {
        (format!("/admin/api_keys/{}/rotate", world.victim.id), Some(json!({ "overlap_seconds": 60 })))
    }),
    route("DELETE", "/admin/api_keys/{key}", "admin", 200, |world| {
        (format!("/admin/api_keys/{}", world.victim.id), None)
    }),
    route("GET", "/admin/audit", "admin", 200, |_| plain("/admin/audit?limit=5")),
    route("GET", "/admin/audit/verify", "admin", 200, |_| plain("/admin/audit/verify")),
];

impl RouteCase {
    /// The call that succeeds, before its credentials.
    pub fn call<'a>(&self, world: &'a World) -> Call<'a> {
        let (path, body) = (self.call)(world);
        let call = world.app.call(self.method, &path);
        match body {
            Some(body) => call.json(&body),
            None => call,
        }
    }

    /// The same route with a body that nobody may get as far as reading.
    pub fn unreadable<'a>(&self, world: &'a World) -> Call<'a> {
        let (path, _) = (self.call)(world);
        world.app.call(self.method, &path).body("{not json")
    }

    pub fn path(&self, world: &World) -> String {
        (self.call)(world).0
    }

    /// The body of the call that succeeds.
    pub fn body(&self, world: &World) -> Option<Value> {
        (self.call)(world).1
    }

    /// The call with the right credentials.
    pub fn allowed<'a>(&self, world: &'a World) -> Call<'a> {
        let call = self.call(world);
        match self.guard {
            "admin" | "metrics" => call.admin(),
            READ | WRITE | CALL => call.key(&world.alice.text),
            _ => call,
        }
    }

    /// Whether it allows an act outside the database: its row says so, and how the act ended has another one.
    pub fn authorises(&self) -> bool {
        self.template == "/llm/holds"
    }

    /// The scope that an agent needs.
    pub fn scope(&self) -> Option<&'static str> {
        self.guard.strip_prefix("agent ")
    }
}

impl World {
    pub async fn new() -> Self {
        Self::on(TestApp::new().await).await
    }

    pub async fn on(app: TestApp) -> Self {
        let key = |agent: &str, owner: &str| app.key_with(json!({ "agent_id": agent, "owner": owner }));
        let alice = key("alice", "team-a").await;
        let mallory = key("mallory", "team-m").await;
        let victim = key("victim", "team-v").await;
        let intent =
            json!({ "id": "alice-1", "code": "F401", "file": "src/a.py", "line": 7, "owner": "team-a" });
        app.post("/intents", &intent).key(&alice.text).send().await.ok(201);
        app.post("/llm/holds", &hold("alice-call")).key(&alice.text).send().await.ok(201);
        app.skip_rows().await;
        Self { app, alice, mallory, victim }
    }
}
