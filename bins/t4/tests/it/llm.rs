//! `t4 llm`: usage, quota, status and reconcile against a server with canned answers.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use crate::support::Ended;

/// A server: what it was asked (the target, and by which credential), and how it answers a target.
struct Books {
    url: String,
    asked: Arc<Mutex<Vec<(String, &'static str)>>>,
}

impl Books {
    fn serve(answer: impl Fn(&str) -> (u16, Value) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (target, who) = head_of(&stream);
                log.lock().unwrap().push((target.clone(), who));
                let (status, body) = answer(&target);
                respond(stream, status, &body.to_string());
            }
        });
        Self { url, asked }
    }

    fn asked(&self) -> Vec<(String, &'static str)> {
        self.asked.lock().unwrap().clone()
    }

    /// `t4 llm` with these arguments, with a key and an admin token, in a folder of its own.
    fn run(&self, arguments: &[&str]) -> Ended {
        let folder = tempfile::tempdir().unwrap();
        let mut command = t4(folder.path(), arguments);
        command.env("T4_API_KEY", "geheim-key").env("T4_ADMIN_TOKEN", "geheim-token");
        command.env("T4_INTENT_API", &self.url).output().unwrap().into()
    }
}

fn t4(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_t4"));
    command.arg("llm").args(arguments).current_dir(folder).stdin(Stdio::null());
    for name in ["T4_API_KEY", "T4_ADMIN_TOKEN", "T4_INTENT_API", "T4_PRICES"] {
        command.env_remove(name);
    }
    command
}

fn head_of(stream: &TcpStream) -> (String, &'static str) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let target = line.split(' ').nth(1).unwrap().to_owned();
    let mut who = "nobody";
    while !line.trim().is_empty() {
        line.clear();
        reader.read_line(&mut line).unwrap();
        match line.to_ascii_lowercase().trim() {
            "x-t4-api-key: geheim-key" => who = "agent",
            "x-t4-admin-token: geheim-token" => who = "admin",
            _ => {}
        }
    }
    (target, who)
}

fn respond(mut stream: TcpStream, status: u16, body: &str) {
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}

fn row(agent: &str, source: &str) -> Value {
    json!({
        "timestamp": "2026-11-21T10:00:03.000001Z", "key_id": "t4_000000000001", "agent_id": agent,
        "model": "gpt-4o-mini", "provider": "openai", "call_id": "call_1", "attempt": 1,
        "usage": {"prompt_tokens": 1000, "cached_tokens": 0, "cache_write_tokens": 0, "completion_tokens": 7,
                  "reasoning_tokens": 0},
        "cost_usd": 0.00015, "cost_pico_usd": 150_000_000, "price_version": "0123456789ab", "source": source,
        "outcome": "ok", "overrun": false, "late": false,
    })
}

fn total(group: &str, cost_pico_usd: i64) -> Value {
    json!({
        "group": group, "calls": 2, "usage": {"prompt_tokens": 3, "cached_tokens": 0, "cache_write_tokens": 0,
        "completion_tokens": 4, "reasoning_tokens": 0}, "cost_usd": 1.0, "cost_pico_usd": cost_pico_usd, "flagged": 0,
    })
}

fn hold(orphaned: bool) -> Value {
    json!({
        "hold_id": "call_1.1", "key_id": "t4_000000000001", "agent_id": "bot", "provider": "openai",
        "model": "gpt-4o-mini", "held_usd": 1.0, "held_pico_usd": 1_000_000_000_000_i64,
        "created_at": "2026-11-21T10:00:03.000001Z", "lease_until": "2026-11-21T10:10:03.000001Z",
        "orphaned": orphaned,
    })
}

fn refusal(status: u16, code: &str) -> (u16, Value) {
    let error = json!({"code": code, "message": format!("no: {code}"), "request_id": "req-7"});
    (status, json!({"error": error, "detail": "no"}))
}

