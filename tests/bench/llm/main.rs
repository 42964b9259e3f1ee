//! `make bench-llm`: calls through the gate and straight to the provider, in turns, in one run, with the generator
//! and the provider on the same machine.
//!
//! Authentication, limits, hold and durable row are on. `T4_BENCH_SECONDS` is the length of the throughput run (default
//! 10), `T4_BENCH_ROUNDS` the number of turns (default 10). `T4_BENCH_OLD` names
//! the `intent-api` of another build: then both are measured in alternating rounds of 2 s instead.

mod disk;
mod report;
mod streams;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use report::{Report, Spread};
use t4_bench::compare::{self, Builds, Comparison};
use t4_bench::load;
use t4_bench::number;
use t4_bench::server::{ADMIN, Server};

const CONNECTIONS: usize = 64;
/// How long one turn at one connection takes.
const TURN: Duration = Duration::from_millis(500);

fn main() {
    // `cargo bench` passes `--bench`; `cargo test --benches` would pass nothing and measures nothing.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let (seconds, rounds) = (number("T4_BENCH_SECONDS", 10), number("T4_BENCH_ROUNDS", 10));
    let provider = Server::provider();
    if let Some(old) = compare::old_build() {
        return alternate(dir.path(), &old, &provider, rounds);
    }
    let server = gate(dir.path(), &provider, None);
    let keys: Vec<String> = (0..CONNECTIONS).map(|n| server.key(&format!("agent-{n}"))).collect();
    let mut report = Report::new(seconds, rounds);
    report.memory("idle, after start", server.resident_mib());
    latency(&mut report, dir.path(), &provider, &server, &keys[0], rounds);
    throughput(&mut report, &provider, &server, &keys, Duration::from_secs(seconds));
    streams::first_byte(&mut report, dir.path(), &provider, &server, &keys[0], rounds);
    streams::many(&mut report, &server, &keys);
    parity(&mut report, &provider, &server);
    report.write();
    server.stop();
}

/// The figures of two builds: whole answers with many callers and with one.
fn alternate(dir: &Path, old: &Path, provider: &Server, rounds: u64) {
    let folder = |name: &str| {
        let folder = dir.join(name);
        std::fs::create_dir(&folder).expect("a folder");
        folder
    };
    let old = gate(&folder("old"), provider, Some(old));
    let builds = Builds { old, new: gate(&folder("new"), provider, None) };
    let body = chat("!mock tokens=16", false);
    let requests = [&builds.old, &builds.new].map(|server| {
        let keys = (0..CONNECTIONS).map(|n| server.key(&format!("agent-{n}")));
        keys.map(|key| request(GATE, &key, &body)).collect::<Vec<_>>()
    });
    let mut comparison = Comparison::new(rounds);
    let time = Duration::from_secs(2);
    for (name, connections) in
        [("whole answers, 64 connections", CONNECTIONS), ("whole answers, one connection", 1)]
    {
        comparison.measure(&builds, name, connections, time, |build, n, out| {
            out.extend_from_slice(&requests[build][n]);
        });
    }
    comparison.write("llm");
    builds.old.stop();
    builds.new.stop();
}

/// A server whose only provider is the mock; models, prices and caps as the examples have them. `build` is the
/// `intent-api` of another build.
fn gate(dir: &Path, provider: &Server, build: Option<&Path>) -> Server {
    let config = format!(
        "[[provider]]\nname = \"mock\"\nkind = \"openai\"\nbase_url = \"http://{}/v1\"\nmodels = [\"mock-1\"]\n\
         [limits]\nconcurrent_calls_per_key = 1000\n\
         [[budget]]\nscope = \"platform\"\nwindow = \"month\"\nlimit_usd = 9000000.0\n",
        provider.address
    );
    let prices = "[[price]]\nprovider = \"mock\"\nmodel = \"mock-1\"\ninput_usd_per_mtok = \"1\"\n\
                  output_usd_per_mtok = \"2\"\nencoding = \"o200k\"\nsource = \"the bench\"\ndate = \"2026-11-21\"\n";
    let (config_file, prices_file) = (dir.join("llm.toml"), dir.join("prices.toml"));
    std::fs::write(&config_file, config).expect("the configuration");
    std::fs::write(&prices_file, prices).expect("the prices");
    let text = |path: &Path| path.display().to_string();
    let variables = [("T4_LLM_CONFIG", text(&config_file)), ("T4_PRICES", text(&prices_file))];
    let db = dir.join("registry.db");
    match build {
        Some(build) => Server::start_build(build, &db, &variables),
        None => Server::start_with(&db, &variables),
    }
}

