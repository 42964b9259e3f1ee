//! The large database: a million intents and five million audit rows, against a small one in the same run.

use std::path::Path;
use std::time::{Duration, Instant};

use t4_bench::server::Server;
use t4_bench::{load, number};

use crate::report::Report;
use crate::{CONNECTIONS, measure, seed};

/// How large the large database is.
const INTENTS: u64 = 1_000_000;
const AUDIT_ROWS: u64 = 5_000_000;

pub fn run(dir: &Path, time: Duration, report: &mut Report) {
    let intents = usize::try_from(number("T4_BENCH_SCALE_INTENTS", INTENTS)).unwrap_or(usize::MAX);
    let audit_rows = number("T4_BENCH_SCALE_AUDIT", AUDIT_ROWS);
    let db = dir.join("large.db");
    let server = Server::start(&db);
    let keys: Vec<String> = (0..CONNECTIONS).map(|n| server.key(&format!("agent-{n}"))).collect();
    let started = Instant::now();
    seed::intents(&server, &keys[0], intents);
    println!("seeded {intents} intents in {:.0} s", started.elapsed().as_secs_f64());
    // Each read leaves its row: the log grows as it would in production.
    let mut rows = 0;
    while rows < audit_rows {
        let reads = seed::get_requests(&keys, intents);
        rows += load::run(server.address, CONNECTIONS, Duration::from_secs(10), reads).requests;
    }
    println!("seeded {rows} audit rows after {:.0} s", started.elapsed().as_secs_f64());
    server.stop();

    let small = Server::start(&dir.join("small-again.db"));
    let small_keys: Vec<String> = (0..CONNECTIONS).map(|n| small.key(&format!("agent-{n}"))).collect();
    seed::intents(&small, &small_keys[0], 10_000);
    let large = Server::start(&db);
    report
        .ratio(&format!("start with {intents} intents and {rows} audit rows, seconds"), large.start_seconds);
    let get_small =
        measure(report, &small, "get by id, small", time, seed::get_requests(&small_keys, 10_000));
    let get_large = measure(report, &large, "get by id, large", time, seed::get_requests(&keys, intents));
    let requests = seed::by_file_requests(&small_keys, 10_000);
    let file_small = measure(report, &small, "by file (20 rows), small", time, requests);
    let requests = seed::by_file_requests(&keys, intents);
    let file_large = measure(report, &large, "by file (20 rows), large", time, requests);
    report.ratio("get by id, small / large", get_small.per_second() / get_large.per_second());
    report.ratio("by file, small / large", file_small.per_second() / file_large.per_second());
    report.memory("large database, after reads", large.resident_mib());
    small.stop();
    large.stop();
}
