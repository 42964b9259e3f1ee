//! Opens an instance and the application on it.

use std::cell::Cell;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::dev::Service as _;
use actix_web::middleware::from_fn;
use actix_web::test::{self, TestRequest};
use actix_web::{App, web};
use control_plane::Services;
use http_api::{HttpSettings, HttpState, configure, request_layer};
use instance::{AdminSource, Instance, OpenMode, Options, PepperSource, open_with};
use llm_gate::Gate;
use registry_core::{Entropy, ManualClock, SeededEntropy, Timestamp};
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Answer, Call};

/// The admin token of every test.
pub const ADMIN: &str = "an-admin-token-of-these-tests";
/// The pepper of every test.
pub const PEPPER: &str = "a pepper for these tests: 32 chars";

type Served = Pin<Box<dyn Future<Output = Answer>>>;

/// How an application is to be started.
pub struct Setup {
    pub options: Options,
    pub settings: HttpSettings,
    pub entropy: Arc<dyn Entropy>,
    /// The way to the providers of models.
    pub gate: Option<Gate>,
    /// Routes of the test's own.
    pub extra: fn(&mut web::ServiceConfig),
    folder: TempDir,
}

/// The application, and what a test may look at behind it.
pub struct TestApp {
    serve: Box<dyn Fn(TestRequest) -> Served>,
    pub services: Arc<Services>,
    pub instance: Instance,
    pub clock: Arc<ManualClock>,
    pub db: PathBuf,
    /// The last audit row that a test has seen.
    pub(super) seen: Cell<i64>,
    folder: TempDir,
}

/// A key as its agent holds it.
#[derive(Clone)]
pub struct Key {
    pub text: String,
    pub id: String,
    pub agent: String,
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp::parse("2026-01-15T10:00:00Z").expect("a time")))
}

impl Setup {
    pub fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let options = Options {
            pepper: PepperSource::Text(PEPPER.to_owned()),
            admin: AdminSource::Token(ADMIN.to_owned()),
            readers: 2,
            ..Options::new(folder.path().join("registry.db"))
        };
        let settings = HttpSettings { version: "0.0.0-test".to_owned(), ..HttpSettings::default() };
        Self {
            options,
            settings,
            entropy: Arc::new(SeededEntropy::new(1)),
            gate: None,
            extra: |_| (),
            folder,
        }
    }

    /// Where the database will lie.
    pub fn db(&self) -> &Path {
        &self.options.db
    }

    /// Why an instance can't be opened so.
    pub async fn refused(self) -> String {
        let opened = open_with(self.options, OpenMode::Serve, clock(), self.entropy).await;
        opened.err().map(|error| error.to_string()).expect("a refusal")
    }

    pub async fn start(self) -> TestApp {
        let clock = clock();
        let db = self.options.db.clone();
        let instance = open_with(self.options, OpenMode::Serve, clock.clone(), self.entropy).await;
        let instance = instance.unwrap_or_else(|error| panic!("{error}"));
        let services = Arc::clone(&instance.services);
        let mut state = HttpState::new(Arc::clone(&services), self.settings).expect("metrics");
        state.gate = self.gate;
        let state = web::Data::new(state);
        let app = App::new()
            .wrap(from_fn(request_layer))
            .configure(self.extra)
            .configure(|config| configure(&state, config));
        let service = Rc::new(test::init_service(app).await);
        let serve = Box::new(move |request: TestRequest| -> Served {
            let service = Rc::clone(&service);
            let request = request.to_request();
            let method = request.method().clone();
            Box::pin(async move {
                match service.call(request).await {
                    Ok(response) => {
                        let route = response.request().match_pattern();
                        let (status, headers) = (response.status(), response.headers().clone());
                        let body = test::read_body(response).await;
                        Answer::new(method, route, status, headers, body)
                    }
                    // What the server makes of an error that no layer answered.
                    Err(error) => {
                        let response = error.error_response();
                        let (status, headers) = (response.status(), response.headers().clone());
                        let body = actix_web::body::to_bytes(response.into_body()).await.expect("a body");
                        Answer::new(method, None, status, headers, body)
                    }
                }
            })
        });
        let app = TestApp { serve, services, instance, clock, db, seen: Cell::new(0), folder: self.folder };
        app.skip_rows().await;
        app
    }
}

