//! Bounds on memory: unread answers, bodies that never end, many small values, streams.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::json;
use socket2::{Domain, Socket, Type};
use t4_tests::http::request;
use t4_tests::mock::{Mock, streamed, with_provider};
use t4_tests::process::{Server, Start, eventually};

/// The goal for the whole process, in MiB.
const CEILING: u64 = 300;
/// Within this time a connection is ended that does not read or send.
const ENDED: Duration = Duration::from_mins(1);

/// The memory that a process has, in MiB.
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// A figure of `/metrics`.
fn figure(server: &Server, name: &str) -> u64 {
    let page = server.get("/metrics").body;
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.trim().parse().ok()).unwrap_or_else(|| panic!("{name}: {page}"))
}

/// Waits until a figure of `/metrics` is small enough; the page has a limit of requests.
fn falls_to(server: &Server, name: &str, most: u64, within: Duration) {
    eventually(&format!("{name} falls to {most}"), within, || {
        std::thread::sleep(Duration::from_millis(200));
        (figure(server, name) <= most).then_some(())
    });
}

/// A connection whose receiving end takes next to nothing.
fn narrow(server: &Server) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&server.address.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// Sends as much as the server takes.
fn send(mut stream: &TcpStream, bytes: &[u8]) {
    // A server that has refused already closes its end.
    let _ = stream.write_all(bytes);
}

/// The start of an answer, empty when the connection was ended without one.
fn first_line(mut stream: &TcpStream) -> String {
    let mut bytes = [0; 12];
    match stream.read_exact(&mut bytes) {
        Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => String::new(),
    }
}

/// Another caller gets what it asks for.
fn assert_serves(server: &Server, key: &str) {
    let answer = server.agent(key, "POST", "/intents", r#"{"code":"F821","file":"other.py"}"#);
    assert_eq!(answer.status, 201, "{}", answer.body);
    let id = answer.json()["intent"]["id"].as_str().unwrap().to_owned();
    assert_eq!(server.agent(key, "GET", &format!("/intents/{id}"), "").status, 200);
    let list = server.agent(key, "GET", "/intents/by_file?file=big.py", "");
    assert_eq!(list.status, 200, "{}", list.body);
    assert_eq!(server.get("/health").status, 200);
}

/// A server with four hostile keys, another one, and a file with 60 MB of intents.
fn crowded() -> (tempfile::TempDir, Server, Vec<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    let server = Start::at(folder.path()).env("T4_LOG", "warn").server();
    let hostile: Vec<String> = (0..4).map(|n| server.key(&format!("hostile-{n}")).0).collect();
    let other = server.key("other").0;
    let row = json!({ "code": "F821", "file": "big.py", "raw": { "x": "y".repeat(65_000) } });
    for _ in 0..60 {
        let batch = json!({ "intents": vec![row.clone(); 15] });
        assert_eq!(server.agent(&hostile[0], "POST", "/intents/batch", &batch.to_string()).status, 201);
    }
    (folder, server, hostile, other)
}

#[test]
fn answers_that_nobody_reads_are_bounded_and_their_connections_end() {
    let (_folder, server, hostile, other) = crowded();
    let before = figure(&server, "t4_connections");
    let mut unread = Vec::new();
    for round in 0..60 {
        for key in &hostile {
            let stream = narrow(&server);
            let headers = [("x-t4-api-key", key.as_str())];
            send(&stream, &request("GET", "/intents/by_file?file=big.py&limit=1000", &headers, ""));
            unread.push(stream);
        }
        if round % 15 == 14 {
            assert_serves(&server, &other);
            let resident = resident(&server);
            assert!(resident <= CEILING, "{resident} MiB after {} answers", unread.len());
        }
    }
    assert!(figure(&server, "t4_memory_bytes") > 1 << 20, "unread answers are counted");
    // Not a byte was read: the server ends these connections, and has its memory back.
    falls_to(&server, "t4_memory_bytes", 0, ENDED);
    falls_to(&server, "t4_connections", before + 5, 2 * ENDED);
    assert_serves(&server, &other);
}

#[test]
fn bodies_that_never_end_are_bounded_and_refused() {
    let (_folder, server, hostile, other) = crowded();
    let mib = vec![b'x'; 1 << 20];
    let mut open = Vec::new();
    for n in 0..120 {
        let key = &hostile[n % hostile.len()];
        let stream = narrow(&server);
        let length = if n % 2 == 0 { "content-length: 16777216" } else { "transfer-encoding: chunked" };
        let head = format!(
            "POST /llm/v1/chat/completions HTTP/1.1\r\nhost: t\r\nx-t4-api-key: {key}\r\n\
             content-type: application/json\r\n{length}\r\n\r\n"
        );
        send(&stream, head.as_bytes());
        stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
        for _ in 0..4 {
            if n % 2 == 1 {
                send(&stream, b"100000\r\n");
            }
            send(&stream, &mib);
            if n % 2 == 1 {
                send(&stream, b"\r\n");
            }
        }
        open.push(stream);
        if n % 30 == 29 {
            assert_serves(&server, &other);
            let resident = resident(&server);
            assert!(resident <= CEILING, "{resident} MiB after {n} bodies");
        }
    }
    assert!(figure(&server, "t4_memory_refusals_total") > 0);
    for stream in open {
        let line = first_line(&stream);
        assert!(["HTTP/1.1 408", "HTTP/1.1 503", ""].contains(&line.as_str()), "{line}");
    }
    falls_to(&server, "t4_memory_bytes", 0, ENDED);
}

#[test]
fn every_route_of_model_calls_refuses_a_body_of_many_small_values() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let server = with_provider(Start::at(folder.path()), &mock.url(), "").server();
    let key = server.key("a").0;
    let messages = r#"{"role":"user","content":""},"#.repeat(550_000);
    let body = format!(r#"{{"model":"mock-1","messages":[{messages}{{"role":"user","content":"x"}}]}}"#);
    for route in ["/llm/chat", "/llm/v1/chat/completions", "/llm/v1/embeddings"] {
        let answer = server.agent(&key, "POST", route, &body);
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "invalid_body"),
            "{route}: {}",
            answer.body
        );
    }
    assert!(resident(&server) <= CEILING, "{} MiB", resident(&server));
    assert_eq!(mock.count(), 0);
}

