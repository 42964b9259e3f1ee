//! A secret that a caller puts anywhere never comes out where others look: not in a row of the audit log, not in a
//! line of the log, not on the metrics page. What a creator says of an intent is stored with the intent, of course.

use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::support::routes::World;
use crate::support::{ADMIN, Call, PEPPER, Setup};

/// What was logged so far, by every thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("the lines").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Takes everything that the process logs, at every level, with the log's own form.
    fn of_the_process() -> Self {
        static LINES: OnceLock<Lines> = OnceLock::new();
        let lines = LINES.get_or_init(|| {
            let lines = Lines::default();
            let writer = lines.clone();
            let subscriber = tracing_subscriber::fmt().json().flatten_event(true);
            let subscriber =
                subscriber.with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone());
            tracing::subscriber::set_global_default(subscriber.finish()).expect("the only subscriber");
            lines
        });
        lines.clone()
    }

    fn take(&self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut *self.0.lock().expect("the lines"))).into_owned()
    }
}

/// One test at a time may take lines: under `cargo test` both share this process.
static TURN: Mutex<()> = Mutex::new(());

/// A secret with a shape of its own, and the part of it that must not be seen.
fn shaped() -> impl Strategy<Value = (String, String)> {
    prop_oneof![
        ("[0-9A-Za-z]{12}", "[0-9A-Za-z]{49}").prop_map(|(id, secret)| (format!("t4_{id}_{secret}"), secret)),
        "[A-Za-z0-9_-]{43}".prop_map(|key| (key.clone(), key)),
        "[A-Za-z0-9]{30}".prop_map(|rest| (format!("sk-{rest}"), rest)),
        "[A-Za-z0-9]{36}".prop_map(|rest| (format!("ghp_{rest}"), rest)),
        "[A-Z0-9]{16}".prop_map(|rest| (format!("AKIA{rest}"), rest)),
    ]
}

/// Names whose value is a secret, whatever it looks like.
const SECRET_NAMES: [&str; 7] =
    ["password", "api_key", "admin_token", "Authorization", "clientSecret", "cookie", "key"];

/// Headers that carry anything at all.
const HEADERS: [&str; 14] = [
    "X-T4-API-KEY",
    "X-API-Key",
    "Authorization",
    "X-T4-Admin-Token",
    "X-Request-Id",
    "Idempotency-Key",
    "If-Match",
    "User-Agent",
    "Referer",
    "Cookie",
    "Content-Type",
    "X-Forwarded-For",
    "Traceparent",
    "X-Anything",
];

const FIELDS: [&str; 13] = [
    "id",
    "code",
    "type",
    "file",
    "import_text",
    "reason_category",
    "reason",
    "suggestion",
    "owner",
    "ticket",
    "eta",
    "status",
    "agent_id",
];

/// Where a secret is put.
#[derive(Debug, Clone)]
enum Place {
    Field(usize),
    Raw { name: usize, deep: bool },
    MemberName,
    BrokenBody,
    Header(usize),
    Query { name: String, encode: bool },
    Segment { route: usize, encode: bool },
    Method,
    KeyBody,
    File,
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        (0..FIELDS.len()).prop_map(Place::Field),
        (0..SECRET_NAMES.len(), any::<bool>()).prop_map(|(name, deep)| Place::Raw { name, deep }),
        Just(Place::MemberName),
        Just(Place::BrokenBody),
        (0..HEADERS.len()).prop_map(Place::Header),
        ("(file|code|owner|cursor|limit|x|admin_token|token|key)", any::<bool>())
            .prop_map(|(name, encode)| Place::Query { name, encode }),
        (0..SEGMENTS.len(), any::<bool>()).prop_map(|(route, encode)| Place::Segment { route, encode }),
        Just(Place::Method),
        Just(Place::KeyBody),
        Just(Place::File),
    ]
}

