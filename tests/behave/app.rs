//! The whole product in this process, on a file of its own, with a clock that stands until a test moves it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use actix_web::body::to_bytes;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::from_fn;
use actix_web::{App, Error, HttpResponse, test, web};
use instance::{AdminSource, Instance, OpenMode, Options, open_with};
use intent_http::{HttpSettings, HttpState, configure, document, edge_layer};
use intent_service::Services;
use registry_core::{Entropy, ManualClock, SeededEntropy, Timestamp};
use serde_json::Value;

/// The admin token of every test.
pub const ADMIN: &str = "an-admin-token-of-the-tests";

/// The time at which every test begins.
pub const START: &str = "2026-06-01T12:00:00Z";

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// The error code, or `ok`.
    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or("ok").to_owned()
    }

    /// The path and query of the next page.
    pub fn next(&self) -> Option<String> {
        let link = self.header("link")?;
        Some(link.strip_prefix('<')?.split('>').next()?.to_owned())
    }
}

/// A request in the making.
pub struct Request {
    method: Method,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    peer: String,
}

impl Request {
    pub fn new(method: &str, target: &str) -> Self {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let (target, peer) = (target.to_owned(), "127.0.0.1:5000".to_owned());
        Self { method, target, headers: Vec::new(), body: Vec::new(), peer }
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub fn key(self, key: &str) -> Self {
        self.header("x-t4-api-key", key)
    }

    pub fn admin(self) -> Self {
        self.header("x-t4-admin-token", ADMIN)
    }

    /// A JSON body, declared as such.
    pub fn json(self, body: impl AsRef<[u8]>) -> Self {
        self.header("content-type", "application/json").body(body)
    }

    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// The peer's address and port.
    pub fn peer(mut self, peer: &str) -> Self {
        self.peer = peer.to_owned();
        self
    }
}

type Boxed =
    Box<dyn Fn(test::TestRequest) -> std::pin::Pin<Box<dyn Future<Output = Result<ServiceResponse, Error>>>>>;

/// The product.
pub struct TestApp {
    pub instance: Instance,
    pub clock: Arc<ManualClock>,
    pub db: PathBuf,
    serve: Boxed,
    /// Every (method, route template, status, code) that was seen, for the check against the document.
    seen: RefCell<BTreeSet<(String, String, u16, String)>>,
    _folder: tempfile::TempDir,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::with(|_| {}, HttpSettings::default()).await
    }