/// A chat completion of a few hundred bytes: about what a tool-using agent's turn is at the least.
pub fn chat(script: &str, stream: bool) -> String {
    let system =
        "You are a careful engineer. Answer in one short paragraph, and say what you are not sure of. ";
    let more = if stream { r#","stream":true,"stream_options":{"include_usage":true}"# } else { "" };
    format!(
        r#"{{"model":"mock-1","max_tokens":256,"messages":[{{"role":"system","content":"{}"}},{{"role":"user","content":"{script}"}}]{more}}}"#,
        system.repeat(4)
    )
}

/// The bytes of a request; the provider takes any key.
pub fn request(target: &str, key: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {target} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The route of the provider, and of the gate.
pub const DIRECT: &str = "/v1/chat/completions";
pub const GATE: &str = "/llm/v1/chat/completions";

fn latency(report: &mut Report, dir: &Path, provider: &Server, server: &Server, key: &str, rounds: u64) {
    let body = chat("!mock tokens=16", false);
    let (direct, gate) = (request(DIRECT, key, &body), request(GATE, key, &body));
    let one = |address: SocketAddr, bytes: &[u8]| {
        let run = load::run(address, 1, TURN, |_, out| out.extend_from_slice(bytes));
        assert_eq!(run.failures, 0, "{:?}", run.first_failure);
        run.latencies
    };
    one(provider.address, &direct);
    one(server.address, &gate);
    let (mut direct_all, mut gate_all, mut disk_all) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        direct_all.extend(one(provider.address, &direct));
        gate_all.extend(one(server.address, &gate));
        disk_all.extend(disk::commits(dir, TURN));
    }
    let (direct, gate) = (Spread::of(direct_all), Spread::of(gate_all));
    let disk = Spread::of(disk_all);
    report.spread("one connection, direct", &direct);
    report.spread("one connection, through the gate", &gate);
    report.spread("one fsync (write of 8 KiB and fdatasync)", &disk);
    report.added("added at one connection beyond one fsync, p50", &gate, &direct, &disk, 0.5);
    report.added("added at one connection beyond one fsync, p99", &gate, &direct, &disk, 0.99);
}

fn throughput(report: &mut Report, provider: &Server, server: &Server, keys: &[String], time: Duration) {
    let body = chat("!mock tokens=16", false);
    let requests: Vec<Vec<u8>> = keys.iter().map(|key| request(GATE, key, &body)).collect();
    let direct = request(DIRECT, "none", &body);
    let ceiling = load::run(provider.address, CONNECTIONS, time / 4, |_, out| out.extend_from_slice(&direct));
    report.rate("64 connections, direct (what generator and provider can do)", &ceiling, 0);
    load::run(server.address, CONNECTIONS, time / 10, |n, out| out.extend_from_slice(&requests[n]));
    let before = server.cpu_micros();
    let run = load::run(server.address, CONNECTIONS, time, |n, out| out.extend_from_slice(&requests[n]));
    let cpu = server.cpu_micros() - before;
    report.rate("64 connections, through the gate", &run, cpu);
    report.memory("after the throughput run", server.resident_mib());
}

/// Every request that the provider saw through the gate has one row.
fn parity(report: &mut Report, provider: &Server, server: &Server) {
    let seen = provider.call("GET", "/log/held", "", "").as_u64().expect("a number");
    let admin = format!("x-t4-admin-token: {ADMIN}\r\n");
    let rows = || {
        let totals = server.call("GET", "/admin/llm/usage/summary?by=model", &admin, "");
        totals.as_array().expect("a list").iter().filter_map(|total| total["calls"].as_u64()).sum::<u64>()
    };
    let open = || server.call("GET", "/admin/llm/holds", &admin, "").as_array().map_or(0, Vec::len);
    let patience = std::time::Instant::now();
    while open() > 0 {
        assert!(patience.elapsed() < Duration::from_secs(30), "holds stay open");
        std::thread::sleep(Duration::from_millis(50));
    }
    report.parity(seen, rows());
}
