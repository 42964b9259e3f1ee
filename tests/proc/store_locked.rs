//! Another process holds the database for ten seconds.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use t4_tests::process::{Server, eventually};

use crate::support::{SayOver, number, open};

const HELD: Duration = Duration::from_secs(10);

#[test]
fn a_lock_of_ten_seconds_refuses_writes_in_time_makes_reads_wait_for_their_rows_and_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (key, _) = server.key("agent");
    assert_eq!(server.register(&key, "before").status, 201);
    let other = open(&server.db());
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let held = Instant::now();
    let (over, key) = (AtomicBool::new(false), key.as_str());
    let headers = [("x-t4-api-key", key)];
    std::thread::scope(|scope| {
        let _over = SayOver(&over);
        // Writers that come at different times: none may wait for those before it as well.
        let writers: Vec<_> = (0..6)
            .map(|n| {
                let server = &server;
                scope.spawn(move || {
                    std::thread::sleep(Duration::from_millis(600 * n));
                    let begun = Instant::now();
                    let answer = server.register(key, &format!("during-{n}"));
                    (answer, begun.elapsed())
                })
            })
            .collect();
        let reader = scope.spawn(|| {
            let (mut connection, mut reads, mut slowest) = (server.connect(), 0_i64, Duration::ZERO);
            while !over.load(Ordering::Relaxed) {
                let begun = Instant::now();
                let answer = connection.call("GET", "/intents/before", &headers, "").unwrap();
                // A read waits for its row, and is refused when the store gives up on the lock.
                let code = answer.code();
                assert!(answer.status == 200 || code == "audit_unavailable", "{}", answer.body);
                slowest = slowest.max(begun.elapsed());
                reads += 1;
                std::thread::sleep(Duration::from_millis(5));
            }
            (reads, slowest)
        });
        // What they got is looked at once nobody waits for this thread any more.
        let refusals: Vec<_> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
        let in_time = held.elapsed() < HELD;
        eventually("ten seconds are over", HELD * 2, || (held.elapsed() >= HELD).then_some(()));
        other.execute_batch("COMMIT").unwrap();
        let went_on = (0..400).any(|_| {
            std::thread::sleep(Duration::from_millis(5));
            server.register(key, "after").status / 100 == 2
        });
        over.store(true, Ordering::Relaxed);
        let (reads, slowest) = reader.join().unwrap();
        assert!(went_on, "writes are refused after the lock is gone");
        for (answer, took) in refusals {
            assert_eq!((answer.status, &*answer.code()), (503, "store_locked"), "{}", answer.body);
            assert!(answer.header("retry-after").is_some());
            // Five seconds, and what a busy machine adds; two waits one after the other would be ten.
            assert!(in_time && took < Duration::from_secs(9), "a writer waited {took:?}");
        }
        assert!(slowest < Duration::from_secs(9), "a read waited {slowest:?}");
        // The last failure to write rows speaks for a quarter of a second.
        let mut reads = reads;
        eventually("reads go on after the lock", Duration::from_secs(5), || {
            reads += 1;
            (server.agent(key, "GET", "/intents/before", "").status == 200).then_some(())
        });
        eventually("every read has its row", Duration::from_secs(5), || {
            let rows = "SELECT COUNT(*) FROM audit_log WHERE route = '/intents/{id}'";
            (number(&server.db(), rows) == reads).then_some(())
        });
    });
    // A refusal leaves its row as well, once rows can be written.
    assert!(number(&server.db(), "SELECT COUNT(*) FROM audit_log WHERE outcome = 'store_locked'") >= 4);
    server.assert_log_verifies();
    assert_eq!(server.get("/readyz").status, 200);
    assert_eq!(number(&server.db(), "SELECT COUNT(*) FROM intents WHERE id LIKE 'during-%'"), 0);
}
