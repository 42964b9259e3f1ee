//! Nothing acknowledged is lost.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use t4_tests::http::Connection;
use t4_tests::process::{Server, binary, count, eventually, run};

use crate::support;

const WRITERS: usize = 64;

/// One agent's program: it registers one intent after another, and after a crash repeats the one whose answer it
/// never saw.
struct Writer {
    number: usize,
    next: usize,
    tries: usize,
    unanswered: Option<String>,
    /// What each acknowledged intent is known by, and the id of the request that was acknowledged.
    acknowledged: Vec<(String, String)>,
}

impl Writer {
    fn write_until_the_server_dies(&mut self, address: SocketAddr, key: &str, total: &AtomicUsize) {
        let Ok(mut connection) = Connection::open(address) else { return };
        loop {
            let token = self.unanswered.take().unwrap_or_else(|| {
                self.next += 1;
                format!("w{}-{}", self.number, self.next)
            });
            self.tries += 1;
            let request_id = format!("{token}.{}", self.tries);
            // Half of them leave the id to the server, which could not be told from a second one by its id.
            let id =
                if self.number.is_multiple_of(2) { format!(r#""id":"{token}","#) } else { String::new() };
            let body = format!(r#"{{{id}"code":"F821","file":"src/a.py","reason":"{token}"}}"#);
            let headers = [("x-t4-api-key", key), ("x-request-id", &request_id), ("idempotency-key", &token)];
            match connection.call("POST", "/intents", &headers, &body) {
                Ok(answer) if answer.status / 100 == 2 => {
                    self.acknowledged.push((token, request_id));
                    total.fetch_add(1, Ordering::Relaxed);
                }
                Ok(answer) => panic!("{} {}", answer.status, answer.body),
                Err(_) => {
                    self.unanswered = Some(token);
                    return;
                }
            }
        }
    }
}

#[test]
fn kill_9_among_64_writers_loses_no_acknowledged_intent_and_keeps_the_log_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    let (key, _) = server.key("writer");
    let new = |number| Writer { number, next: 0, tries: 0, unanswered: None, acknowledged: Vec::new() };
    let mut writers: Vec<_> = (0..WRITERS).map(new).collect();
    for round in 0..count(3, 25) {
        let (address, total) = (server.address, AtomicUsize::new(0));
        // Another moment each time: in the first commits, in the middle, near a checkpoint.
        let enough = 40 + 211 * (round % 7);
        std::thread::scope(|scope| {
            for writer in &mut writers {
                scope.spawn(|| writer.write_until_the_server_dies(address, &key, &total));
            }
            eventually("writes are acknowledged", Duration::from_secs(60), || {
                (total.load(Ordering::Relaxed) >= enough).then_some(())
            });
            server.kill();
        });
        // The log as the crash left it, before a server touches it.
        let mut verify = Command::new(binary("t4"));
        let verified = run(verify.args(["audit", "verify", "--db"]).arg(folder.path().join("registry.db")));
        assert!(verified.status.success(), "round {round}: {verified:?}");
        server = Server::start(folder.path());
        server.assert_log_verifies();
    }
    let checked = check(&server, &writers);
    assert!(checked > WRITERS, "only {checked} intents were acknowledged");
}

/// Compares what was acknowledged with what is in the file; returns how many intents that were.
fn check(server: &Server, writers: &[Writer]) -> usize {
    let conn = support::open(&server.db());
    let mut intents: HashMap<String, usize> = HashMap::new();
    for row in support::rows(&conn, "SELECT reason FROM intents") {
        *intents.entry(row[0].clone()).or_default() += 1;
    }
    let mut records: HashMap<String, Vec<String>> = HashMap::new();
    let sql = "SELECT request_id, status_code FROM audit_log WHERE route = '/intents' AND method = 'POST'";
    for row in support::rows(&conn, sql) {
        records.entry(row[0].clone()).or_default().push(row[1].clone());
    }
    let acknowledged = writers.iter().flat_map(|writer| &writer.acknowledged);
    let mut checked = 0;
    for (token, request_id) in acknowledged {
        assert_eq!(intents.get(token), Some(&1), "intents of {token}, which was acknowledged");
        let of_request = records.get(request_id).map(Vec::as_slice).unwrap_or_default();
        assert!(matches!(of_request, [one] if one == "201" || one == "200"), "{request_id}: {of_request:?}");
        checked += 1;
    }
    // No act without a record, acknowledged or not.
    let recorded: HashSet<_> =
        records.keys().filter_map(|id| id.rsplit_once('.')).map(|(token, _)| token).collect();
    for (token, times) in &intents {
        assert_eq!(*times, 1, "{token} is there more than once");
        assert!(recorded.contains(token.as_str()), "{token} is there without a record");
    }
    checked
}
