//! The schema of a database is changed under a running server.

use std::time::Duration;

use t4_tests::process::{ADMIN, Server, Start, command, eventually, run};

use crate::support::{number, open};

/// The end of the longest wait here: a second of the writer's own, and what a busy machine adds.
const SOON: Duration = Duration::from_secs(10);

/// A trigger that removes each new row of one agent from the log.
const HIDE: &str = "CREATE TRIGGER hide AFTER INSERT ON audit_log WHEN NEW.agent_id = 'evil' \
                    BEGIN DELETE FROM audit_log WHERE id = NEW.id; END";

fn is_ready(server: &Server) -> (u16, String) {
    let answer = server.connect().call("GET", "/readyz", &[], "").expect("an answer");
    (answer.status, answer.body)
}

fn t4(server: &Server, words: &[&str]) -> (Option<i32>, String) {
    let output = run(command("t4").arg("audit").args(words).arg("--db").arg(server.db()));
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_trigger_that_hides_rows_stops_writes_until_an_operator_has_accepted_or_undone_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (evil, _) = server.key("evil");
    let (good, _) = server.key("good");
    assert_eq!(server.register(&evil, "before").status, 201);
    open(&server.db()).execute_batch(HIDE).unwrap();
    for key in [&evil, &good] {
        let answer = server.register(key, "hidden");
        assert_eq!((answer.status, answer.code().as_str()), (503, "audit_broken"), "{}", answer.body);
        assert_eq!(answer.header("retry-after"), Some("30"), "an operator has to act");
    }
    // The first reads leave rows that wait; then a read that can't leave a row gets no answer.
    eventually("reads are refused", SOON, || {
        let read = server.agent(&evil, "GET", "/intents/before", "");
        assert!(read.status == 200 || read.code() == "audit_unavailable", "{}", read.body);
        (read.status == 503).then_some(())
    });
    let (status, checks) = is_ready(&server);
    assert!(status == 503 && checks.contains("audit_broken"), "{status}: {checks}");
    let metrics = server.connect().call("GET", "/metrics", &[("x-t4-admin-token", ADMIN)], "").unwrap();
    assert!(metrics.status == 503 || metrics.body.contains("t4_audit_broken 1"), "{}", metrics.body);
    assert_eq!(number(&server.db(), "SELECT count(*) FROM intents"), 1);
    assert_eq!(number(&server.db(), "SELECT count(*) FROM audit_log WHERE route = '/intents/{id}'"), 0);
    let (code, verdict) = t4(&server, &["verify"]);
    assert!(code == Some(1) && verdict.contains("trigger hide was added"), "{verdict}");

    // Neither a restart nor the end of the trigger lets it go on.
    open(&server.db()).execute_batch("DROP TRIGGER hide").unwrap();
    assert_eq!(server.register(&good, "hidden").code(), "audit_broken");
    drop(server);
    let server = Start::at(folder.path()).server();
    assert_eq!(server.register(&good, "hidden").code(), "audit_broken");
    let (code, shown) = t4(&server, &["accept-schema"]);
    assert_eq!(code, Some(1), "{shown}");
    let sha256 = shown.split_whitespace().last().unwrap();
    let (code, accepted) = t4(&server, &["accept-schema", "--sha256", sha256]);
    assert_eq!(code, Some(0), "{accepted}");
    eventually("the server is ready again", SOON, || (is_ready(&server).0 == 200).then_some(()));
    for key in [&evil, &good] {
        assert_eq!(server.register(key, &format!("after-{key}")[..12]).status, 201);
    }
    let (code, verdict) = t4(&server, &["verify"]);
    assert_eq!(code, Some(0), "{verdict}");
    assert_eq!(number(&server.db(), "SELECT count(*) FROM audit_log WHERE event = 'schema'"), 1);
}
