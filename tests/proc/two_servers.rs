//! Two servers on one file are one registry.

use std::time::Duration;

use t4_tests::process::{Server, count, eventually};

use crate::support::number;

const WRITERS: usize = 8;

#[test]
fn two_servers_on_one_file_write_one_log_and_read_each_others_writes() {
    let folder = tempfile::tempdir().unwrap();
    let servers = [Server::start(folder.path()), Server::start(folder.path())];
    let (key, _) = servers[0].key("agent");
    let each = count(40, 400);
    std::thread::scope(|scope| {
        for (place, server) in servers.iter().enumerate() {
            for writer in 0..WRITERS {
                let (key, other) = (&key, &servers[1 - place]);
                scope.spawn(move || {
                    let (mut mine, mut theirs) = (server.connect(), other.connect());
                    let headers = [("x-t4-api-key", key.as_str())];
                    for n in 0..each {
                        let id = format!("s{place}-{writer}-{n}");
                        let body = format!(r#"{{"id":"{id}","code":"F821"}}"#);
                        let answer = mine.call("POST", "/intents", &headers, &body).unwrap();
                        assert_eq!(answer.status, 201, "{}", answer.body);
                        let path = format!("/intents/{id}");
                        let read = mine.call("GET", &path, &headers, "").unwrap();
                        assert_eq!(read.status, 200, "its own write, at once: {}", read.body);
                        eventually("the other server sees the write", Duration::from_secs(1), || {
                            (theirs.call("GET", &path, &headers, "").unwrap().status == 200).then_some(())
                        });
                    }
                });
            }
        }
    });
    for server in &servers {
        server.assert_log_verifies();
    }
    let wanted = i64::try_from(2 * WRITERS * each).unwrap();
    assert_eq!(number(&servers[0].db(), "SELECT COUNT(*) FROM intents"), wanted);
    let rows = "SELECT COUNT(*) FROM audit_log WHERE route = '/intents' AND status_code = 201";
    assert_eq!(number(&servers[0].db(), rows), wanted);
    let gaps = "SELECT MAX(seq) + 1 - COUNT(seq) FROM audit_log";
    assert_eq!(number(&servers[0].db(), gaps), 0, "the order of the log has no gap");
    for server in servers {
        assert_eq!(server.stop(Duration::from_secs(15)).code(), Some(0));
    }
}

#[test]
fn an_idempotency_key_counts_on_both_servers() {
    let folder = tempfile::tempdir().unwrap();
    let servers = [Server::start(folder.path()), Server::start(folder.path())];
    let (key, _) = servers[0].key("agent");
    let headers = [("x-t4-api-key", key.as_str()), ("idempotency-key", "once")];
    let create = |server: &Server| server.call("POST", "/intents", &headers, r#"{"code":"F821"}"#);
    let (first, again) = (create(&servers[0]), create(&servers[1]));
    assert_eq!((first.status, again.status), (201, 201), "{} {}", first.body, again.body);
    assert_eq!(first.json()["intent"]["id"], again.json()["intent"]["id"]);
    assert_eq!(number(&servers[0].db(), "SELECT COUNT(*) FROM intents"), 1);
}
