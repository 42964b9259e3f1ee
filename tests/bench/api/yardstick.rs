//! The registry against the least that a server must do (`tests/bench/yardstick/`), in alternating rounds on the same
//! rows.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use t4_bench::compare::{Builds, Comparison, median};
use t4_bench::load;
use t4_bench::number;
use t4_bench::server::{Server, binary};

use crate::report::Report;
use crate::{CONNECTIONS, seed};

/// One round of each.
const ROUND: Duration = Duration::from_secs(2);

pub fn measure(dir: &Path, report: &mut Report) {
    let rounds = number("T4_BENCH_ROUNDS", 5);
    let db = dir.join("yardstick.db");
    let server = Server::start(&db);
    let keys: Vec<String> = (0..CONNECTIONS).map(|n| server.key(&format!("agent-{n}"))).collect();
    seed::intents(&server, &keys[0], 10_000);
    let bare = Server::start_build(&binary("examples/yardstick"), &db, &[]);
    let builds = Builds { old: bare, new: server };
    let mut comparison = Comparison::new(rounds);
    let mut get = [seed::get_requests(&keys, 10_000), seed::get_requests(&keys, 10_000)];
    let name = "get by id, bare handler (old) and registry (new)";
    let ratio =
        comparison.measure(&builds, name, CONNECTIONS, ROUND, |build, n, out| get[build](n, out)).ratio();
    report.ratio("get by id / bare handler (target 0.65)", ratio);
    let mut by_file = [seed::by_file_requests(&keys, 10_000), seed::by_file_requests(&keys, 10_000)];
    let name = "by file (20 rows), bare handler (old) and registry (new)";
    let ratio =
        comparison.measure(&builds, name, CONNECTIONS, ROUND, |build, n, out| by_file[build](n, out)).ratio();
    report.ratio("by file / bare handler (target 0.65)", ratio);
    builds.old.stop();
    report.ratio("create / bare insert loop (target 0.70)", create(dir, &builds.new, &keys, rounds));
    builds.new.stop();
}

/// Creates of the registry against inserts in groups of as many.
fn create(dir: &Path, server: &Server, keys: &[String], rounds: u64) -> f64 {
    let db = dir.join("insert.db");
    Server::start(&db).stop();
    let (mut bare, mut full) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let mut command = Command::new(binary("examples/yardstick"));
        command.arg("insert").arg(&db).arg(ROUND.as_secs().to_string());
        let output = command.output().expect("the loop runs");
        let text = String::from_utf8_lossy(&output.stdout);
        bare.push(text.trim().parse().expect("a rate"));
        let run = load::run(server.address, CONNECTIONS, ROUND, seed::create_requests(keys));
        assert_eq!(run.failures, 0, "{:?}", run.first_failure);
        full.push(run.per_second());
    }
    println!("create: bare loop {:.0}/s, registry {:.0}/s", median(&bare), median(&full));
    median(&full) / median(&bare)
}