#[test]
fn usage_shows_the_agents_own_rows_with_their_cost() {
    let books = Books::serve(|_| (200, json!([row("bot", "provider"), row("bot", "estimated")])));
    let ended = books.run(&["usage"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for word in ["2026-11-21 10:00:03", "gpt-4o-mini", "$0.000150", "estimated", "1000"] {
        assert!(ended.out.contains(word), "{word} {}", ended.out);
    }
    assert!(!ended.out.contains("bot") && ended.err.is_empty(), "{ended:?}");
    assert_eq!(books.asked(), [("/llm/usage?limit=101".to_owned(), "agent")]);
}

#[test]
fn all_asks_with_the_admin_token_and_names_the_agents() {
    let books = Books::serve(|_| (200, json!([row("bot", "provider")])));
    let ended = books.run(&[
        "usage",
        "--all",
        "--flagged",
        "--since",
        "2026-11-01",
        "--until",
        "2026-11-21T10:00:00+02:00",
    ]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("bot"), "{}", ended.out);
    let query =
        "since=2026-11-01T00%3A00%3A00.000000Z&until=2026-11-21T08%3A00%3A00.000000Z&flagged=true&limit=101";
    assert_eq!(books.asked(), [(format!("/admin/llm/usage?{query}"), "admin")]);
}

#[test]
fn the_limit_holds_and_what_it_hides_is_told() {
    let books = Books::serve(|_| (200, json!([row("first", "provider"), row("second", "provider")])));
    let ended = books.run(&["usage", "--limit", "1", "--json"]);
    let rows: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(rows, json!([row("first", "provider")]));
    assert!(ended.err.contains("there are more"), "{}", ended.err);
    let ended = books.run(&["usage", "--limit", "2", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&ended.out).unwrap().as_array().unwrap().len(), 2);
    assert!(ended.err.is_empty(), "{}", ended.err);
}

#[test]
fn csv_has_a_header_and_no_formulas() {
    let books = Books::serve(|target| {
        let sums = target.starts_with("/llm/usage/summary");
        (200, json!([if sums { total("=1+1", 150_000_000) } else { row("=1+1", "provider") }]))
    });
    let ended = books.run(&["usage", "--csv"]);
    assert!(ended.out.starts_with("timestamp,key_id,agent_id,"), "{}", ended.out);
    assert!(ended.out.contains(",'=1+1,,gpt-4o-mini,") && ended.out.ends_with("\r\n"), "{}", ended.out);
    let ended = books.run(&["usage", "--by", "agent", "--csv"]);
    assert_eq!(ended.out.lines().nth(1), Some("'=1+1,2,3,0,0,4,0,0.00015,150000000,0"), "{}", ended.out);
}

#[test]
fn sums_go_to_the_summary_with_their_group_and_time() {
    let books = Books::serve(|_| (200, json!([total("a", 1), total("b", 2_000_000_000_000)])));
    for by in ["agent", "model", "owner", "day"] {
        assert_eq!(books.run(&["usage", "--by", by]).code, Some(0));
    }
    let ended = books.run(&["usage", "--by", "model", "--all", "--until", "2026-11-21"]);
    assert!(ended.out.find("$2.000000") < ended.out.find("$0.000000000001"), "{}", ended.out);
    let json = books.run(&["usage", "--by", "model", "--json", "--since", "24h"]);
    assert_eq!(serde_json::from_str::<Value>(&json.out).unwrap()[0], total("a", 1));
    let mut asked = books.asked();
    let last = asked.pop().unwrap().0;
    assert!(
        last.starts_with("/llm/usage/summary?by=model&since=20") && last.ends_with("Z&limit=1000"),
        "{last}"
    );
    let group = |by: &str| (format!("/llm/usage/summary?by={by}&limit=1000"), "agent");
    let everybody = "/admin/llm/usage/summary?by=model&until=2026-11-21T00%3A00%3A00.000000Z&limit=1000";
    let mut expected: Vec<_> = ["agent", "model", "owner", "day"].map(group).into();
    expected.push((everybody.to_owned(), "admin"));
    assert_eq!(asked, expected);
}

#[test]
fn a_call_that_would_not_run_ends_with_1() {
    let quota = |would_run: Value, reason: Value| {
        json!({
            "would_run": would_run, "reason": reason, "provider": "openai", "max_tokens": 400,
            "cost_bound_pico_usd": 150_000_000,
            "budgets": [{
                "scope": "key", "id": "t4_000000000001", "window": "day", "window_id": "2026-11-21",
                "starts_at": "2026-11-21T00:00:00Z", "ends_at": "2026-11-22T00:00:00Z", "limit_usd": 5.0,
                "used_usd": 1.0, "held_usd": 0.0, "remaining_usd": 4.0, "limit_pico_usd": 5_000_000_000_000_i64,
                "used_pico_usd": 1_000_000_000_000_i64, "held_pico_usd": 0, "remaining_pico_usd": 4_000_000_000_000_i64,
            }],
        })
    };
    let books = Books::serve(move |target| match target {
        "/llm/quota" => (200, quota(Value::Null, Value::Null)),
        "/llm/quota?model=m&input_tokens=10&max_tokens=20" => (200, quota(json!(true), Value::Null)),
        "/llm/quota?model=dear" => (200, quota(json!(false), json!("the day's budget has $4 left"))),
        "/llm/quota?model=unknown" => refusal(404, "model_not_found"),
        "/llm/quota?model=early" => refusal(503, "no_provider"),
        _ => refusal(503, "store_locked"),
    });
    let plain = books.run(&["quota"]);
    assert_eq!(plain.code, Some(0), "{plain:?}");
    assert!(plain.out.contains("$4.000000") && plain.out.contains("day 2026-11-21"), "{}", plain.out);
    let fits = books.run(&["quota", "--model", "m", "--input-tokens", "10", "--max-tokens", "20"]);
    assert_eq!(fits.code, Some(0), "{fits:?}");
    assert!(
        fits.out.contains("would run at openai, for at most $0.000150, with max_tokens 400"),
        "{}",
        fits.out
    );
    let dear = books.run(&["quota", "--model", "dear"]);
    assert_eq!(dear.code, Some(1), "{dear:?}");
    assert!(dear.out.contains("would not run: the day's budget has $4 left"), "{}", dear.out);
    for (model, code) in [("unknown", "model_not_found"), ("early", "no_provider")] {
        let ended = books.run(&["quota", "--model", model, "--json"]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let told: Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!((&told["would_run"], &told["reason"]), (&json!(false), &json!(format!("no: {code}"))));
    }
    let locked = books.run(&["quota", "--model", "locked"]);
    assert_eq!((locked.code, locked.out.as_str()), (Some(3), ""), "{locked:?}");
}

#[test]
fn status_says_where_calls_go() {
    let status = json!({
        "configured": true, "model_default": "gpt-4o", "price_version": "0123456789ab",
        "providers": [{"name": "openai", "kind": "openai", "models": ["gpt-4o"], "breaker": "open"}],
    });
    let answer = status.clone();
    let books = Books::serve(move |_| (200, answer.clone()));
    let ended = books.run(&["status"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("failing") && ended.out.contains("0123456789ab"), "{}", ended.out);
    let json: Value = serde_json::from_str(&books.run(&["status", "--json"]).out).unwrap();
    assert_eq!(json, status);
    assert_eq!(books.asked()[0], ("/llm/status".to_owned(), "agent"));
}

#[test]
fn reconcile_ends_with_1_when_there_is_something_to_look_at() {
    let answer = |orphaned: bool, flagged: usize| {
        Books::serve(move |target| match target {
            "/admin/llm/holds?limit=1000" => (200, json!([hold(orphaned)])),
            _ => (200, Value::Array(vec![row("bot", "worst_case"); flagged])),
        })
    };
    let calm = answer(false, 0);
    let ended = calm.run(&["reconcile"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("call_1.1") && ended.out.contains("Nothing to look at"), "{}", ended.out);
    let asked =
        [("/admin/llm/holds?limit=1000", "admin"), ("/admin/llm/usage?flagged=true&limit=1000", "admin")];
    assert_eq!(calm.asked(), asked.map(|(target, who)| (target.to_owned(), who)));
    let ended = answer(true, 0).run(&["reconcile"]);
    assert!(ended.code == Some(1) && ended.out.contains("orphan"), "{ended:?}");
    let ended = answer(false, 2).run(&["reconcile", "--json", "--since", "2026-11-01"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let told: Value = serde_json::from_str(&ended.out).unwrap();
    let flagged = row("bot", "worst_case");
    assert_eq!(told, json!({"ok": false, "holds": [hold(false)], "flagged": [flagged, flagged]}));
}

#[test]
fn the_admin_token_comes_from_its_file_and_is_asked_for_by_name() {
    let books = Books::serve(|_| (200, json!([])));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "geheim-token\n").unwrap();
    let run = |arguments: &[&str]| -> Ended {
        t4(folder.path(), arguments).env("T4_INTENT_API", &books.url).output().unwrap().into()
    };
    assert_eq!(run(&["reconcile", "--admin-token-file", "token"]).code, Some(0));
    assert_eq!(run(&["usage", "--all", "--admin-token-file", "token"]).code, Some(0));
    assert!(books.asked().iter().all(|(_, who)| *who == "admin"));
    for arguments in [&["reconcile"][..], &["usage", "--all"], &["reconcile", "--admin-token-file", "none"]] {
        let ended = run(arguments);
        assert_eq!(ended.code, Some(3), "{ended:?}");
        assert!(ended.err.contains("token"), "{}", ended.err);
    }
    let ended = run(&["usage"]);
    assert!(ended.code == Some(3) && ended.err.contains("T4_API_KEY"), "{ended:?}");
}

#[test]
fn a_stray_dotenv_names_no_server() {
    let books = Books::serve(|_| (200, json!([])));
    let folder = tempfile::tempdir().unwrap();
    let stranger = Books::serve(|_| (200, json!([])));
    let text = format!("T4_INTENT_API={}\nT4_API_KEY=other\n", stranger.url);
    std::fs::write(folder.path().join(".env"), text).unwrap();
    let mut command = t4(folder.path(), &["usage", "--all", "--api", &books.url]);
    let ended = Ended::from(command.env("T4_ADMIN_TOKEN", "geheim-token").output().unwrap());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let mut command = t4(folder.path(), &["status"]);
    let ended = Ended::from(command.output().unwrap());
    assert!(ended.code == Some(3) && ended.err.contains("T4_API_KEY"), "{ended:?}");
    assert!(stranger.asked().is_empty());
    assert_eq!(books.asked().len(), 1);
}

#[test]
fn wrong_usage_ends_with_2_and_a_refusal_with_3() {
    let books = Books::serve(|_| refusal(401, "revoked_key"));
    for arguments in [
        &["usage", "--since", "yesterday"][..],
        &["usage", "--by", "colour"],
        &["usage", "--json", "--csv"],
        &["usage", "--by", "day", "--flagged"],
        &["usage", "--limit", "0"],
        &["quota", "--input-tokens", "1"],
        &["quota", "--model", "m", "--max-tokens", "0"],
        &["usage", "--api", "no url"],
    ] {
        let ended = books.run(arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?} {ended:?}");
    }
    assert!(books.asked().is_empty());
    let ended = books.run(&["usage"]);
    assert!(ended.code == Some(3) && ended.out.is_empty(), "{ended:?}");
    assert!(ended.err.contains("ask an admin for a new key"), "{}", ended.err);
}
