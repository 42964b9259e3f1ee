//! A revoked key is refused within one second, whoever revoked it.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use t4_tests::http::Connection;
use t4_tests::process::{Server, Start, command, eventually, stdout_of};

use crate::OBEYED_WITHIN;

/// Asks with a key all the time; tells when each accepted request was sent.
struct Asker {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Vec<Instant>>,
}

impl Asker {
    fn start(server: &Server, key: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (until, address, key) = (Arc::clone(&stop), server.address, key.to_owned());
        let thread = std::thread::spawn(move || {
            let mut connection = Connection::open(address).unwrap();
            let mut accepted = Vec::new();
            while !until.load(Ordering::Relaxed) {
                let sent = Instant::now();
                let answer = connection.call("GET", "/intents/none", &[("x-t4-api-key", &key)], "").unwrap();
                match answer.status {
                    404 => accepted.push(sent),
                    401 => assert_eq!(answer.code(), "revoked_key"),
                    429 => {}
                    _ => panic!("{}", answer.body),
                }
            }
            accepted
        });
        Self { stop, thread }
    }

    fn last_accepted(self) -> Instant {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap().last().copied().expect("the key worked at first")
    }
}

/// Revokes by `how`, and checks that no request sent later than a second after it was accepted.
fn revoked_within_a_second(server: &Server, key: &str, how: impl FnOnce()) {
    let asker = Asker::start(server, key);
    eventually("the key works", Duration::from_secs(10), || {
        (server.agent(key, "GET", "/intents/none", "").status == 404).then_some(())
    });
    how();
    let revoked = Instant::now();
    let headers = [("x-t4-api-key", key)];
    eventually("the key is refused", Duration::from_secs(10), || {
        let status = server.call("GET", "/intents/none", &headers, "").status;
        matches!(status, 401 | 429).then_some(())
    });
    // Some more requests, so that a late acceptance would be seen.
    while revoked.elapsed() < OBEYED_WITHIN + Duration::from_millis(500) {
        assert_ne!(server.call("GET", "/intents/none", &headers, "").status, 404);
    }
    let late = asker.last_accepted().saturating_duration_since(revoked);
    assert!(late <= OBEYED_WITHIN, "accepted {late:?} after the revocation");
}

#[test]
fn a_key_revoked_by_the_api_is_refused_within_one_second() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, id) = server.key("agent");
    revoked_within_a_second(&server, &key, || {
        let answer = server.admin("DELETE", &format!("/admin/api_keys/{id}"), "");
        assert_eq!((answer.status, answer.json()["revoked"].as_bool()), (200, Some(true)));
    });
}

#[test]
fn a_key_revoked_by_admin_keys_on_the_file_is_refused_within_one_second() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, id) = server.key("agent");
    revoked_within_a_second(&server, &key, || {
        stdout_of(command("admin-keys").args(["revoke", &id, "--db"]).arg(server.db()));
    });
    server.assert_log_verifies();
}

#[test]
fn a_key_revoked_by_the_runbooks_sql_is_refused_within_one_second_and_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, id) = server.key("agent");
    revoked_within_a_second(&server, &key, || sql(&server, "UPDATE api_keys SET revoked=1"));
    // The change was made past the program; it has its row all the same.
    let row = eventually("the outside change is recorded", Duration::from_secs(10), || {
        let rows = server.admin("GET", "/admin/audit?limit=1000", "").json();
        rows.as_array()?.iter().find(|row| row["event"] == "outside_change").cloned()
    });
    assert!(row["detail"].as_str().unwrap().contains(&id), "{row}");
    server.assert_log_verifies();
}

#[test]
fn a_key_revoked_by_a_second_server_on_the_file_is_refused_within_one_second() {
    let folder = tempfile::tempdir().unwrap();
    let first = Server::start(folder.path());
    let second = Start::at(folder.path()).server();
    let (key, id) = first.key("agent");
    revoked_within_a_second(&first, &key, || {
        assert_eq!(second.admin("DELETE", &format!("/admin/api_keys/{id}"), "").status, 200);
    });
    first.assert_log_verifies();
}

/// Runs SQL as a runbook does: by the `sqlite3` tool, or, where that is missing, through the library.
pub fn sql(server: &Server, text: &str) {
    match Command::new("sqlite3").arg(server.db()).args(["-cmd", ".timeout 5000", text]).output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(_) => {
            let db = rusqlite::Connection::open(server.db()).unwrap();
            db.busy_timeout(Duration::from_secs(5)).unwrap();
            db.execute_batch(text).unwrap();
        }
    }
}
