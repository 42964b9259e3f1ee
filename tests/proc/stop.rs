//! SIGTERM: what runs is finished, what waits is written, the exit is clean.

use std::io::Read;
use std::time::{Duration, Instant};

use t4_tests::http::request;
use t4_tests::process::Server;

#[test]
fn a_stop_answers_what_runs_and_writes_every_row_of_a_read() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, _) = server.key("agent");
    let mut reader = server.connect();
    for _ in 0..100 {
        let answer = reader.call("GET", "/intents/none", &[("x-t4-api-key", &key)], "").unwrap();
        assert_eq!(answer.status, 404);
    }
    // A request whose body is still on its way when the signal comes.
    let mut running = server.connect();
    let whole = request("POST", "/intents", &[("x-t4-api-key", &key)], r#"{"id":"last","code":"F821"}"#);
    let (head, tail) = whole.split_at(whole.len() - 5);
    running.send(head).unwrap();
    // The server has read the head once it answers another request of the same worker pool.
    for _ in 0..20 {
        reader.call("GET", "/intents/none", &[("x-t4-api-key", &key)], "").unwrap();
    }
    let db = server.db();
    server.signal("-TERM");
    running.send(tail).unwrap();
    let answer = running.receive().unwrap();
    assert_eq!(answer.status, 201, "{}", answer.body);
    drop((running, reader));
    let status = server.stop(Duration::from_secs(20));
    assert!(status.success(), "{status}");
    let db = rusqlite::Connection::open(db).unwrap();
    let rows = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(rows("SELECT COUNT(*) FROM intents WHERE id = 'last'"), 1);
    // 60 rows of refusals by themselves, the others counted in one row.
    let reads = "SELECT SUM(count) FROM audit_log WHERE outcome = 'intent_not_found' OR event = 'refusals'";
    assert_eq!(rows(reads), 120);
}

#[test]
fn a_slow_sender_does_not_hold_the_stop_longer_than_its_bound() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, _) = server.key("agent");
    let mut slow = server.connect();
    slow.send(&request("POST", "/intents", &[("x-t4-api-key", &key)], "{\"code\":\"F821\"}")[..150]).unwrap();
    let mut idle = server.connect();
    idle.send(b"GET /hea").unwrap();
    let begun = Instant::now();
    let status = server.stop(Duration::from_secs(25));
    assert!(status.success(), "{status} after {:?}", begun.elapsed());
    // The connection was closed, not left.
    let mut rest = Vec::new();
    let _ = slow.stream().read_to_end(&mut rest);
}
