//! One key keeps the writer busy: the others' writes, and the key's own revocation, do not wait for it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use t4_tests::process::{Server, eventually};

/// Checks that are sent at once.
const CROWD: usize = 60;
/// Placeholders that each of them makes: some tens of milliseconds of the writer's time.
const FILES: usize = 1000;
/// The crowd takes many seconds; nothing here may.
const LOST: Duration = Duration::from_secs(60);

fn queue_depth(server: &Server) -> usize {
    let metrics = server.admin("GET", "/metrics", "").body;
    let line = metrics.lines().find(|line| line.starts_with("t4_store_queue_depth "));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_else(|| panic!("{metrics}"))
}

#[test]
fn a_crowd_of_checks_delays_neither_another_agent_nor_a_revocation() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let ((greedy, greedy_id), (other, _)) = (server.key("greedy"), server.key("other"));
    let answered = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let checks: Vec<_> = (0..CROWD)
            .map(|n| {
                let (server, greedy, answered) = (&server, &greedy, &answered);
                scope.spawn(move || {
                    let files: Vec<_> = (0..FILES).map(|file| format!("{n}/{file}.py")).collect();
                    let body = json!({ "files": files, "critical_codes": ["A1"] }).to_string();
                    let answer = server.agent(greedy, "POST", "/intents/pre_pr_check", &body);
                    // Those that the revocation overtakes are refused at once.
                    answered.fetch_add(usize::from(answer.status != 401), Ordering::SeqCst);
                    (answer.status, answer.code())
                })
            })
            .collect();
        eventually("a crowd waits for the writer", LOST, || (queue_depth(&server) > CROWD / 2).then_some(()));
        let before = answered.load(Ordering::SeqCst);
        assert_eq!(server.register(&other, "other").status, 201);
        let create = answered.load(Ordering::SeqCst);
        let revoked = server.admin("DELETE", &format!("/admin/api_keys/{greedy_id}"), "");
        assert_eq!(revoked.json()["revoked"], true, "{}", revoked.body);
        let end = answered.load(Ordering::SeqCst);
        // Each may have waited for the check that ran, and for those whose commit was under way.
        assert!(end - before <= CROWD / 4, "{before} were answered before, {create} and {end} after");
        let mut overtaken = 0;
        for check in checks {
            let (status, code) = check.join().unwrap();
            // On a loaded machine one check may take longer than a request may.
            assert!([200, 401].contains(&status) || code == "deadline_exceeded", "{status} {code}");
            overtaken += usize::from(status == 401);
        }
        assert!(overtaken > 0, "the crowd was gone before the others had their turn");
    });
    server.assert_log_verifies();
}

#[test]
fn a_request_that_takes_too_long_is_refused_recorded_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, _) = server.key("agent");
    let outside = rusqlite::Connection::open(server.db()).unwrap();
    // Each insert of this file takes seconds.
    outside
        .execute_batch(
            "CREATE TRIGGER slow BEFORE INSERT ON intents WHEN NEW.file = 'slow.py' BEGIN \
             SELECT count(*) FROM \
             (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000000) SELECT i FROM n); \
             END",
        )
        .unwrap();
    server.accept_schema();
    let intents: Vec<_> =
        (0..3).map(|n| json!({ "id": format!("slow-{n}"), "code": "A1", "file": "slow.py" })).collect();
    let answer = server.agent(&key, "POST", "/intents/batch", &json!({ "intents": intents }).to_string());
    assert_eq!((answer.status, answer.code().as_str()), (503, "deadline_exceeded"), "{}", answer.body);
    outside.execute_batch("DROP TRIGGER slow").unwrap();
    server.accept_schema();
    // The server may have looked at the schema between its change and the acceptance; its next look mends that.
    eventually("writes are taken again", LOST, || {
        let made = server.register(&key, "quick");
        assert!([201, 503].contains(&made.status), "{}", made.body);
        (made.status == 201).then_some(())
    });
    assert_eq!(server.agent(&key, "GET", "/intents/slow-0", "").status, 404);
    let recorded = "SELECT count(*) FROM audit_log WHERE route = '/intents/batch' AND status_code = 503 \
                    AND outcome = 'deadline_exceeded'";
    eventually("the refusal is recorded", LOST, || {
        let rows: i64 = outside.query_row(recorded, [], |row| row.get(0)).unwrap();
        (rows == 1).then_some(())
    });
    let metrics = server.admin("GET", "/metrics", "").body;
    assert!(metrics.contains("t4_store_deadline_refusals_total 1"), "{metrics}");
    server.assert_log_verifies();
}

#[test]
fn a_check_beyond_the_bounds_is_refused_with_the_bound_that_it_breaks() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, _) = server.key("agent");
    let names = |count: usize, length: usize| -> Vec<String> {
        (0..count).map(|n| format!("{n:04}{}", "d".repeat(length.saturating_sub(4)))).collect()
    };
    for (files, codes, bound) in [
        (names(5001, 4), names(1, 4), "at most 5000 files"),
        (names(1, 4), names(201, 4), "at most 200 codes"),
        (names(5000, 4), names(5, 4), "at most 20000"),
        (names(5000, 1500), names(1, 4), "524288 bytes"),
        (names(150, 3490), names(100, 100), "524288 bytes"),
    ] {
        let body = json!({ "files": files, "critical_codes": codes }).to_string();
        let answer = server.agent(&key, "POST", "/intents/pre_pr_check", &body);
        assert_eq!((answer.status, answer.code().as_str()), (422, "invalid_field"), "{}", answer.body);
        assert!(answer.body.contains(bound), "{bound}: {}", answer.body);
    }
    let largest =
        json!({ "files": names(5000, 100), "critical_codes": names(4, 4), "auto_create_reserved": false });
    let answer = server.agent(&key, "POST", "/intents/pre_pr_check", &largest.to_string());
    // On a loaded machine it may take longer than a request may; its size is no reason to refuse it.
    assert!(answer.status == 200 || answer.code() == "deadline_exceeded", "{}", answer.body);
}
