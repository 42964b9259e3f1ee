//! A right holds at the moment of the act: bodies that come after a key was taken back change nothing, and model calls
//! under way end within a second.

use std::io::Read as _;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use t4_tests::http::{Connection, request};
use t4_tests::mock::{Mock, chat, cost, server, streamed};
use t4_tests::process::{ADMIN, Server, binary, eventually, run};

use crate::llm_support::{read_frames, settled, usage};
use crate::support::{number, sqlite3};

/// CONTRACT: one second.
const BOUND: Duration = Duration::from_secs(1);
/// No event takes this long unless it is lost.
const LOST: Duration = Duration::from_secs(20);

/// A way to take a right away.
#[derive(Debug, Clone, Copy)]
enum Way {
    Api,
    SecondServer,
    AdminKeys,
    Sql,
    Rotation,
    Scopes,
}

impl Way {
    const ALL: [Self; 6] =
        [Self::Api, Self::SecondServer, Self::AdminKeys, Self::Sql, Self::Rotation, Self::Scopes];

    /// Returns once the loss is committed.
    fn take(self, server: &Server, second: Option<&Server>, key_id: &str) {
        let path = format!("/admin/api_keys/{key_id}");
        let answer = match self {
            Self::Api => server.admin("DELETE", &path, ""),
            Self::SecondServer => {
                second.expect("it runs").call("DELETE", &path, &[("x-t4-admin-token", ADMIN)], "")
            }
            Self::AdminKeys => {
                let mut command = Command::new(binary("admin-keys"));
                let ended = run(command.args(["revoke", key_id, "--db"]).arg(server.db()));
                assert!(ended.status.success(), "{ended:?}");
                return;
            }
            Self::Sql => {
                sqlite3(&server.db(), &format!("UPDATE api_keys SET revoked=1 WHERE key='{key_id}'"));
                return;
            }
            Self::Rotation => server.admin("POST", &format!("{path}/rotate"), "{}"),
            Self::Scopes => server.admin("PATCH", &path, r#"{"scopes":"plans:read"}"#),
        };
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    fn code(self) -> &'static str {
        match self {
            Self::Api | Self::SecondServer | Self::AdminKeys | Self::Sql => "revoked_key",
            Self::Rotation => "invalid_key",
            Self::Scopes => "missing_scope",
        }
    }
}

/// How many keys the server has read from the database.
fn key_reads(server: &Server) -> u64 {
    let metrics = server.get("/metrics").body;
    let line = metrics.lines().find_map(|line| line.strip_prefix("t4_key_reads_total "));
    line.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("no count of reads: {metrics}"))
}

/// Sends the head of a request and some of its body, and returns once the key was checked. The rest is still to come.
fn begin(server: &Server, key: &str, method: &str, path: &str, body: &str) -> (Connection, Vec<u8>) {
    let before = key_reads(server);
    let mut bytes = request(method, path, &[("x-t4-api-key", key)], body);
    let rest = bytes.split_off(bytes.len() - body.len() + 5);
    let mut connection = server.connect();
    connection.send(&bytes).unwrap();
    eventually("the key is checked", LOST, || (key_reads(server) > before).then_some(()));
    (connection, rest)
}

