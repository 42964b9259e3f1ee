//! Peers that do not behave.

use std::io::Write;
use std::net::Shutdown;
use std::time::{Duration, Instant};

use t4_tests::http::request;
use t4_tests::process::Server;

fn server() -> (tempfile::TempDir, Server, String) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, _) = server.key("agent");
    (folder, server, key)
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let (_folder, server, key) = server();
    let mut connection = server.connect();
    let mut all = Vec::new();
    for n in 0..20 {
        let body = format!(r#"{{"id":"pipe-{n}","code":"F821"}}"#);
        all.extend(request("POST", "/intents", &[("x-t4-api-key", &key)], &body));
    }
    connection.send(&all).unwrap();
    for n in 0..20 {
        let answer = connection.receive().unwrap();
        assert_eq!(answer.json()["intent"]["id"], format!("pipe-{n}"), "{}", answer.body);
    }
}

#[test]
fn a_peer_that_closed_its_sending_half_still_gets_its_answer() {
    let (_folder, server, key) = server();
    let mut connection = server.connect();
    let body = r#"{"id":"half","code":"F821"}"#;
    connection.send(&request("POST", "/intents", &[("x-t4-api-key", &key)], body)).unwrap();
    connection.stream().shutdown(Shutdown::Write).unwrap();
    assert_eq!(connection.receive().unwrap().status, 201);
}

#[test]
fn slow_senders_are_cut_off_while_others_are_served() {
    let (_folder, server, key) = server();
    let mut slow: Vec<_> = (0..50)
        .map(|_| {
            let mut connection = server.connect();
            connection.send(b"GET /health HTTP/1.1\r\nhost: te").unwrap();
            connection
        })
        .collect();
    let begun = Instant::now();
    for _ in 0..50 {
        assert_eq!(server.agent(&key, "GET", "/intents", "").status, 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "others waited {:?}", begun.elapsed());
    for connection in &mut slow {
        // 408, or closed: within the patience of the connection either way.
        match connection.receive() {
            Ok(answer) => assert_eq!(answer.status, 408),
            Err(error) => assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "still open"),
        }
    }
}

#[test]
fn headers_of_a_megabyte_are_refused_and_the_server_lives() {
    let (_folder, server, key) = server();
    let mut connection = server.connect();
    let large = "x".repeat(1024 * 1024);
    let bytes = request("GET", "/intents", &[("x-t4-api-key", &key), ("x-large", &large)], "");
    // The server may close before all is sent.
    let _ = connection.send(&bytes);
    if let Ok(answer) = connection.receive() {
        assert!(matches!(answer.status, 400 | 431), "{}", answer.status);
    }
    assert_eq!(server.agent(&key, "GET", "/intents", "").status, 200);
}

#[test]
fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let (_folder, server, key) = server();
    let mut connection = server.connect();
    let head = format!(
        "POST /intents HTTP/1.1\r\nhost: test\r\nx-t4-api-key: {key}\r\ncontent-type: application/json\r\n\
         content-length: 10485760\r\n\r\n"
    );
    connection.send(head.as_bytes()).unwrap();
    let answer = connection.receive().unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"));
    // A chunked body tells no length: it is cut off at the limit.
    let mut chunked = server.connect();
    let head = format!(
        "POST /intents HTTP/1.1\r\nhost: test\r\nx-t4-api-key: {key}\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n"
    );
    chunked.send(head.as_bytes()).unwrap();
    let chunk = vec![b' '; 64 * 1024];
    for _ in 0..160 {
        let sent = write!(chunked.stream(), "10000\r\n")
            .and_then(|()| chunked.stream().write_all(&chunk))
            .and_then(|()| chunked.stream().write_all(b"\r\n"));
        if sent.is_err() {
            break;
        }
    }
    if let Ok(answer) = chunked.receive() {
        assert_eq!(answer.status, 413);
    }
    assert_eq!(server.agent(&key, "GET", "/intents", "").status, 200);
}

#[test]
fn head_is_get_without_the_body() {
    let (_folder, server, key) = server();
    let mut connection = server.connect();
    for target in ["/health", "/intents", "/docs"] {
        let answer = connection.call("HEAD", target, &[("x-t4-api-key", &key)], "").unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{target}");
    }
    // The connection is still in step.
    assert_eq!(connection.call("GET", "/health", &[], "").unwrap().json()["status"], "ok");
}

#[test]
fn a_caller_that_waits_for_100_continue_is_served() {
    let (_folder, server, key) = server();
    let body = r#"{"id":"continue","code":"F821"}"#;
    let headers = [("x-t4-api-key", key.as_str()), ("expect", "100-continue")];
    let answer = server.call("POST", "/intents", &headers, body);
    assert_eq!(answer.status, 201, "{}", answer.body);
}
