//! `make bench`: the registry under load, in release mode, with the generator on the same machine.
//!
//! One run, 64 keep-alive connections, 64 keys; authentication, limits and audit on. `T4_BENCH_SECONDS` is the
//! length of each measurement (default 10), `T4_BENCH_SOAK_SECONDS` of the memory run (default 60; the target speaks
//! of 600), `T4_BENCH_SCALE=1` adds the large database. `T4_BENCH_OLD` names the `intent-api` of another build: then both
//! are measured in alternating rounds (`T4_BENCH_ROUNDS`, default 10) of 2 s instead, and nothing else is.

mod report;
mod scale;
mod seed;
mod yardstick;

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use report::{Report, Row};
use t4_bench::compare::{self, Builds, Comparison};
use t4_bench::load::{self, Run};
use t4_bench::number;
use t4_bench::server::Server;

const CONNECTIONS: usize = 64;

fn main() {
    // `cargo bench` passes `--bench`; `cargo test --benches` would pass nothing and measures nothing.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let seconds = number("T4_BENCH_SECONDS", 10);
    let soak = number("T4_BENCH_SOAK_SECONDS", 60);
    let dir = tempfile::tempdir().expect("a folder");
    if let Some(old) = compare::old_build() {
        return alternate(dir.path(), &old);
    }
    let mut report = Report::new(seconds);
    small(dir.path(), Duration::from_secs(seconds), Duration::from_secs(soak), &mut report);
    yardstick::measure(dir.path(), &mut report);
    if std::env::var("T4_BENCH_SCALE").is_ok_and(|v| v == "1") {
        scale::run(dir.path(), Duration::from_secs(seconds), &mut report);
    }
    report.write();
}

fn small(dir: &Path, time: Duration, soak: Duration, report: &mut Report) {
    let server = Server::start(&dir.join("small.db"));
    let keys: Vec<String> = (0..CONNECTIONS).map(|n| server.key(&format!("agent-{n}"))).collect();
    report.memory("idle, after start", server.resident_mib());
    seed::intents(&server, &keys[0], 10_000);

    let bare = measure(report, &server, "health (bare)", time, |_, out| {
        out.extend_from_slice(b"GET /health HTTP/1.1\r\nhost: bench\r\n\r\n");
    });
    let get = measure(report, &server, "get by id", time, seed::get_requests(&keys, 10_000));
    report.ratio("get by id / bare health", get.per_second() / bare.per_second());
    measure(report, &server, "by file (20 rows)", time, seed::by_file_requests(&keys, 10_000));
    measure(report, &server, "create, durable", time, seed::create_requests(&keys));
    pre_pr(report, &server, &keys[0]);

    let started = Instant::now();
    let mut mixed = seed::mixed_requests(&keys, 10_000);
    let mut next_look = Duration::ZERO;
    while started.elapsed() < soak {
        let part =
            Duration::from_secs(5).min(soak.saturating_sub(started.elapsed()) + Duration::from_millis(1));
        let run = load::run(server.address, CONNECTIONS, part, &mut mixed);
        assert_eq!(run.failures, 0, "{:?}", run.first_failure);
        if started.elapsed() >= next_look {
            report.memory(
                &format!("under mixed load, {} s", started.elapsed().as_secs()),
                server.resident_mib(),
            );
            next_look += soak / 10;
        }
    }
    server.stop();
}

/// The figures of two builds, each on a database of its own with the same rows.
fn alternate(dir: &Path, old: &Path) {
    let old = Server::start_build(old, &dir.join("old.db"), &[]);
    let builds = Builds { old, new: Server::start(&dir.join("new.db")) };
    let keys = [&builds.old, &builds.new].map(|server| {
        let keys: Vec<String> = (0..CONNECTIONS).map(|n| server.key(&format!("agent-{n}"))).collect();
        seed::intents(server, &keys[0], 10_000);
        keys
    });
    let time = Duration::from_secs(2);
    let mut comparison = Comparison::new(number("T4_BENCH_ROUNDS", 10));
    comparison.measure(&builds, "health (bare)", CONNECTIONS, time, |_, _, out| {
        out.extend_from_slice(b"GET /health HTTP/1.1\r\nhost: bench\r\n\r\n");
    });
    let mut get = keys.each_ref().map(|keys| seed::get_requests(keys, 10_000));
    comparison.measure(&builds, "get by id", CONNECTIONS, time, |build, n, out| get[build](n, out));
    let mut by_file = keys.each_ref().map(|keys| seed::by_file_requests(keys, 10_000));
    comparison
        .measure(&builds, "by file (20 rows)", CONNECTIONS, time, |build, n, out| by_file[build](n, out));
    let mut create = keys.each_ref().map(|keys| seed::create_requests(keys));
    comparison.measure(&builds, "create, durable", CONNECTIONS, time, |build, n, out| create[build](n, out));
    let pre_pr = keys.each_ref().map(|keys| seed::pre_pr_request(&keys[0], 200));
    comparison.measure(&builds, "pre-PR check of 200 files, one connection", 1, time, |build, _, out| {
        out.extend_from_slice(&pre_pr[build]);
    });
    comparison.write("api");
    builds.old.stop();
    builds.new.stop();
}

/// One measurement: its row, with the processor time of server and generator for each request.
pub fn measure(
    report: &mut Report,
    server: &Server,
    name: &str,
    time: Duration,
    mut next: impl FnMut(usize, &mut Vec<u8>),
) -> Run {
    load::run(server.address, CONNECTIONS, Duration::from_millis(500), &mut next);
    let before = server.cpu_micros();
    let run = load::run(server.address, CONNECTIONS, time, &mut next);
    let cpu = server.cpu_micros() - before;
    report.add(Row::of(name, &run, cpu));
    run
}

fn pre_pr(report: &mut Report, server: &Server, key: &str) {
    let request = seed::pre_pr_request(key, 200);
    let run = load::run(server.address, 1, Duration::from_secs(3), |_, out| out.extend_from_slice(&request));
    report.add(Row::of("pre-PR check of 200 files, one call, one connection", &run, 0));
    std::io::stdout().flush().expect("stdout");
}
