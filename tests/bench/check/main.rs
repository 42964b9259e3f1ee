//! `make bench-check`: `t4 check` and ruff alone on the same tree, in turns, in one run; findings from a file; the
//! dry run of a migration.
//!
//! `T4_BENCH_ROUNDS` is the number of turns (default 15). `T4_BENCH_BIN` names another `t4` than the release build,
//! `T4_BENCH_RUFF` another ruff than the one of `scripts/ensure-ruff.sh`.

mod report;
mod tree;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use report::Report;
use t4_bench::number;

const CODES: &str = "F401,F821,B008,B904,B018,SIM102,SIM105,E701,E702,RUF006,RUF012";
/// Files of the tree that is checked, and of the one that is migrated.
const FILES: usize = 750;
const MANY_FILES: usize = 6000;
/// Findings of the linter's output that is read from a file.
const FINDINGS: usize = 1700;

struct Programs {
    t4: PathBuf,
    ruff: PathBuf,
}

fn main() {
    // `cargo bench` passes `--bench`; `cargo test --benches` would pass nothing and measures nothing.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    // target/release/deps/<bench>-<hash> → target/release
    let exe = std::env::current_exe().expect("the bench has a path");
    let target = exe.ancestors().nth(2).expect("a target folder").to_owned();
    let named = |name: &str, usual: PathBuf| std::env::var_os(name).map_or(usual, PathBuf::from);
    let programs = Programs {
        t4: named("T4_BENCH_BIN", target.join("t4")),
        ruff: named("T4_BENCH_RUFF", target.join("../tools/ruff/bin/ruff")),
    };
    for program in [&programs.t4, &programs.ruff] {
        assert!(program.exists(), "`{}` is missing", program.display());
    }
    let rounds = number("T4_BENCH_ROUNDS", 15);
    let mut report = Report::new(rounds);
    let folder = tempfile::tempdir().expect("a folder");
    tree::write(folder.path(), FILES);
    beside_ruff(&mut report, &programs, folder.path(), rounds);
    from_a_file(&mut report, &programs, folder.path(), rounds);
    let many = tempfile::tempdir().expect("a folder");
    tree::write(many.path(), MANY_FILES);
    migration(&mut report, &programs, many.path(), rounds);
    report.write();
}

/// The whole check against ruff alone, with ruff's cache and without.
fn beside_ruff(report: &mut Report, programs: &Programs, tree: &Path, rounds: u64) {
    let cache = tree.join(".ruff_cache");
    for warm in [true, false] {
        let (mut alone, mut whole) = (Vec::new(), Vec::new());
        let run_ruff = || time(ruff(programs, tree));
        let run_t4 = || time(t4(programs, tree, &["check", "--json"]));
        if warm {
            run_ruff();
            run_t4();
        }
        for round in 0..rounds {
            let forget = || {
                if !warm && cache.exists() {
                    std::fs::remove_dir_all(&cache).expect("the cache goes");
                }
            };
            // Who comes first changes, so that neither always finds the other's pages in memory.
            let mut one = |first: bool| {
                forget();
                if first { alone.push(run_ruff()) } else { whole.push(run_t4()) }
            };
            one(round % 2 == 0);
            one(round % 2 != 0);
        }
        let cache = if warm { "warm" } else { "cold" };
        report.times(&format!("ruff alone, {FILES} files, {cache} cache"), &alone);
        report.times(&format!("t4 check, {FILES} files, {cache} cache"), &whole);
        report.ratio(&format!("t4 check / ruff, {cache} cache"), &whole, &alone, 1.15);
    }
    report.peak("peak memory of t4 check", peak_kib(t4(programs, tree, &["check", "--json"])), 80);
}

fn from_a_file(report: &mut Report, programs: &Programs, tree: &Path, rounds: u64) {
    let output = tree::findings(FILES, FINDINGS);
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), output).expect("findings");
    let name = file.path().to_str().expect("UTF-8").to_owned();
    let times: Vec<f64> =
        (0..rounds).map(|_| time(t4(programs, tree, &["check", "--json", "--from", &name]))).collect();
    report.limit(&format!("t4 check --from, {FINDINGS} findings"), &times, 60.0);
}

fn migration(report: &mut Report, programs: &Programs, tree: &Path, rounds: u64) {
    let times: Vec<f64> =
        (0..rounds.min(5)).map(|_| time(t4(programs, tree, &["migrate", "--dry-run"]))).collect();
    report.limit(&format!("t4 migrate --dry-run, {MANY_FILES} files"), &times, 1500.0);
}

fn ruff(programs: &Programs, tree: &Path) -> Command {
    let mut command = Command::new(&programs.ruff);
    command.current_dir(tree).args(["check", "--output-format=json", "--exit-zero", "--no-fix"]);
    command.arg(format!("--select={CODES}")).args(["--", "."]);
    command
}

fn t4(programs: &Programs, tree: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(&programs.t4);
    let folder = programs.ruff.parent().expect("a folder");
    let mut path = folder.as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    command.current_dir(tree).args(arguments).env("PATH", path);
    command
}

/// How long a program takes, in milliseconds. Its output is written to a file, as a pipe would wait for a reader.
fn time(mut command: Command) -> f64 {
    let output = tempfile::tempfile().expect("a file");
    command.stdin(Stdio::null()).stdout(output).stderr(Stdio::null());
    let begin = Instant::now();
    let status = command.status().expect("it starts");
    let millis = begin.elapsed().as_secs_f64() * 1000.0;
    assert!(status.code().is_some_and(|code| code <= 1), "{command:?}: {status}");
    millis
}

/// The most memory that a program had, in KiB, by `time -f %M`; `None` where there is no such `time`.
fn peak_kib(command: Command) -> Option<u64> {
    let mut time = Command::new("/usr/bin/time");
    time.args(["-q", "-f", "%M"]).arg(command.get_program()).args(command.get_args());
    time.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    time.current_dir(command.get_current_dir()?).stdin(Stdio::null()).stdout(Stdio::null());
    let output = time.stderr(Stdio::piped()).output().ok()?;
    String::from_utf8_lossy(&output.stderr).lines().last()?.trim().parse().ok()
}