const SEGMENTS: [(&str, &str); 8] = [
    ("GET", "/intents/{}"),
    ("PATCH", "/intents/{}"),
    ("GET", "/intents/by_owner/{}"),
    ("DELETE", "/admin/api_keys/{}"),
    ("PATCH", "/admin/api_keys/{}"),
    ("POST", "/admin/api_keys/{}/rotate"),
    ("GET", "/docs/{}"),
    ("GET", "/{}/nowhere"),
];

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A request with the secret in its place. Both credentials are good, so that it gets as far as it can.
fn request<'a>(world: &'a World, place: &Place, secret: &str) -> Call<'a> {
    let app = &world.app;
    let good = |call: Call<'a>| call.key(&world.alice.text).admin();
    let spelled = |encode: bool| if encode { percent(secret) } else { secret.to_owned() };
    match place {
        Place::Field(field) => {
            let mut body = json!({ "code": "A" });
            body[FIELDS[*field]] = json!(secret);
            good(app.post("/intents", &body))
        }
        Place::Raw { name, deep } => {
            let mut raw = json!({ SECRET_NAMES[*name]: { "inner": [secret] } });
            if *deep {
                raw = json!({ "list": [{ "text": raw.to_string() }] });
            }
            good(app.post("/intents", &json!({ "code": "A", "raw": raw })))
        }
        Place::MemberName => {
            let mut body = Map::new();
            body.insert("code".to_owned(), json!("A"));
            body.insert(secret.to_owned(), json!(1));
            good(app.post("/intents", &Value::Object(body)))
        }
        Place::BrokenBody => good(app.call("POST", "/intents").body(format!("{{\"code\":\"{secret}"))),
        Place::Header(header) => {
            let call = app.patch("/intents/alice-1", &json!({ "reason": "r" }));
            // Of two headers of one name the first is read, so the secret comes first.
            good(call.header(HEADERS[*header], secret))
        }
        Place::Query { name, encode } => good(app.get(&format!("/intents?{name}={}", spelled(*encode)))),
        Place::Segment { route, encode } => {
            let (method, path) = SEGMENTS[*route];
            good(app.call(method, &path.replace("{}", &spelled(*encode))).json(&json!({})))
        }
        Place::Method => good(app.call(secret, "/intents")),
        Place::KeyBody => good(app.post("/admin/api_keys", &json!({ "agent_id": "a", "scopes": secret }))),
        Place::File => good(app.post("/intents/pre_pr_check", &json!({ "files": [secret] }))),
    }
}

#[test]
fn a_secret_put_anywhere_reaches_no_row_no_log_line_and_no_metric() {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let lines = Lines::of_the_process();
    let system = actix_web::rt::System::new();
    let world = system.block_on(async {
        let setup = Setup::new();
        World::on(setup.start().await).await
    });
    let mut runner = TestRunner::new(Config { cases: 600, failure_persistence: None, ..Config::default() });
    let last = std::cell::Cell::new(0_i64);
    let held = runner.run(&(place(), shaped()), |(place, (secret, hidden))| {
        lines.take();
        let (rows, metrics) = system.block_on(async {
            let answer = request(&world, &place, &secret).send().await;
            assert_ne!(answer.status, 500, "{}", answer.text());
            world.app.skip_rows().await;
            // Everybody has room again, so that each request has a row of its own.
            world.app.seconds(61);
            let metrics = world.app.get("/metrics").from("127.0.0.1").send().await.text();
            world.app.skip_rows().await;
            let rows = world.app.dump(&format!("audit_log WHERE id > {}", last.get()));
            last.set(world.app.count("SELECT max(id) FROM audit_log"));
            (rows, metrics)
        });
        let log = lines.take();
        prop_assert!(!rows.is_empty() && log.contains("\"outcome\""));
        prop_assert!(!rows.contains(&hidden), "a row has the secret: {}", rows);
        prop_assert!(!log.contains(&hidden), "a line has the secret: {}", log);
        prop_assert!(!metrics.contains(&hidden), "a metric has the secret");
        Ok(())
    });
    if let Err(failure) = held {
        panic!("{failure}");
    }
}