#[test]
fn a_body_that_comes_after_its_key_was_taken_back_changes_nothing() {
    const HOLD: &str =
        r#"{"call_id":"c1","provider":"openai","model":"gpt-4o-mini","input_tokens":5,"max_tokens":5}"#;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let second = Server::start(folder.path());
    let (owner, _) = server.key("owner");
    assert_eq!(server.register(&owner, "known").status, 201);
    let table = |name: &str| number(&server.db(), &format!("SELECT COUNT(*) FROM {name}"));
    let unchanged = || {
        let reasons = number(&server.db(), "SELECT COUNT(*) FROM intents WHERE reason IS NOT NULL");
        (table("intents"), table("llm_holds"), reasons)
    };
    let routes = [
        ("POST", "/intents", r#"{"id":"late","code":"F821"}"#),
        ("POST", "/intents/batch", r#"{"intents":[{"id":"late","code":"F821"}]}"#),
        ("POST", "/intents/pre_pr_check", r#"{"files":["late.py"]}"#),
        ("PATCH", "/intents/known", r#"{"reason":"late"}"#),
        ("POST", "/llm/holds", HOLD),
    ];
    let every_way = Way::ALL.into_iter().map(|way| (way, routes[0]));
    let every_route = routes.into_iter().skip(1).map(|route| (Way::Api, route));
    for (number, (way, (method, path, body))) in every_way.chain(every_route).enumerate() {
        // A key of the same owner, not read yet.
        let (key, key_id) = server.key(&format!("agent-{number}"));
        let (mut connection, rest) = begin(&server, &key, method, path, body);
        way.take(&server, Some(&second), &key_id);
        connection.send(&rest).unwrap();
        let answer = connection.receive().unwrap();
        assert_eq!(answer.code(), way.code(), "{way:?} {method} {path}: {}", answer.body);
        assert_eq!(unchanged(), (1, 0, 0), "{way:?} {method} {path}");
        let row = format!("api_key = '{key_id}' AND method = '{method}' AND outcome = '{}'", way.code());
        let rows = format!("SELECT COUNT(*) FROM audit_log WHERE {row}");
        assert_eq!(crate::support::number(&server.db(), &rows), 1, "{way:?} {method} {path}");
    }
    server.assert_log_verifies();
}

/// Reads what is left of a chunked answer.
fn to_the_end(connection: &mut Connection) -> String {
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    while !text.ends_with(b"0\r\n\r\n") {
        let count = connection.stream().read(&mut buffer).unwrap();
        assert!(count > 0, "the stream broke: {}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8(text).unwrap()
}

fn open_calls(server: &Server) -> bool {
    server.get("/metrics").body.lines().any(|line| line == "t4_llm_calls_open 0")
}

#[test]
fn a_stream_ends_within_a_second_of_the_right_of_its_key_and_is_settled() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let server = server(folder.path(), &mock, "");
    let second = Server::start(folder.path());
    for way in Way::ALL {
        let (key, key_id) = server.key_with(r#"{"agent_id":"a","daily_limit":1,"rate_per_minute":1000000}"#);
        let body = streamed("!mock tokens=4000 frame_ms=10 prompt=3").to_string();
        let mut connection = Connection::open(server.address).unwrap();
        let headers = [("x-t4-api-key", key.as_str())];
        connection.send(&request("POST", "/llm/v1/chat/completions", &headers, &body)).unwrap();
        read_frames(&mut connection, 3);
        way.take(&server, Some(&second), &key_id);
        let taken = Instant::now();
        let rest = to_the_end(&mut connection);
        let after = taken.elapsed();
        assert!(after <= BOUND, "{way:?}: cut after {after:?}");
        let last = rest.lines().rev().find_map(|line| line.strip_prefix("data: ")).expect("an event");
        let last: Value = serde_json::from_str(last).unwrap();
        assert_eq!(last["error"]["code"], way.code(), "{way:?}: {last}");
        settled(&server.db());
        let row = usage(&server.db()).pop().unwrap();
        assert_eq!(row.end(), ("estimated", "cut"), "{way:?}");
        assert!(row.cost_pico >= cost(0, 3) && row.cost_pico < cost(3, 4000), "{way:?}: {row:?}");
        eventually("its place is free", LOST, || open_calls(&server).then_some(()));
    }
    assert_eq!(mock.count(), 6, "one request each");
    server.assert_log_verifies();
}

#[test]
fn a_call_that_waits_for_its_provider_ends_within_a_second_of_the_right_of_its_key() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let server = server(folder.path(), &mock, "");
    for body in [chat("!mock hang=1"), streamed("!mock hang=1")] {
        mock.clear();
        let (key, key_id) = server.key_with(r#"{"agent_id":"a","daily_limit":1,"rate_per_minute":1000000}"#);
        let mut connection = Connection::open(server.address).unwrap();
        let headers = [("x-t4-api-key", key.as_str())];
        connection.send(&request("POST", "/llm/v1/chat/completions", &headers, &body.to_string())).unwrap();
        eventually("the provider sees it", LOST, || (mock.count() == 1).then_some(()));
        Way::AdminKeys.take(&server, None, &key_id);
        let taken = Instant::now();
        let answer = connection.receive().unwrap();
        let after = taken.elapsed();
        assert_eq!((answer.status, answer.code().as_str()), (401, "revoked_key"), "{}", answer.body);
        assert!(after <= BOUND, "cut after {after:?}");
        settled(&server.db());
        assert_eq!(usage(&server.db()).pop().unwrap().end(), ("worst_case", "cut"));
    }
    server.assert_log_verifies();
}
