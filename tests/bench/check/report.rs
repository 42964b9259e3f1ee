//! The table for people and the figures for programs.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};
use t4_bench::cores;

use crate::tree::About;

/// Everything that one run of the bench showed.
pub struct Report {
    rounds: u64,
    rows: Vec<(String, String)>,
    raw: Vec<Value>,
}

/// The value at a part of the sorted times.
fn at(times: &[f64], part: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * part) as usize).copied().unwrap_or(0.0)
}

impl Report {
    pub fn new(rounds: u64) -> Self {
        Self { rounds, rows: Vec::new(), raw: Vec::new() }
    }

    fn add(&mut self, name: &str, text: String, raw: Value) {
        println!("{name:<72} {text}");
        self.rows.push((name.to_owned(), text));
        self.raw.push(raw);
    }

    /// What a tree is like, and what the check says of it.
    pub fn tree(&mut self, name: &str, about: &About, summary: &Value) {
        let text = format!(
            "{} files, median {} lines, {} KiB; {} findings: {} annotated, {} unannotated; {} stale",
            about.files,
            about.median_lines,
            about.kib,
            summary["total_findings"],
            summary["annotated"],
            summary["unannotated"],
            summary["stale"]
        );
        let raw = json!({
            "name": format!("tree: {name}"), "files": about.files, "median_lines": about.median_lines, "kib": about.kib,
            "summary": summary,
        });
        self.add(&format!("tree: {name}"), text, raw);
    }

    pub fn times(&mut self, name: &str, times: &[f64]) {
        let (low, middle, high) = (at(times, 0.25), at(times, 0.5), at(times, 0.75));
        let text = format!("median {middle:.1} ms, middle half {low:.1}–{high:.1} ms");
        self.add(name, text, json!({ "name": name, "p25_ms": low, "p50_ms": middle, "p75_ms": high }));
    }

    pub fn ratio(&mut self, name: &str, whole: &[f64], part: &[f64], most: f64) {
        let ratio = at(whole, 0.5) / at(part, 0.5);
        let text = format!("{ratio:.3} (at most {most}): {}", verdict(ratio <= most));
        self.add(name, text, json!({ "name": name, "ratio": ratio, "at_most": most }));
    }

    pub fn limit(&mut self, name: &str, times: &[f64], most_ms: f64) {
        self.times(name, times);
        let (middle, name) = (at(times, 0.5), format!("{name}, against its limit"));
        let text = format!("{middle:.1} ms (at most {most_ms} ms): {}", verdict(middle <= most_ms));
        self.add(&name, text, json!({ "name": name, "p50_ms": middle, "at_most_ms": most_ms }));
    }

    pub fn peak(&mut self, name: &str, kib: Option<u64>, most_mib: u64) {
        let Some(kib) = kib else {
            return self.add(
                name,
                "not measured: the system keeps no mark".to_owned(),
                json!({ "name": name }),
            );
        };
        let mib = kib as f64 / 1024.0;
        let text = format!("{mib:.1} MiB (at most {most_mib} MiB): {}", verdict(mib <= most_mib as f64));
        self.add(name, text, json!({ "name": name, "mib": mib, "at_most_mib": most_mib }));
    }

    /// Writes `docs/benchmarks/check.json` and the table of `docs/benchmarks/check-latest.md`.
    pub fn write(&self) {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/benchmarks");
        let raw = json!({ "rounds": self.rounds, "cores": cores(), "rows": self.raw });
        let raw = serde_json::to_string_pretty(&raw).expect("JSON");
        std::fs::write(folder.join("check.json"), raw + "\n").expect("check.json");
        let mut text = format!(
            "# The last run of `make bench-check`\n\nWritten by the bench; the raw figures are in `check.json`.\n\n\
             {} turns; ruff alone and the whole check take turns in one run ({} cores). The memory is that of t4 \
             alone.\n\n| what | measured |\n|---|---|\n",
            self.rounds,
            cores()
        );
        for (name, measured) in &self.rows {
            let _ = writeln!(text, "| {name} | {measured} |");
        }
        std::fs::write(folder.join("check-latest.md"), text).expect("check-latest.md");
    }
}

fn verdict(holds: bool) -> &'static str {
    if holds { "holds" } else { "DOES NOT HOLD" }
}
