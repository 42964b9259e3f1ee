//! Connections that do what clients should not, or may but seldom do.

use std::io::{ErrorKind, Write};
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use t4_tests::http::request;
use t4_tests::process::Server;

use crate::support::{SayOver, number};

/// Ten seconds for a head, 30 for a body, and some for the machine.
const HEAD_BOUND: Duration = Duration::from_secs(15);
const BODY_BOUND: Duration = Duration::from_secs(38);

fn world() -> (tempfile::TempDir, Server, String) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, _) = server.key("agent");
    (folder, server, key)
}

fn still_serves(server: &Server, key: &str) {
    assert_eq!(server.agent(key, "GET", "/intents", "").status, 200);
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let (_folder, server, key) = world();
    let mut connection = server.connect();
    let mut bytes = Vec::new();
    for n in 0..40 {
        let (id, create) = (format!("r-{n}"), format!(r#"{{"id":"p-{n}","code":"F821"}}"#));
        let headers = [("x-t4-api-key", key.as_str()), ("x-request-id", &id)];
        match n % 4 {
            0 => bytes.extend(request("POST", "/intents", &headers, &create)),
            // Reads what the request before it wrote.
            1 => bytes.extend(request("GET", &format!("/intents/p-{}", n - 1), &headers, "")),
            2 => bytes.extend(request("GET", "/nowhere", &headers, "")),
            _ => bytes.extend(request("POST", "/intents", &headers, "{")),
        }
    }
    connection.send(&bytes).unwrap();
    for n in 0..40 {
        let answer = connection.receive().unwrap_or_else(|error| panic!("answer {n}: {error}"));
        assert_eq!(answer.header("x-request-id"), Some(&*format!("r-{n}")));
        assert_eq!(answer.status, [201, 200, 404, 400][n % 4], "{n}: {}", answer.body);
    }
}

#[test]
fn a_client_that_closes_its_sending_half_has_hung_up() {
    let (_folder, server, key) = world();
    let mut connection = server.connect();
    let headers = [("x-t4-api-key", key.as_str())];
    connection.send(&request("POST", "/intents", &headers, r#"{"id":"half","code":"F821"}"#)).unwrap();
    connection.stream().shutdown(Shutdown::Write).unwrap();
    assert!(connection.closes_within(Duration::from_secs(5)), "the server closes its half");
    // Whether the change was made first or not, its row is there.
    let row = "SELECT COUNT(*) FROM audit_log WHERE path = '/intents' AND method = 'POST'";
    t4_tests::process::eventually("its row", Duration::from_secs(5), || {
        (number(&server.db(), row) == 1).then_some(())
    });
    still_serves(&server, &key);
}

#[test]
fn a_client_that_breaks_off_within_its_body_changes_nothing_and_leaves_a_row() {
    let (_folder, server, key) = world();
    let mut connection = server.connect();
    let head = format!(
        "POST /intents HTTP/1.1\r\nhost: t\r\nx-t4-api-key: {key}\r\nx-request-id: broken-off\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{\"code\":"
    );
    connection.send(head.as_bytes()).unwrap();
    connection.stream().shutdown(Shutdown::Both).unwrap();
    let row = "SELECT COUNT(*) FROM audit_log WHERE request_id = 'broken-off' AND status_code >= 400";
    t4_tests::process::eventually("its row", Duration::from_secs(5), || {
        (number(&server.db(), row) == 1).then_some(())
    });
    assert_eq!(number(&server.db(), "SELECT COUNT(*) FROM intents"), 0);
    still_serves(&server, &key);
}

/// Sends byte after byte; whether the server closes within the time, and what it said.
fn drip(server: &Server, first: &str, byte: u8, bound: Duration) -> (bool, String) {
    let mut connection = server.connect();
    connection.send(first.as_bytes()).unwrap();
    let mut stream = connection.stream().try_clone().unwrap();
    let over = AtomicBool::new(false);
    let closed = std::thread::scope(|scope| {
        let _over = SayOver(&over);
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) && stream.write_all(&[byte]).is_ok() {
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        let closed = connection.closes_within(bound);
        over.store(true, Ordering::Relaxed);
        closed
    });
    (closed, connection.unread())
}

#[test]
fn slow_senders_are_sent_away_in_time_while_others_are_served() {
    let (_folder, server, key) = world();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _over = SayOver(&over);
        let post = format!(
            "POST /intents HTTP/1.1\r\nhost: t\r\nx-t4-api-key: {key}\r\ncontent-type: application/json\r\n"
        );
        let head = "GET /health HTTP/1.1\r\nx-slow: ".to_owned();
        let slow = [
            ("a head", head, b'x', HEAD_BOUND),
            ("a body", format!("{post}content-length: 5000\r\n\r\n{{"), b' ', BODY_BOUND),
            ("a chunk", format!("{post}transfer-encoding: chunked\r\n\r\n1388\r\n"), b' ', BODY_BOUND),
        ];
        let ends = slow.map(|(what, first, byte, bound)| {
            let server = &server;
            (what, scope.spawn(move || drip(server, &first, byte, bound)))
        });
        // Meanwhile others are served at once.
        let others = scope.spawn(|| {
            let mut slowest = Duration::ZERO;
            let mut connection = server.connect();
            while !over.load(Ordering::Relaxed) {
                let begun = Instant::now();
                let answer = connection.call("GET", "/intents", &[("x-t4-api-key", &key)], "").unwrap();
                assert_eq!(answer.status, 200, "{}", answer.body);
                slowest = slowest.max(begun.elapsed());
                std::thread::sleep(Duration::from_millis(20));
            }
            slowest
        });
        let ends = ends.map(|(what, end)| (what, end.join().unwrap()));
        over.store(true, Ordering::Relaxed);
        let slowest = others.join().unwrap();
        for (what, (closed, said)) in &ends {
            assert!(closed, "{what}: still open, said {said}");
            assert!(said.is_empty() || said.contains(" 408 "), "{what}: {said}");
        }
        assert!(slowest < Duration::from_secs(1), "others waited {slowest:?}");
    });
    still_serves(&server, &key);
}

#[test]
fn headers_of_a_megabyte_are_refused_and_the_server_lives() {
    let (_folder, server, key) = world();
    let large = "x".repeat(1024 * 1024);
    let many: String = (0..30_000).map(|n| format!("x-header-{n}: {n}\r\n")).collect();
    for head in [
        format!("GET /health HTTP/1.1\r\nhost: t\r\nx-large: {large}\r\n\r\n"),
        format!("GET /health HTTP/1.1\r\nhost: t\r\n{many}\r\n"),
        format!("GET /{large} HTTP/1.1\r\nhost: t\r\n\r\n"),
    ] {
        let mut connection = server.connect();
        // The server may close while it is still being sent to.
        let sent = connection.send(head.as_bytes());
        match connection.receive() {
            Ok(answer) => assert!((400..500).contains(&answer.status), "{}", answer.status),
            Err(error) => assert!(
                matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset),
                "{error} after {sent:?}"
            ),
        }
        assert!(connection.closes_within(Duration::from_secs(5)), "the connection is of no more use");
        still_serves(&server, &key);
    }
}

#[test]
fn headers_of_a_sane_size_are_taken() {
    let (_folder, server, _) = world();
    let usual = "x".repeat(16 * 1024);
    let answer = server.call("GET", "/health", &[("x-usual", &usual)], "");
    assert_eq!(answer.status, 200);
}

#[test]
fn a_body_of_ten_megabytes_is_refused_before_it_is_read() {
    let (_folder, server, key) = world();
    // Only the head is sent: an answer shows that the body is not waited for.
    let mut connection = server.connect();
    let head = format!(
        "POST /intents HTTP/1.1\r\nhost: t\r\nx-t4-api-key: {key}\r\ncontent-type: application/json\r\n"
    );
    connection.send(format!("{head}content-length: 10485760\r\n\r\n").as_bytes()).unwrap();
    let answer = connection.receive().unwrap();
    assert_eq!((answer.status, &*answer.code()), (413, "body_too_large"), "{}", answer.body);

    // Of unknown length, and without an end: refused at the limit, and not read any further.
    let endless = format!("{head}transfer-encoding: chunked\r\n\r\n");
    let nobody = endless.replace(&key, "nobody");
    for (head, status) in [(&endless, 413), (&nobody, 401), (&endless.replace("/intents", "/nowhere"), 404)] {
        let mut connection = server.connect();
        connection.send(head.as_bytes()).unwrap();
        let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
        let begun = Instant::now();
        // A second or so after its answer the server hangs up.
        while connection.send(chunk.as_bytes()).is_ok() {
            assert!(begun.elapsed() < Duration::from_secs(10), "{status}: the server reads on and on");
        }
        // What was still on its way when the connection ended may have cost the client its answer.
        match connection.receive() {
            Ok(answer) => assert_eq!(answer.status, status, "{}", answer.body),
            Err(error) => assert_ne!(error.kind(), ErrorKind::WouldBlock, "{status}"),
        }
    }
    still_serves(&server, &key);
    assert_eq!(number(&server.db(), "SELECT COUNT(*) FROM intents"), 0);
}

#[test]
fn a_body_of_ten_megabytes_without_a_key_is_not_read() {
    let (_folder, server, _) = world();
    let mut connection = server.connect();
    connection.send(b"POST /intents HTTP/1.1\r\nhost: t\r\ncontent-length: 10485760\r\n\r\n").unwrap();
    assert_eq!(connection.receive().unwrap().status, 401);
}

#[test]
fn head_answers_as_get_does_without_the_body() {
    let (_folder, server, key) = world();
    let headers = [("x-t4-api-key", key.as_str())];
    assert_eq!(server.register(&key, "a").status, 201);
    for path in ["/health", "/intents/a", "/intents", "/openapi.json"] {
        let get = server.call("GET", path, &headers, "");
        let mut connection = server.connect();
        let head = connection.call("HEAD", path, &headers, "").unwrap();
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.header("content-length"), get.header("content-length"), "{path}");
        // A body would be taken for the start of the next answer.
        assert_eq!(connection.call("GET", "/healthz", &[], "").unwrap().status, 200, "{path}");
        assert_eq!(connection.unread(), "");
    }
}