/// A server whose provider never answers, and which waits for it long.
fn never_answered(folder: &std::path::Path, mock: &Mock) -> Server {
    let start = with_provider(Start::at(folder), &mock.url(), "[limits]\ndrain_seconds = 1\n");
    let config = folder.join("llm.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace("first_byte_timeout_ms = 3000", "first_byte_timeout_ms = 120000");
    std::fs::write(&config, text.replace("idle_timeout_ms = 3000", "idle_timeout_ms = 120000")).unwrap();
    start.server()
}

#[test]
fn a_caller_that_closes_before_the_first_frame_frees_its_slot_and_its_hold() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let server = never_answered(folder.path(), &mock);
    let (key, _) =
        server.key_with(r#"{"agent_id":"a","owner":"o","daily_limit":100,"rate_per_minute":100000}"#);
    let headers = [("x-t4-api-key", key.as_str())];
    let holds = || {
        let conn = rusqlite::Connection::open(server.db()).unwrap();
        conn.query_row("SELECT count(*) FROM llm_holds", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    for half in [false, true] {
        let calls: Vec<_> = (0..16)
            .map(|n| {
                let mut connection = server.connect();
                // Streams and whole answers.
                let body = if n % 2 == 0 {
                    streamed("!mock hang=1").to_string()
                } else {
                    json!({ "model": "mock-1", "messages": [{ "role": "user", "content": "!mock hang=1" }] })
                        .to_string()
                };
                connection.send(&request("POST", "/llm/v1/chat/completions", &headers, &body)).unwrap();
                connection
            })
            .collect();
        eventually("every call is held", Duration::from_secs(30), || (holds() == 16).then_some(()));
        let body = streamed("!mock tokens=1").to_string();
        let refused = server.agent(&key, "POST", "/llm/v1/chat/completions", &body);
        assert_eq!(refused.code(), "too_many_calls", "{}", refused.body);
        for mut call in calls {
            // A FIN either way; a closed socket answers nothing that is sent to it.
            if half {
                call.stream().shutdown(Shutdown::Write).unwrap();
                assert!(call.closes_within(ENDED), "the server closes as well");
            }
        }
        eventually("every hold is settled", ENDED, || (holds() == 0).then_some(()));
        let answer = server.agent(&key, "POST", "/llm/v1/chat/completions", &body);
        assert_eq!(answer.status, 200, "{}", answer.body);
        // The answer comes before the call gives its place back.
        falls_to(&server, "t4_llm_calls_open", 0, ENDED);
    }
    falls_to(&server, "t4_memory_bytes", 0, ENDED);
}

#[test]
fn requests_that_are_sent_ahead_fill_no_memory() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let server = never_answered(folder.path(), &mock);
    let key = |agent: &str| {
        let body =
            format!(r#"{{"agent_id":"{agent}","owner":"o","daily_limit":100,"rate_per_minute":100000}}"#);
        server.key_with(&body).0
    };
    let (key, other) = (key("a"), key("b"));
    let headers = [("x-t4-api-key", key.as_str())];
    let ahead = b"GET /health HTTP/1.1\r\nhost: t\r\n\r\n".repeat(200_000);
    let call = request("POST", "/llm/v1/chat/completions", &headers, &streamed("!mock hang=1").to_string());
    // The tokenizer is read by the first call.
    let first = streamed("!mock tokens=1").to_string();
    assert_eq!(server.agent(&other, "POST", "/llm/v1/chat/completions", &first).status, 200);
    let before = resident(&server);
    let open: Vec<_> = (0..10)
        .map(|_| {
            let stream = narrow(&server);
            stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
            send(&stream, &call);
            send(&stream, &ahead);
            stream
        })
        .collect();
    let grown = resident(&server).saturating_sub(before);
    assert!(grown <= 20, "{grown} MiB for {} callers", open.len());
    assert_eq!(server.agent(&other, "GET", "/intents", "").status, 200);
    drop(open);
}
