//! Against a server, here a canned one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use crate::support::{Ended, Folder, ended, key_id};

const TOKEN: &str = "the-token-of-the-admins";
const KEY: &str = "t4_000000000001_00000000000000000000000000000000000000000010dLTI1";

/// A request: its line, its headers in lower case, its body.
#[derive(Clone, Debug)]
struct Asked {
    line: String,
    headers: String,
    body: Value,
}

struct Server {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers everything so.
    fn answering(status: u16, answer: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                log.lock().unwrap().push(read(&stream));
                let answer = answer.to_string();
                let head = format!(
                    "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    answer.len()
                );
                let _ = stream.write_all(format!("{head}{answer}").as_bytes());
            }
        });
        Self { url, asked }
    }

    fn refusing(status: u16, code: &str) -> Self {
        let error = json!({"code": code, "message": "no", "request_id": "req-7"});
        Self::answering(status, json!({"error": error, "detail": "no"}))
    }

    /// Runs the program against it with the token.
    fn run(&self, arguments: &[&str]) -> Ended {
        let arguments = [arguments, &["--api", &self.url]].concat();
        let ended = ended(Folder::new().command(&arguments).env("T4_ADMIN_TOKEN", TOKEN));
        assert!(!format!("{ended:?}").contains(TOKEN), "{ended:?}");
        ended
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Asked {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let (mut headers, mut length) = (String::new(), 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let header = header.to_ascii_lowercase();
        if header.trim().is_empty() {
            break;
        }
        if let Some(text) = header.strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
        headers += &header;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
    Asked { line: line.trim().to_owned(), headers, body }
}

fn view(id: &str) -> Value {
    json!({
        "key_id": id, "agent_id": "a", "owner": null, "scopes": ["intents:read"], "roles": [],
        "created_at": "2026-01-01T00:00:00.000000Z", "expires_at": "2027-01-01T00:00:00.000000Z",
        "revoked": false, "daily_limit": 100.0, "daily_used": 0.0, "used_on": null, "time_zone": null,
        "rate_per_minute": null, "max_intents": null, "max_stored_bytes": null, "max_idempotency_rows": null,
        "max_audit_bytes_per_day": null, "previous_secret_until": null,
    })
}

fn created() -> Value {
    let mut made = view(key_id(KEY));
    made["key"] = json!(KEY);
    made
}

#[test]
fn a_new_key_is_asked_for_with_the_token_and_comes_alone_on_stdout() {
    let server = Server::answering(201, created());
    let ended = server.run(&["create", "--agent-id", "a", "--scopes", "intents:read", "--daily-limit", "3"]);
    assert_eq!((ended.code, ended.out), (Some(0), format!("{KEY}\n")));
    assert_eq!(ended.err, "created key t4_000000000001 for agent a, expires 2027-01-01\n");
    let asked = server.asked();
    assert_eq!((asked.len(), asked[0].line.as_str()), (1, "POST /admin/api_keys HTTP/1.1"));
    assert!(asked[0].headers.contains(&format!("x-t4-admin-token: {TOKEN}")), "{}", asked[0].headers);
    assert_eq!(asked[0].body, json!({"agent_id": "a", "scopes": ["intents:read"], "daily_limit": 3.0}));
    assert_eq!(server.run(&["create", "--agent-id", "a", "--json"]).json(), created());
}

#[test]
fn each_command_takes_its_route_and_a_whole_key_never_goes_into_a_url() {
    let of_key = |server: &Server, arguments: &[&str]| {
        let ended = server.run(arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?} {ended:?}");
        server.asked().pop().unwrap()
    };
    let asked = of_key(&Server::answering(200, json!({"revoked": true})), &["revoke", KEY]);
    assert_eq!(asked.line, "DELETE /admin/api_keys/t4_000000000001 HTTP/1.1");
    let asked = of_key(&Server::answering(200, created()), &["rotate", KEY, "--overlap-seconds", "60"]);
    assert_eq!(asked.line, "POST /admin/api_keys/t4_000000000001/rotate HTTP/1.1");
    assert_eq!(asked.body, json!({"overlap_seconds": 60}));
    let asked = of_key(&Server::answering(200, view(key_id(KEY))), &["set", key_id(KEY), "--owner", "none"]);
    assert_eq!(asked.line, "PATCH /admin/api_keys/t4_000000000001 HTTP/1.1");
    assert_eq!(asked.body, json!({"owner": null}));
    let keys = json!([view("t4_000000000000"), view(key_id(KEY))]);
    let server = Server::answering(200, keys.clone());
    assert_eq!(server.run(&["list", "--json"]).json(), keys);
    assert_eq!(server.run(&["show", KEY, "--json"]).json(), keys[1]);
    assert_eq!(server.run(&["show", "t4_00000000000z"]).code, Some(1));

    let server = Server::answering(200, json!({"revoked": true}));
    for text in ["Zk3-_v0bq8nYI1xJt9Rr7mS5dQwE2aUcHfLgPoKiNjB", "t4_1", "../x"] {
        let ended = server.run(&["revoke", text]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(!ended.err.contains(text), "{ended:?}");
    }
    assert!(server.asked().is_empty());
}

#[test]
fn a_refusal_ends_with_the_code_that_scripts_go_by() {
    for (status, code, exit, word) in [
        (404, "key_not_found", 1, "admin-keys list"),
        (422, "invalid_field", 2, "req-7"),
        (401, "invalid_admin_token", 3, "token"),
        (404, "route_not_found", 3, "404"),
        (500, "internal", 3, "req-7"),
    ] {
        let ended = Server::refusing(status, code).run(&["rotate", KEY]);
        assert_eq!((ended.code, ended.out.as_str()), (Some(exit), ""), "{code} {ended:?}");
        assert!(ended.err.contains(word), "{code} {ended:?}");
    }
    let ended = Server::answering(200, json!("no key")).run(&["rotate", KEY]);
    assert!(ended.code == Some(3) && ended.err.contains("--api"), "{ended:?}");
}

#[test]
fn the_token_comes_from_a_file_or_a_variable_and_is_needed() {
    let folder = Folder::new();
    let server = Server::answering(200, json!([]));
    let api = ["list", "--api", &server.url];
    let ended_without = ended(&mut folder.command(&api));
    assert!(
        ended_without.code == Some(3) && ended_without.err.contains("T4_ADMIN_TOKEN"),
        "{ended_without:?}"
    );
    assert!(server.asked().is_empty());
    std::fs::write(folder.path().join("token"), format!("{TOKEN}\n")).unwrap();
    let by_file = [&api[..], &["--admin_token_file", "token"]].concat();
    assert_eq!(ended(folder.command(&by_file).env("T4_ADMIN_TOKEN", "another")).code, Some(0));
    assert!(server.asked()[0].headers.contains(TOKEN));
    std::fs::write(folder.path().join(".env"), format!("T4_ADMIN_TOKEN={TOKEN}\n")).unwrap();
    assert_eq!(ended(&mut folder.command(&api)).code, Some(0));
    let missing = [&api[..], &["--admin-token-file", "nowhere"]].concat();
    assert_eq!(ended(&mut folder.command(&missing)).code, Some(3));
}

#[test]
fn a_dot_env_does_not_choose_where_the_token_goes() {
    let folder = Folder::new();
    let theirs = Server::answering(200, json!([]));
    let text = format!("T4_INTENT_API={0}\nT4_API={0}\nT4_ADMIN_TOKEN={TOKEN}\n", theirs.url);
    std::fs::write(folder.path().join(".env"), text).unwrap();
    assert_eq!(folder.run(&["create", "--agent-id", "a"]).code, Some(0));
    assert!(theirs.asked().is_empty());
}

#[test]
fn no_server_and_no_url_say_what_to_look_at() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, code) in
        [(format!("http://{closed}"), 3), ("ftp://x".to_owned(), 2), ("nonsense".to_owned(), 2)]
    {
        let ended = ended(Folder::new().command(&["list", "--api", &url]).env("T4_ADMIN_TOKEN", TOKEN));
        assert_eq!(ended.code, Some(code), "{url} {ended:?}");
        assert!(ended.err.contains("--api"), "{url} {ended:?}");
    }
}