    /// An app with other options.
    pub async fn with(change: impl FnOnce(&mut Options), settings: HttpSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = folder.path().join("registry.db");
        let mut options = Options::new(db.clone());
        options.admin = AdminSource::Token(ADMIN.to_owned());
        change(&mut options);
        let clock = Arc::new(ManualClock::at(Timestamp::parse(START).unwrap()));
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(7));
        let injected: Arc<dyn registry_core::Clock> = Arc::clone(&clock) as _;
        let instance = open_with(options, OpenMode::Serve, injected, entropy).await.unwrap();
        let settings = HttpSettings { version: "test".to_owned(), ..settings };
        let state = web::Data::new(HttpState::new(Arc::clone(&instance.services), settings).unwrap());
        let app = App::new()
            .app_data(state)
            .wrap(from_fn(edge_layer))
            .service(web::resource("/test/panic").to(panics))
            .configure(configure);
        let service = std::rc::Rc::new(test::init_service(app).await);
        let serve: Boxed = Box::new(move |request| {
            let service = std::rc::Rc::clone(&service);
            Box::pin(async move {
                service.call(request.to_request()).await.map(ServiceResponse::map_into_boxed_body)
            })
        });
        Self { instance, clock, db, serve, seen: RefCell::default(), _folder: folder }
    }

    pub fn services(&self) -> &Services {
        &self.instance.services
    }

    /// Sends a request.
    pub async fn send(&self, request: Request) -> Answer {
        let mut built = test::TestRequest::default()
            .method(request.method.clone())
            .uri(&request.target)
            .peer_addr(request.peer.parse().unwrap());
        for (name, value) in &request.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            built = built.append_header((name, HeaderValue::from_bytes(value).unwrap()));
        }
        if !request.body.is_empty() {
            built = built.set_payload(request.body.clone());
        }
        let (response, route) = match (self.serve)(built).await {
            Ok(response) => {
                let route = response.request().match_pattern().unwrap_or_default();
                (response.into_parts().1, route)
            }
            Err(error) => (HttpResponse::from_error(error), String::new()),
        };
        let status = response.status().as_u16();
        let headers = response.headers().iter();
        let headers = headers
            .map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned()))
            .collect();
        let body = to_bytes(response.into_body()).await.unwrap_or_default();
        let answer = Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() };
        let method = request.method.as_str().to_owned();
        self.seen.borrow_mut().insert((method, route, status, answer.code()));
        answer
    }

    /// A new key: its text and its id.
    pub async fn key(&self, body: &str) -> (String, String) {
        let made = self.send(Request::new("POST", "/admin/api_keys").admin().json(body)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let text = |name: &str| made.json()[name].as_str().unwrap().to_owned();
        (text("key"), text("key_id"))
    }

    /// A key of an agent of `team` with a limit that no test reaches.
    pub async fn agent(&self, agent: &str) -> String {
        let body = format!(r#"{{"agent_id":"{agent}","owner":"team","rate_per_minute":1000000}}"#);
        self.key(&body).await.0
    }

    pub async fn get(&self, key: &str, target: &str) -> Answer {
        self.send(Request::new("GET", target).key(key)).await
    }

    pub async fn post(&self, key: &str, target: &str, body: &str) -> Answer {
        self.send(Request::new("POST", target).key(key).json(body)).await
    }

    pub async fn patch(&self, key: &str, target: &str, body: &str) -> Answer {
        self.send(Request::new("PATCH", target).key(key).json(body)).await
    }

    /// Moves the clock.
    pub fn advance(&self, seconds: u64) {
        self.clock.advance_micros(seconds * 1_000_000);
    }

    /// Waits until the store has looked at its file at the time that the clock shows now.
    pub fn settle(&self) {
        let now = registry_core::Clock::monotonic_micros(self.clock.as_ref());
        while self.services().store.watch().last_good_look_micros < now {
            std::thread::yield_now();
        }
    }

    /// Writes the rows that wait, and returns the value of a query over one column.
    pub async fn rows(&self, sql: &str) -> Vec<Option<String>> {
        self.services().recorder.flush().await.unwrap();
        let db = rusqlite::Connection::open(&self.db).unwrap();
        let mut statement = db.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| {
            row.get::<_, rusqlite::types::Value>(0).map(|value| match value {
                rusqlite::types::Value::Null => None,
                rusqlite::types::Value::Integer(n) => Some(n.to_string()),
                rusqlite::types::Value::Real(n) => Some(n.to_string()),
                rusqlite::types::Value::Text(text) => Some(text),
                rusqlite::types::Value::Blob(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            })
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// How many rows a query counts.
    pub async fn count(&self, sql: &str) -> i64 {
        self.rows(sql).await[0].as_deref().unwrap().parse().unwrap()
    }
}

impl Drop for TestApp {
    /// Whatever a test saw, the document must say.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let document = document();
        for (method, route, status, code) in self.seen.borrow().iter() {
            let operation = &document["paths"][route.as_str()][method.to_ascii_lowercase()];
            if operation.is_null() || code == "audit_unavailable" {
                continue;
            }
            let answer = &operation["responses"][status.to_string()];
            assert!(
                !answer.is_null(),
                "{method} {route} answered {status}, which the document does not list"
            );
            if code != "ok" {
                let listed =
                    answer["x-t4-codes"].as_array().is_some_and(|codes| codes.iter().any(|c| c == code));
                assert!(
                    listed,
                    "{method} {route} answered {status} {code}, which the document does not list"
                );
            }
        }
    }
}

async fn panics() -> HttpResponse {
    panic!("a handler of the tests panics")
}
