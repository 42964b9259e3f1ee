//! The table for people and the figures for programs.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use t4_bench::cores;
use t4_bench::load::Run;

/// One measurement.
pub struct Row {
    name: String,
    per_second: f64,
    p50: u32,
    p99: u32,
    max: u32,
    requests: u64,
    failures: u64,
    first_failure: Option<String>,
    server_cpu_micros: f64,
}

impl Row {
    pub fn of(name: &str, run: &Run, cpu_micros: u64) -> Self {
        Self {
            name: name.to_owned(),
            per_second: run.per_second(),
            p50: run.percentile(0.5),
            p99: run.percentile(0.99),
            max: run.percentile(1.0),
            requests: run.requests,
            failures: run.failures,
            first_failure: run.first_failure.clone(),
            server_cpu_micros: cpu_micros as f64 / run.requests.max(1) as f64,
        }
    }
}

/// Everything that one run of the bench showed.
pub struct Report {
    seconds: u64,
    rows: Vec<Row>,
    ratios: Vec<(String, f64)>,
    memory: Vec<(String, f64)>,
}

impl Report {
    pub fn new(seconds: u64) -> Self {
        Self { seconds, rows: Vec::new(), ratios: Vec::new(), memory: Vec::new() }
    }

    pub fn add(&mut self, row: Row) {
        println!(
            "{:<52} {:>9.0}/s  p50 {:>6} us  p99 {:>6} us  max {:>7} us  server cpu {:>5.1} us  failures {}",
            row.name, row.per_second, row.p50, row.p99, row.max, row.server_cpu_micros, row.failures
        );
        if let Some(failure) = &row.first_failure {
            println!("    first failure: {failure}");
        }
        self.rows.push(row);
    }

    pub fn ratio(&mut self, name: &str, value: f64) {
        println!("{name:<52} {value:>9.2}");
        self.ratios.push((name.to_owned(), value));
    }

    pub fn memory(&mut self, when: &str, mib: f64) {
        println!("resident memory {when:<36} {mib:>9.1} MiB");
        self.memory.push((when.to_owned(), mib));
    }

    /// Writes `docs/benchmarks/api.json` and the tables of `docs/benchmarks/api-latest.md`.
    pub fn write(&self) {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/benchmarks");
        std::fs::create_dir_all(&folder).expect("docs/benchmarks");
        let raw = serde_json::to_string_pretty(&self.json()).expect("JSON");
        std::fs::write(folder.join("api.json"), raw + "\n").expect("api.json");
        std::fs::write(folder.join("api-latest.md"), self.markdown()).expect("api-latest.md");
    }

    fn json(&self) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "name": row.name, "per_second": row.per_second, "p50_us": row.p50, "p99_us": row.p99,
                    "max_us": row.max, "requests": row.requests, "failures": row.failures,
                    "server_cpu_us_per_request": row.server_cpu_micros,
                })
            })
            .collect();
        json!({
            "seconds_each": self.seconds, "connections": 64, "cores": cores(), "rows": rows,
            "ratios": self.ratios.iter().map(|(n, v)| json!({ "name": n, "value": v })).collect::<Vec<_>>(),
            "resident_mib": self.memory.iter().map(|(n, v)| json!({ "when": n, "mib": v })).collect::<Vec<_>>(),
        })
    }

    fn markdown(&self) -> String {
        let mut text = String::from(
            "# The last run of `make bench`\n\nWritten by the bench; the raw figures are in `api.json`. What they \
             mean is in `api.md`.\n\n",
        );
        let _ = writeln!(
            text,
            "{} s each, 64 keep-alive connections, generator on the same machine ({} cores).\n\n\
             | what | per second | p50 | p99 | max | server cpu per request | failures |\n|---|---|---|---|---|---|---|",
            self.seconds,
            cores()
        );
        for row in &self.rows {
            let _ = writeln!(
                text,
                "| {} | {:.0} | {:.2} ms | {:.2} ms | {:.2} ms | {:.1} us | {} |",
                row.name,
                row.per_second,
                f64::from(row.p50) / 1000.0,
                f64::from(row.p99) / 1000.0,
                f64::from(row.max) / 1000.0,
                row.server_cpu_micros,
                row.failures
            );
        }
        text.push_str("\n| ratio or time | value |\n|---|---|\n");
        for (name, value) in &self.ratios {
            let _ = writeln!(text, "| {name} | {value:.2} |");
        }
        text.push_str("\n| resident memory | MiB |\n|---|---|\n");
        for (when, mib) in &self.memory {
            let _ = writeln!(text, "| {when} | {mib:.1} |");
        }
        text
    }
}
