//! Two servers on one file.

use std::time::Duration;

use t4_tests::http::Connection;
use t4_tests::process::{Server, Start, eventually};

#[test]
fn two_servers_on_one_file_write_one_log_and_see_each_others_writes() {
    let folder = tempfile::tempdir().unwrap();
    let first = Server::start(folder.path());
    let second = Start::at(folder.path()).server();
    let (key, _) = first.key("agent");
    // The second server learns of the key without being told.
    eventually("the key works at the second server", Duration::from_secs(5), || {
        (second.agent(&key, "GET", "/intents/none", "").status == 404).then_some(())
    });
    let writers: Vec<_> = [first.address, second.address, first.address, second.address]
        .into_iter()
        .enumerate()
        .map(|(writer, address)| {
            let key = key.clone();
            std::thread::spawn(move || {
                let mut connection = Connection::open(address).unwrap();
                for n in 0..50 {
                    let body = format!(r#"{{"id":"shared-{writer}-{n}","code":"F401"}}"#);
                    let headers = [("x-t4-api-key", key.as_str())];
                    let answer = connection.call("POST", "/intents", &headers, &body).unwrap();
                    assert_eq!(answer.status, 201, "{}", answer.body);
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    for server in [&first, &second] {
        let total = server.agent(&key, "GET", "/metrics/summary", "").json()["total"].clone();
        assert_eq!(total, 200);
        server.assert_log_verifies();
    }
    // The very same declaration at the other server is a repeat, not a second intent.
    let again = second.agent(&key, "POST", "/intents", r#"{"id":"shared-0-0","code":"F401"}"#);
    assert_eq!(again.status, 200, "{}", again.body);
}
