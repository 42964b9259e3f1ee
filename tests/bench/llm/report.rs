//! The table for people and the figures for programs.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};
use t4_bench::cores;
use t4_bench::load::Run;

/// Times, sorted, in microseconds.
pub struct Spread(Vec<u32>);

impl Spread {
    pub fn of(mut times: Vec<u32>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    pub fn at(&self, part: f64) -> u32 {
        let last = self.0.len().saturating_sub(1);
        self.0.get((last as f64 * part) as usize).copied().unwrap_or(0)
    }
}

/// Everything that one run of the bench showed.
pub struct Report {
    seconds: u64,
    rounds: u64,
    rows: Vec<(String, String)>,
    raw: Vec<Value>,
}

impl Report {
    pub fn new(seconds: u64, rounds: u64) -> Self {
        Self { seconds, rounds, rows: Vec::new(), raw: Vec::new() }
    }

    fn add(&mut self, name: &str, text: String, raw: Value) {
        println!("{name:<62} {text}");
        self.rows.push((name.to_owned(), text));
        self.raw.push(raw);
    }

    pub fn spread(&mut self, name: &str, times: &Spread) {
        let (p50, p99, max) = (times.at(0.5), times.at(0.99), times.at(1.0));
        let (quarter, three) = (times.at(0.25), times.at(0.75));
        let text = format!("p50 {p50} µs, p99 {p99} µs, max {max} µs, middle half {quarter}–{three} µs");
        let count = times.0.len();
        let raw = json!({ "name": name, "count": count, "p25_us": quarter, "p50_us": p50, "p75_us": three,
                          "p99_us": p99, "max_us": max });
        self.add(name, text, raw);
    }

    /// What the gate adds to the direct call, the disk's part taken off.
    pub fn added(&mut self, name: &str, gate: &Spread, direct: &Spread, disk: &Spread, part: f64) {
        let all = i64::from(gate.at(part)) - i64::from(direct.at(part));
        let beyond = all - i64::from(disk.at(part));
        let raw = json!({ "name": name, "added_us": all, "beyond_fsync_us": beyond });
        self.add(name, format!("{beyond} µs (with it {all} µs)"), raw);
    }

    pub fn rate(&mut self, name: &str, run: &Run, cpu_micros: u64) {
        let (rate, p50, p99) = (run.per_second(), run.percentile(0.5), run.percentile(0.99));
        let cpu = cpu_micros as f64 / run.requests.max(1) as f64;
        if let Some(failure) = &run.first_failure {
            println!("    first failure: {failure}");
        }
        let text = format!(
            "{rate:.0}/s, p50 {:.2} ms, p99 {:.2} ms, server cpu {cpu:.0} µs per call, failures {}",
            f64::from(p50) / 1000.0,
            f64::from(p99) / 1000.0,
            run.failures
        );
        let raw = json!({ "name": name, "per_second": rate, "p50_us": p50, "p99_us": p99,
                          "requests": run.requests, "failures": run.failures, "server_cpu_us_per_call": cpu });
        self.add(name, text, raw);
    }

    pub fn memory(&mut self, when: &str, mib: f64) {
        let name = format!("resident memory, {when}");
        self.add(&name, format!("{mib:.1} MiB"), json!({ "name": name, "mib": mib }));
    }

    pub fn parity(&mut self, seen: u64, rows: u64) {
        let name = "calls that the provider saw / usage rows";
        self.add(name, format!("{seen} / {rows}"), json!({ "name": name, "seen": seen, "rows": rows }));
        assert_eq!(seen, rows, "each call has exactly one row");
    }

    /// Writes `docs/benchmarks/llm.json` and the table of `docs/benchmarks/llm-latest.md`.
    pub fn write(&self) {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/benchmarks");
        let raw =
            json!({ "seconds": self.seconds, "rounds": self.rounds, "cores": cores(), "rows": self.raw });
        let raw = serde_json::to_string_pretty(&raw).expect("JSON");
        std::fs::write(folder.join("llm.json"), raw + "\n").expect("llm.json");
        let mut text = String::from(
            "# The last run of `make bench-llm`\n\nWritten by the bench; the raw figures are in `llm.json`. What they \
             mean is in `llm.md`.\n\n",
        );
        let _ = writeln!(
            text,
            "{} turns, {} s of throughput, generator and provider on the same machine ({} cores).\n\n\
             | what | measured |\n|---|---|",
            self.rounds,
            self.seconds,
            cores()
        );
        for (name, measured) in &self.rows {
            let _ = writeln!(text, "| {name} | {measured} |");
        }
        std::fs::write(folder.join("llm-latest.md"), text).expect("llm-latest.md");
    }
}
