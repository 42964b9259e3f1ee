//! SIGTERM: what runs is answered, what waits is written, and nobody can hold the stop.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use t4_tests::http::Connection;
use t4_tests::process::{Server, Start, eventually};

use crate::support::{number, timed};

/// The server gives running requests ten seconds, and the store ten more.
const BOUND: Duration = Duration::from_secs(15);

/// Sends the head of a creation and half of its body; the server has begun to read it when this returns.
fn half_a_request(server: &Server, key: &str, id: &str) -> (Connection, String) {
    let body = format!(r#"{{"id":"{id}","code":"F821","file":"src/a.py"}}"#);
    let (half, rest) = body.split_at(body.len() / 2);
    let mut connection = server.connect();
    let head = format!(
        "POST /intents HTTP/1.1\r\nhost: t\r\nx-t4-api-key: {key}\r\nexpect: 100-continue\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    connection.send(head.as_bytes()).unwrap();
    assert!(connection.continues().unwrap(), "100 Continue");
    connection.send(half.as_bytes()).unwrap();
    (connection, rest.to_owned())
}

fn refuses_connections(server: &Server) -> bool {
    TcpStream::connect(server.address).is_err()
}

#[test]
fn requests_that_run_at_sigterm_are_answered_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    let (key, _) = server.key("agent");
    let mut running: Vec<_> =
        (0..8).map(|n| half_a_request(&server, &key, &format!("running-{n}"))).collect();
    server.signal("-TERM");
    eventually("no new connection is accepted", Duration::from_secs(5), || {
        refuses_connections(&server).then_some(())
    });
    assert!(server.runs(), "it waits for what runs");
    for (connection, rest) in &mut running {
        connection.send(rest.as_bytes()).unwrap();
        let answer = connection.receive().expect("an answer after the signal");
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    assert_eq!(server.ended(BOUND).code(), Some(0));
    let kept = number(&server.db(), "SELECT COUNT(*) FROM intents WHERE id LIKE 'running-%'");
    assert_eq!(kept, 8);
    let again = Server::start(folder.path());
    again.assert_log_verifies();
}

#[test]
fn rows_of_reads_that_still_waited_at_sigterm_are_in_the_file_afterwards() {
    const READS: usize = 300;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, _) = server.key("agent");
    let mut connection = server.connect();
    for n in 0..READS {
        let id = format!("read-{n}");
        let headers = [("x-t4-api-key", key.as_str()), ("x-request-id", &id)];
        assert_eq!(connection.call("GET", "/intents", &headers, "").unwrap().status, 200);
    }
    let db = server.db();
    assert_eq!(server.stop(BOUND).code(), Some(0));
    let kept = number(&db, "SELECT COUNT(DISTINCT request_id) FROM audit_log WHERE request_id LIKE 'read-%'");
    assert_eq!(kept, i64::try_from(READS).unwrap());
}

#[test]
fn counted_refusals_that_have_no_row_yet_get_it_at_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut connection = server.connect();
    for _ in 0..200 {
        assert!(connection.call("GET", "/intents", &[], "").unwrap().status / 100 == 4);
    }
    let db = server.db();
    assert_eq!(server.stop(BOUND).code(), Some(0));
    let told = "SELECT SUM(COALESCE(count, 1)) FROM audit_log WHERE status_code IN (401, 429) OR event = 'anonymous'";
    assert_eq!(number(&db, told), 200);
    assert!(number(&db, "SELECT COUNT(*) FROM audit_log") < 100, "a flood does not fill the log");
}

#[test]
fn idle_connections_do_not_hold_the_stop() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut idle: Vec<_> = (0..16).map(|_| server.connect()).collect();
    for connection in idle.iter_mut().take(8) {
        assert_eq!(connection.call("GET", "/health", &[], "").unwrap().status, 200);
    }
    let (status, took) = timed(|| server.stop(BOUND));
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn slow_senders_and_half_closed_connections_hold_the_stop_no_longer_than_its_bound() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, _) = server.key("agent");
    let mut slow_head = server.connect();
    slow_head.send(b"GET /health HT").unwrap();
    let (_slow_body, _) = half_a_request(&server, &key, "never-whole");
    let mut half_closed = server.connect();
    half_closed.send(b"POST /intents HTTP/1.1\r\nhost: t\r\ncontent-length: 100\r\n").unwrap();
    half_closed.stream().shutdown(std::net::Shutdown::Write).unwrap();
    let db = server.db();
    let (status, took) = timed(|| server.stop(BOUND));
    assert_eq!(status.code(), Some(0), "after {took:?}");
    assert_eq!(number(&db, "SELECT COUNT(*) FROM intents"), 0);
    Server::start(folder.path()).assert_log_verifies();
}

#[test]
fn sigint_stops_as_sigterm_does_and_a_second_signal_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Start::at(folder.path()).server();
    let (key, _) = server.key("agent");
    let (mut connection, rest) = half_a_request(&server, &key, "running");
    server.signal("-INT");
    eventually("it stops accepting", Duration::from_secs(5), || refuses_connections(&server).then_some(()));
    server.signal("-TERM");
    connection.send(rest.as_bytes()).unwrap();
    assert_eq!(connection.receive().expect("an answer").status, 201);
    assert_eq!(server.ended(BOUND).code(), Some(0));
    // A stop in order leaves an empty write-ahead log.
    let wal = std::fs::metadata(folder.path().join("registry.db-wal")).map_or(0, |wal| wal.len());
    assert_eq!(wal, 0);
    let begun = Instant::now();
    drop(Server::start(folder.path()));
    assert!(begun.elapsed() < Duration::from_secs(5));
}
