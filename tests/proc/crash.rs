//! Nothing acknowledged is lost, and nothing is there twice, wherever the power goes.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use t4_tests::http::Connection;
use t4_tests::process::{Server, eventually};

use crate::times;

const WRITERS: usize = 64;

#[test]
fn kill_9_in_the_middle_of_64_writers_loses_no_acknowledged_intent() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, _) = server.key("writer");
    drop(server);
    let acknowledged = Arc::new(Mutex::new(HashSet::new()));
    for round in 0..times(3, 25) {
        let server = Server::start(folder.path());
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (stop, done, key) = (Arc::clone(&stop), Arc::clone(&acknowledged), key.clone());
                let address = server.address;
                std::thread::spawn(move || {
                    let Ok(mut connection) = Connection::open(address) else { return };
                    for n in 0.. {
                        if stop.load(Ordering::Relaxed) {
                            return;
                        }
                        let id = format!("crash-{round}-{writer}-{n}");
                        let body = format!(r#"{{"id":"{id}","code":"F821","file":"a.py"}}"#);
                        let headers = [("x-t4-api-key", key.as_str())];
                        match connection.call("POST", "/intents", &headers, &body) {
                            Ok(answer) if answer.status == 201 => {
                                done.lock().unwrap().insert(id);
                            }
                            Ok(answer) => panic!("{}", answer.body),
                            Err(_) => return,
                        }
                    }
                })
            })
            .collect();
        let before = acknowledged.lock().unwrap().len();
        // The kill falls at another place of the write every time.
        let wanted = before + 150 + round * 37;
        eventually("enough writes", Duration::from_secs(60), || {
            (acknowledged.lock().unwrap().len() >= wanted).then_some(())
        });
        server.kill();
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.join().unwrap();
        }
    }
    let server = Server::start(folder.path());
    server.assert_log_verifies();
    let db = rusqlite::Connection::open(server.db()).unwrap();
    let ids: Vec<String> = db
        .prepare("SELECT id FROM intents")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let there: HashSet<&str> = ids.iter().map(String::as_str).collect();
    assert_eq!(there.len(), ids.len(), "an intent is there twice");
    let acknowledged = acknowledged.lock().unwrap();
    for id in acknowledged.iter() {
        assert!(there.contains(id.as_str()), "{id} was acknowledged and is gone");
    }
    // No act without a record: each intent has exactly one row, and no row stands for an intent that is not there.
    let rows: i64 = db
        .query_row(
            "SELECT COUNT(*) FROM audit_log WHERE route = '/intents' AND method = 'POST' AND status_code = 201",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(usize::try_from(rows).unwrap(), ids.len());
}
