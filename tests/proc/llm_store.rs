//! Calls when the store can't be written, and when the server stops.

use std::time::Duration;

use t4_tests::http::{Connection, request};
use t4_tests::mock::{Mock, chat, cost, server, with_provider};
use t4_tests::process::{Server, Start, eventually, stdout_of};

use crate::llm_support::{assert_parity, call, key, settled, usage};
use crate::support;

#[test]
fn while_another_process_holds_the_database_no_call_is_made() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let server = server(folder.path(), &mock, "");
    let key = key(&server, "a", "1.0");
    let conn = support::open(&server.db());
    conn.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answer = call(&server, &key, &chat("hello"));
    assert_eq!((answer.status, answer.code().as_str()), (503, "store_locked"), "{}", answer.body);
    assert!(answer.header("retry-after").is_some());
    conn.execute_batch("ROLLBACK").unwrap();
    assert_eq!(mock.count(), 0);
    assert_eq!(call(&server, &key, &chat("!mock tokens=1")).status, 200);
}

#[test]
fn a_server_that_stops_lets_its_calls_end_and_settles_them() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    let server = server(folder.path(), &mock, "");
    let (key, db) = (key(&server, "a", "1.0"), server.db());
    let body = chat("!mock tokens=5 prompt=3 delay_ms=1500");
    let headers = [("x-t4-api-key", key.as_str())];
    let mut connection = Connection::open(server.address).unwrap();
    connection.send(&request("POST", "/llm/v1/chat/completions", &headers, &body.to_string())).unwrap();
    eventually("the provider sees it", Duration::from_secs(10), || (mock.count() == 1).then_some(()));
    assert!(server.stop(Duration::from_secs(30)).success());
    assert_eq!(connection.receive().unwrap().status, 200);
    assert_eq!(support::number(&db, "SELECT count(*) FROM llm_holds"), 0);
    assert_eq!(usage(&db)[0].cost_pico, cost(3, 5));
}

/// How large the files of a process may become.
fn limit_files(server: &Server, size: &str) {
    let pid = server.pid().to_string();
    let mut limit = std::process::Command::new("prlimit");
    stdout_of(limit.args(["--pid", &pid, &format!("--fsize={size}")]));
}

#[test]
fn on_a_full_disk_no_call_is_made_and_what_was_under_way_is_settled_once_there_is_room() {
    let (folder, mock) = (tempfile::tempdir().unwrap(), Mock::start());
    // The signal that such a limit also sends would end the process.
    let start = Start::at(folder.path()).wrapped(&["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""]);
    let server = with_provider(start, &mock.url(), "").server();
    let key = key(&server, "a", "1.0");
    let body = chat("!mock tokens=5 prompt=3 delay_ms=500").to_string();
    let headers = [("x-t4-api-key", key.as_str())];
    let mut connection = Connection::open(server.address).unwrap();
    connection.send(&request("POST", "/llm/v1/chat/completions", &headers, &body)).unwrap();
    eventually("the provider sees it", Duration::from_secs(10), || (mock.count() == 1).then_some(()));
    limit_files(&server, "1:");
    // The hold is on disk, so the answer is given.
    assert_eq!(connection.receive().unwrap().status, 200);
    let answer = call(&server, &key, &chat("hello"));
    assert_eq!((answer.status, answer.code().as_str()), (503, "store_unavailable"), "{}", answer.body);
    assert!(answer.header("retry-after").is_some());
    assert_eq!((mock.count(), usage(&server.db()).len()), (1, 0));
    limit_files(&server, "unlimited:");
    settled(&server.db());
    let rows = usage(&server.db());
    assert_eq!((rows.len(), rows[0].cost_pico, rows[0].end()), (1, cost(3, 5), ("provider", "ok")));
    eventually("it takes calls again", Duration::from_secs(10), || {
        (call(&server, &key, &chat("!mock tokens=1")).status == 200).then_some(())
    });
    settled(&server.db());
    assert_parity(&mock, &server.db());
}
