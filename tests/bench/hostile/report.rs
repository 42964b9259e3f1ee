//! The table for people and the figures for programs.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use crate::attack::Answers;

struct Times {
    name: String,
    goal_ms: f64,
    count: usize,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

/// Everything that one run showed.
pub struct Report {
    seconds: u64,
    times: Vec<Times>,
    memory: Vec<(String, f64)>,
    answers: Vec<(String, [u64; 4])>,
}

impl Report {
    pub fn new(seconds: u64) -> Self {
        Self { seconds, times: Vec::new(), memory: Vec::new(), answers: Vec::new() }
    }

    /// Adds how long requests took. The goal is of the 99th in a hundred.
    pub fn millis(&mut self, name: &str, goal_ms: f64, mut taken: Vec<Duration>) {
        taken.sort_unstable();
        let last = taken.len().saturating_sub(1);
        let at = |part: f64| {
            let at = (last as f64 * part).ceil() as usize;
            taken.get(at).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
        };
        let (p50_ms, p99_ms, max_ms) = (at(0.5), at(0.99), at(1.0));
        println!(
            "{name:<48} n {:>6}  p50 {p50_ms:>8.1} ms  p99 {p99_ms:>8.1} ms  max {max_ms:>8.1} ms  goal {goal_ms} ms",
            taken.len()
        );
        self.times.push(Times { name: name.to_owned(), goal_ms, count: taken.len(), p50_ms, p99_ms, max_ms });
    }

    pub fn memory(&mut self, when: &str, mib: f64) {
        println!("resident memory, {when:<52} {mib:>8.1} MiB");
        self.memory.push((when.to_owned(), mib));
    }

    pub fn answers(&mut self, whose: &str, answers: &Answers) {
        let Answers { served, limited, refused, broken } = answers;
        let counts = [served, limited, refused, broken].map(|count| count.load(Ordering::Relaxed));
        let [served, limited, refused, broken] = counts;
        println!(
            "{whose}: {served} served, {limited} over the limit, {refused} refused, {broken} broken off"
        );
        self.answers.push((whose.to_owned(), counts));
    }

    /// Writes `docs/benchmarks/hostile.json` and `docs/benchmarks/hostile-latest.md`.
    pub fn write(&self) {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/benchmarks");
        std::fs::create_dir_all(&folder).expect("docs/benchmarks");
        let raw = serde_json::to_string_pretty(&self.json()).expect("JSON");
        std::fs::write(folder.join("hostile.json"), raw + "\n").expect("hostile.json");
        std::fs::write(folder.join("hostile-latest.md"), self.markdown()).expect("hostile-latest.md");
    }

    fn json(&self) -> Value {
        let times = |times: &Times| {
            json!({
                "name": times.name, "goal_p99_ms": times.goal_ms, "count": times.count, "p50_ms": times.p50_ms,
                "p99_ms": times.p99_ms, "max_ms": times.max_ms,
            })
        };
        let answers = |(whose, [served, limited, refused, broken]): &(String, [u64; 4])| {
            json!({
                "whose": whose, "served": served, "over_the_limit": limited, "refused": refused,
                "broken_off": broken,
            })
        };
        json!({
            "seconds_each": self.seconds, "cores": t4_bench::cores(),
            "times": self.times.iter().map(times).collect::<Vec<_>>(),
            "resident_mib": self.memory.iter().map(|(n, v)| json!({ "when": n, "mib": v })).collect::<Vec<_>>(),
            "hostile_answers": self.answers.iter().map(answers).collect::<Vec<_>>(),
        })
    }

    fn markdown(&self) -> String {
        let mut text = format!(
            "# The last run of `make bench-hostile`\n\nWritten by the bench; the raw figures are in `hostile.json`. \
             Hostile keys send the largest pre-PR checks, lists, batches, scans and figures at their full limit. {} s \
             for each part, the generator on the same machine ({} cores).\n\n\
             | what | requests | p50 | p99 | max | goal of p99 |\n|---|---|---|---|---|---|\n",
            self.seconds,
            t4_bench::cores()
        );
        for Times { name, goal_ms, count, p50_ms, p99_ms, max_ms } in &self.times {
            let _ = writeln!(
                text,
                "| {name} | {count} | {p50_ms:.1} ms | {p99_ms:.1} ms | {max_ms:.1} ms | {goal_ms:.0} ms |"
            );
        }
        text.push_str("\n| resident memory | MiB | goal |\n|---|---|---|\n");
        for (when, mib) in &self.memory {
            let _ = writeln!(text, "| {when} | {mib:.1} | 300 MB |");
        }
        text.push_str(
            "\n| answers to | served | over the limit | refused | broken off |\n|---|---|---|---|---|\n",
        );
        for (whose, [served, limited, refused, broken]) in &self.answers {
            let _ = writeln!(text, "| {whose} | {served} | {limited} | {refused} | {broken} |");
        }
        text
    }
}