/// Secrets that the server knows by value, none of a shape that redaction knows, and one that requests present.
const KNOWN: [&str; 5] = [
    ADMIN,
    PEPPER,
    "a-static-key-of-the-configuration",
    "innocent-words-of-a-provider",
    "an-opaque-key-of-another-agent",
];

/// The same text, every second letter of it as an escape of JSON.
fn escaped(text: &str) -> String {
    let each = |(at, byte): (usize, u8)| {
        if at % 2 == 0 { format!("\\u{byte:04x}") } else { char::from(byte).to_string() }
    };
    text.bytes().enumerate().map(each).collect()
}

#[test]
fn a_known_secret_put_anywhere_is_in_no_answer_no_table_and_no_log_line() {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let lines = Lines::of_the_process();
    let system = actix_web::rt::System::new();
    let world = system.block_on(async {
        let mut setup = Setup::new();
        setup.options.static_keys = vec![KNOWN[2].to_owned()];
        setup.options.known_secrets = vec![KNOWN[3].to_owned()];
        World::on(setup.start().await).await
    });
    let app = &world.app;
    let made = std::cell::Cell::new(0_u64);
    let mut runner = TestRunner::new(Config { cases: 400, failure_persistence: None, ..Config::default() });
    let held = runner.run(&(place(), 0..KNOWN.len(), any::<bool>()), |(place, secret, escape)| {
        let secret = KNOWN[secret];
        let place = match place {
            Place::Method if secret.contains(' ') => Place::BrokenBody,
            Place::Query { name, .. } if secret.contains(' ') => Place::Query { name, encode: true },
            Place::Segment { route, .. } if secret.contains(' ') => Place::Segment { route, encode: true },
            place => place,
        };
        lines.take();
        let (answer, rows) = system.block_on(async {
            let mut calls = vec![request(&world, &place, secret)];
            if escape {
                let body = format!(r#"{{"code":"A","reason":"{0}","raw":{{"{0}":1}}}}"#, escaped(secret));
                calls.push(app.call("POST", "/intents").body(body).key(&world.alice.text));
                let body = format!(r#"{{"agent_id":"{}"}}"#, escaped(secret));
                calls.push(app.call("POST", "/admin/api_keys").body(body).admin());
            }
            let mut answers = String::new();
            for call in calls {
                let number = made.replace(made.get() + 1);
                let call = call.header("X-API-Key", KNOWN[4]);
                // Where the key of idempotency is the secret itself, it comes first and is refused.
                let answer = call.once(&format!("once-{number}")).send().await;
                assert_ne!(answer.status, 500, "{}", answer.text());
                answers.push_str(&format!("{:?} {}", answer.headers, answer.text()));
            }
            app.skip_rows().await;
            app.seconds(61);
            let tables = ["intents", "api_keys", "idempotency", "audit_log", "outside_changes", "llm_holds"];
            (answers, tables.map(|table| app.dump(table)).concat())
        });
        let log = lines.take();
        let hidden = |text: &str| !text.contains(secret);
        prop_assert!(hidden(&answer), "an answer has the secret: {}", answer);
        prop_assert!(hidden(&rows), "a row has the secret: {}", rows);
        prop_assert!(hidden(&log), "a line has the secret: {}", log);
        Ok(())
    });
    if let Err(failure) = held {
        panic!("{failure}");
    }
}

#[actix_web::test]
async fn texts_that_hold_a_known_secret_are_kept_without_it_and_say_so() {
    let world = World::new().await;
    let app = &world.app;
    let secret = &world.alice.text[16..];
    let body = json!({ "id": "told", "code": "A", "reason": format!("my key is {}", world.alice.text), "raw": { secret: [1] } });
    let made = app.post("/intents", &body).key(&world.alice.text).send().await;
    assert_eq!(made.status, 201, "{}", made.text());
    let intent = app.get("/intents/told").key(&world.alice.text).send().await.json();
    assert_eq!(intent["reason"], format!("my key is {}_[redacted]", world.alice.id));
    assert_eq!(intent["raw"], json!({ "[redacted]": [1] }));
    // Of another agent's key only a MAC is known; it is found by its form.
    let body = json!({ "reason": format!("{} is another's", world.mallory.text) });
    app.patch("/intents/told", &body).key(&world.alice.text).send().await;
    let changed = app.get("/intents/told").key(&world.alice.text).send().await.json();
    assert_eq!(changed["reason"], format!("{}_[redacted] is another's", world.mallory.id));
    let target = format!("/intents?limit=1&x={}&owner=team-a", world.alice.text);
    let page = app.get(&target).key(&world.alice.text).send().await;
    assert!(!format!("{:?}", page.headers).contains(secret), "{:?}", page.headers);
    let refused = app
        .post("/intents", &json!({ "code": "A" }))
        .key(&world.alice.text)
        .once(&world.alice.text)
        .send()
        .await;
    assert_eq!((refused.status, refused.code().as_str()), (422, "invalid_query"));
    for id in [secret, KNOWN[4]] {
        let call = app.get("/intents/told").key(&world.alice.text).header("X-API-Key", KNOWN[4]);
        let told = call.header("X-Request-Id", id).send().await.told("x-request-id").to_owned();
        assert!(told.len() == 32 && told.bytes().all(|byte| byte.is_ascii_hexdigit()), "{told}");
    }
}

#[test]
fn the_cause_of_a_failure_is_logged_without_the_credentials_of_its_request() {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let lines = Lines::of_the_process();
    let system = actix_web::rt::System::new();
    let world = system.block_on(World::new());
    let fails = format!(
        "CREATE TRIGGER fails BEFORE INSERT ON intents BEGIN SELECT RAISE(ABORT, 'the cause: {} {}'); END",
        KNOWN[4], world.mallory.text
    );
    system.block_on(world.app.change_schema(&fails));
    let body = json!({ "code": "A" });
    let call = world.app.post("/intents", &body).key(&world.alice.text).header("X-API-Key", KNOWN[4]);
    assert_eq!(system.block_on(call.send()).status, 503);
    let log = lines.take();
    assert!(log.contains("the cause: [redacted] t4_"), "{log}");
    assert!(!log.contains(KNOWN[4]) && !log.contains(&world.mallory.text[16..]), "{log}");
}

/// What has no shape of its own is known by the name that it stands under.
#[test]
fn any_text_under_a_secret_name_reaches_no_row_and_no_log_line() {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let lines = Lines::of_the_process();
    let system = actix_web::rt::System::new();
    let world = system.block_on(World::new());
    let mut runner = TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() });
    let names = proptest::sample::select(SECRET_NAMES.to_vec());
    let held = runner.run(&(names, "[a-z]{4}canary[a-z]{4}", 0..5_u8), |(name, canary, place)| {
        lines.take();
        let app = &world.app;
        let call = match place {
            0 => app.post("/intents", &json!({ "code": "A", "raw": { name: canary.clone() } })),
            1 => app.post(
                "/intents",
                &json!({ "code": "A", "raw": { "a": [{ name: { "b": canary.clone() } }] } }),
            ),
            2 => app.post("/intents", &json!({ "code": "A", name: canary.clone() })),
            3 => app.get(&format!("/intents?{name}={canary}")),
            _ => app.get(&format!("/intents?{}={canary}", percent(name))),
        };
        system.block_on(async {
            call.key(&world.alice.text).send().await;
            app.skip_rows().await;
            app.seconds(61);
        });
        prop_assert!(!app.dump("audit_log").contains(&canary), "a row has the secret");
        prop_assert!(!lines.take().contains(&canary), "a line has the secret");
        Ok(())
    });
    if let Err(failure) = held {
        panic!("{failure}");
    }
}