#[test]
fn a_client_may_ask_before_it_sends_its_body() {
    let (_folder, server, key) = world();
    let body = r#"{"id":"asked","code":"F821"}"#;
    let head = format!(
        "POST /intents HTTP/1.1\r\nhost: t\r\nx-t4-api-key: {key}\r\nexpect: 100-continue\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut connection = server.connect();
    connection.send(head.as_bytes()).unwrap();
    assert!(connection.continues().unwrap());
    connection.send(body.as_bytes()).unwrap();
    let answer = connection.receive().unwrap();
    assert_eq!(answer.status, 201, "{}", answer.body);
    // The connection is still in step.
    let headers = [("x-t4-api-key", key.as_str())];
    assert_eq!(connection.call("GET", "/intents/asked", &headers, "").unwrap().status, 200);
}

#[test]
fn what_is_no_http_is_refused_and_the_server_lives() {
    let (_folder, server, key) = world();
    for bytes in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost: t\r\nx-nul: a\0b\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n",
        b"POST /intents HTTP/1.1\r\nhost: t\r\ncontent-length: -1\r\n\r\n",
        b"POST /intents HTTP/1.1\r\nhost: t\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"POST /intents HTTP/1.1\r\nhost: t\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /intents HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    ] {
        let mut connection = server.connect();
        connection.send(bytes).unwrap();
        // An answer of its own, or a closed connection; never a hang and never a success.
        match connection.receive() {
            Ok(answer) => assert!((400..500).contains(&answer.status), "{bytes:?}: {}", answer.status),
            Err(error) => assert_ne!(error.kind(), ErrorKind::WouldBlock, "{bytes:?}"),
        }
    }
    still_serves(&server, &key);
    assert_eq!(number(&server.db(), "SELECT COUNT(*) FROM intents"), 0);
}