impl TestApp {
    pub async fn new() -> Self {
        Setup::new().start().await
    }

    pub fn call(&self, method: &str, path: &str) -> Call<'_> {
        Call::new(self, method, path)
    }

    pub fn get(&self, path: &str) -> Call<'_> {
        self.call("GET", path)
    }

    pub fn post(&self, path: &str, body: &Value) -> Call<'_> {
        self.call("POST", path).json(body)
    }

    pub fn patch(&self, path: &str, body: &Value) -> Call<'_> {
        self.call("PATCH", path).json(body)
    }

    pub fn delete(&self, path: &str) -> Call<'_> {
        self.call("DELETE", path)
    }

    /// Serves a request and checks what holds for every answer.
    pub(super) async fn serve(&self, request: TestRequest) -> Answer {
        let answer = (self.serve)(request).await;
        answer.check();
        answer
    }

    /// A key with the default scopes.
    pub async fn key(&self, agent: &str) -> Key {
        self.key_with(json!({ "agent_id": agent })).await
    }

    pub async fn key_with(&self, body: Value) -> Key {
        let made = self.post("/admin/api_keys", &body).admin().send().await.ok(201);
        Key::of(&made)
    }

    /// Another connection to the file, as `sqlite3` in a runbook.
    pub fn outside(&self) -> Connection {
        let conn = Connection::open(&self.db).expect("the database");
        conn.busy_timeout(std::time::Duration::from_secs(5)).expect("a timeout");
        conn
    }

    /// Changes the file past the server, and waits until the server has noticed. It looks five times a second, by the
    /// machine's own time.
    pub fn until_noticed(&self, change: impl FnOnce()) {
        let before = self.services.store.watch().epoch;
        change();
        let noticed = (0..200).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            self.services.store.watch().epoch != before
        });
        assert!(noticed, "the server has not noticed the change");
    }

    /// Changes the schema as `sqlite3` would, and accepts that as an operator: it is a way to make statements fail.
    pub async fn change_schema(&self, sql: &str) {
        self.change_schema_unread(sql);
        self.skip_rows().await;
    }

    /// The same, with the row that tells of it left for the test to read.
    pub fn change_schema_unread(&self, sql: &str) {
        self.outside().execute_batch(sql).expect("the change");
        let review = storage_sqlite::review_schema(&self.db).expect("a review");
        let now = self.services.clock.now();
        storage_sqlite::accept_schema(&self.db, &review.sha256, now).expect("a database").expect("accepted");
    }

    /// One number that a query gives.
    pub fn count(&self, sql: &str) -> i64 {
        self.outside().query_row(sql, [], |row| row.get(0)).expect("a number")
    }

    pub fn intents(&self) -> i64 {
        self.count("SELECT count(*) FROM intents")
    }

    /// The bytes of every file of the database.
    pub fn bytes_on_disk(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.folder.path()).expect("the folder");
        files.flat_map(|file| std::fs::read(file.expect("a file").path()).expect("bytes")).collect()
    }

    pub fn seconds(&self, seconds: u64) {
        self.clock.advance_micros(seconds * 1_000_000);
    }

    pub fn days(&self, days: u64) {
        self.seconds(days * 86_400);
    }
}

impl Key {
    #[track_caller]
    pub fn of(made: &Value) -> Self {
        let text =
            |field: &str| made[field].as_str().unwrap_or_else(|| panic!("no {field}: {made}")).to_owned();
        Self { text: text("key"), id: text("key_id"), agent: text("agent_id") }
    }

    /// The part that nobody but its holder may know.
    pub fn secret(&self) -> &str {
        self.text.rsplit('_').next().expect("a secret part")
    }
}
