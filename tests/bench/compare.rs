//! Two builds of the server under the same load, in alternating rounds.
//!
//! `T4_BENCH_OLD` names the other build's `intent-api`. Rates of two runs of a shared machine differ by more than most
//! changes do; rounds that alternate see the same neighbours, so their ratio can be trusted.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::load;
use crate::server::Server;

/// Both builds, old first.
pub struct Builds {
    pub old: Server,
    pub new: Server,
}

/// Figures of one measurement, one for each round.
pub struct Measured {
    name: String,
    /// Requests per second.
    rates: [Vec<f64>; 2],
    /// Processor time of the server per request, in microseconds.
    cpu: [Vec<f64>; 2],
}

/// Every measurement of one comparison.
pub struct Comparison {
    rounds: u64,
    measured: Vec<Measured>,
}

/// The program that `T4_BENCH_OLD` names, if it is set.
pub fn old_build() -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("T4_BENCH_OLD")?);
    assert!(path.is_file(), "T4_BENCH_OLD: `{}` is no file", path.display());
    Some(path)
}

impl Comparison {
    /// A comparison of this many rounds each.
    pub fn new(rounds: u64) -> Self {
        Self { rounds, measured: Vec::new() }
    }

    /// Measures one load on both builds. `next` gets the build (0 old, 1 new) and the connection, and writes the
    /// request into the buffer. The build that goes first changes with every round.
    pub fn measure(
        &mut self,
        builds: &Builds,
        name: &str,
        connections: usize,
        time: Duration,
        mut next: impl FnMut(usize, usize, &mut Vec<u8>),
    ) -> &Measured {
        let servers = [&builds.old, &builds.new];
        let mut measured =
            Measured { name: name.to_owned(), rates: Default::default(), cpu: Default::default() };
        for (build, server) in servers.iter().enumerate() {
            load::run(server.address, connections, time / 2, |n, out| next(build, n, out));
        }
        for round in 0..self.rounds {
            let first = usize::from(round % 2 == 1);
            for build in [first, 1 - first] {
                let server = servers[build];
                let before = server.cpu_micros();
                let run = load::run(server.address, connections, time, |n, out| next(build, n, out));
                assert_eq!(run.failures, 0, "{:?}", run.first_failure);
                let cpu = server.cpu_micros() - before;
                measured.rates[build].push(run.per_second());
                measured.cpu[build].push(cpu as f64 / run.requests.max(1) as f64);
            }
        }
        println!("{}", measured.line());
        self.measured.push(measured);
        self.measured.last().expect("the one before")
    }

    /// Writes `docs/benchmarks/<name>-compare.json` and `<name>-compare.md`.
    pub fn write(&self, name: &str) {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/benchmarks");
        let raw = json!({
            "rounds": self.rounds, "cores": crate::cores(),
            "measurements": self.measured.iter().map(Measured::json).collect::<Vec<_>>(),
        });
        let raw = serde_json::to_string_pretty(&raw).expect("JSON");
        std::fs::write(folder.join(format!("{name}-compare.json")), raw + "\n").expect("the raw figures");
        let mut text = format!(
            "# Two builds in alternating rounds: {name}\n\nWritten by the bench when `T4_BENCH_OLD` names another \
             build; raw figures in `{name}-compare.json`. {} rounds, medians. The spread is that of the old build's \
             own rounds: the middle half, as part of the median.\n\n\
             | what | old per second | new per second | new / old | spread | server cpu per request, old | new |\n\
             |---|---|---|---|---|---|---|\n",
            self.rounds
        );
        for measured in &self.measured {
            let _ = writeln!(text, "{}", measured.row());
        }
        std::fs::write(folder.join(format!("{name}-compare.md")), text).expect("the table");
    }
}

/// What is told of one measurement: medians, old first.
struct Medians {
    rates: [f64; 2],
    cpu: [f64; 2],
    /// The middle half of the old build's own rates, as part of their median.
    spread: f64,
}

impl Medians {
    fn ratio(&self) -> f64 {
        self.rates[1] / self.rates[0]
    }
}

impl Measured {
    /// The new build's rate as a part of the old one's, by the medians.
    pub fn ratio(&self) -> f64 {
        self.medians().ratio()
    }

    fn medians(&self) -> Medians {
        let old = &self.rates[0];
        Medians {
            rates: self.rates.each_ref().map(|rates| at(rates, 0.5)),
            cpu: self.cpu.each_ref().map(|cpu| at(cpu, 0.5)),
            spread: (at(old, 0.75) - at(old, 0.25)) / at(old, 0.5),
        }
    }

    fn line(&self) -> String {
        let medians = self.medians();
        let ([old, new], [old_cpu, new_cpu]) = (medians.rates, medians.cpu);
        let (ratio, spread) = (medians.ratio(), medians.spread);
        format!(
            "{:<52} old {old:>8.0}/s  new {new:>8.0}/s  new/old {ratio:.3}  spread {spread:.3}  cpu {old_cpu:.1} and {new_cpu:.1} us",
            self.name
        )
    }

    fn row(&self) -> String {
        let medians = self.medians();
        let ([old, new], [old_cpu, new_cpu]) = (medians.rates, medians.cpu);
        let (ratio, spread) = (medians.ratio(), medians.spread);
        format!(
            "| {} | {old:.0} | {new:.0} | {ratio:.3} | {spread:.3} | {old_cpu:.1} µs | {new_cpu:.1} µs |",
            self.name
        )
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name, "old_per_second": self.rates[0], "new_per_second": self.rates[1],
            "old_cpu_us": self.cpu[0], "new_cpu_us": self.cpu[1],
        })
    }
}

/// The median.
pub fn median(figures: &[f64]) -> f64 {
    at(figures, 0.5)
}

/// The value at this part of the sorted figures.
fn at(figures: &[f64], part: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * part).round() as usize).copied().unwrap_or(0.0)
}
