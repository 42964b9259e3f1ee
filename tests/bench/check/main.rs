//! `make bench-check`: `t4 check` and ruff alone on the same tree, in turns, in one run; findings from a file; the
//! dry run of a migration; the memory of t4.
//!
//! `T4_BENCH_ROUNDS` is the number of turns (default 31). `T4_BENCH_TREE` names a folder whose Python sources are
//! checked too. `T4_BENCH_BIN` names another `t4` than the one of `make dist`, `T4_BENCH_RUFF` another ruff than the one of
//! `scripts/ensure-ruff.sh`.

mod peak;
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
    // target/<profile>/deps/<bench>-<hash> → target/<profile>
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
    let rounds = number("T4_BENCH_ROUNDS", 31);
    let mut report = Report::new(rounds);
    let folder = tempfile::tempdir().expect("a folder");
    let kind = tree::Kind { files: FILES, stale_each: None, legacy_each: 20 };
    tree::write(folder.path(), kind);
    let name = format!("{FILES} files");
    report.tree(&name, &tree::about(folder.path()), &summary(&programs, folder.path()));
    beside_ruff(&mut report, &programs, folder.path(), &name, rounds);
    peak(&mut report, &programs, folder.path());
    from_a_file(&mut report, &programs, folder.path(), rounds);
    let stale = tempfile::tempdir().expect("a folder");
    tree::write(stale.path(), tree::Kind { stale_each: Some(17), ..kind });
    let name = format!("{FILES} files with stale annotations");
    report.tree(&name, &tree::about(stale.path()), &summary(&programs, stale.path()));
    beside_ruff(&mut report, &programs, stale.path(), &name, rounds);
    if let Some(from) = std::env::var_os("T4_BENCH_TREE") {
        let real = tempfile::tempdir().expect("a folder");
        tree::copy(Path::new(&from), real.path(), FILES);
        let name = "a real tree";
        report.tree(name, &tree::about(real.path()), &summary(&programs, real.path()));
        beside_ruff(&mut report, &programs, real.path(), name, rounds);
    }
    let many = tempfile::tempdir().expect("a folder");
    tree::write(many.path(), tree::Kind { files: MANY_FILES, stale_each: None, legacy_each: 100 });
    migration(&mut report, &programs, many.path(), rounds);
    report.write();
}

/// What the check says of a tree, in short.
fn summary(programs: &Programs, tree: &Path) -> serde_json::Value {
    let output = t4(programs, tree, &["check", "--json"]).output().expect("t4");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    report["summary"].clone()
}

/// The whole check against ruff alone, with ruff's cache and without.
fn beside_ruff(report: &mut Report, programs: &Programs, tree: &Path, name: &str, rounds: u64) {
    let cache = tree.join(".ruff_cache");
    for warm in [true, false] {
        let (mut alone, mut whole) = (Vec::new(), Vec::new());
        let run_ruff = || time(ruff(programs, tree, CODES));
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
        report.times(&format!("ruff alone, {name}, {cache} cache"), &alone);
        report.times(&format!("t4 check, {name}, {cache} cache"), &whole);
        report.ratio(&format!("t4 check / ruff, {name}, {cache} cache"), &whole, &alone, 1.15);
    }
}

/// The most memory that t4 had, with ruff's cache and without.
fn peak(report: &mut Report, programs: &Programs, tree: &Path) {
    let cold = || {
        let _ = std::fs::remove_dir_all(tree.join(".ruff_cache"));
    };
    let run = || peak::kib(t4(programs, tree, &["check", "--json"]));
    cold();
    report.peak("peak memory of t4 itself", (0..5).filter_map(|_| run()).max(), 80);
}

fn from_a_file(report: &mut Report, programs: &Programs, tree: &Path, rounds: u64) {
    let output = tree::findings(&mut ruff(programs, tree, "ALL"), FINDINGS);
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), output).expect("findings");
    let name = file.path().to_str().expect("UTF-8").to_owned();
    let times: Vec<f64> =
        (0..rounds).map(|_| time(t4(programs, tree, &["check", "--json", "--from", &name]))).collect();
    report.limit(&format!("t4 check --from, {FINDINGS} findings"), &times, 60.0);
}

fn migration(report: &mut Report, programs: &Programs, tree: &Path, rounds: u64) {
    for (flags, name) in
        [(&["migrate"][..], "git asked for 60 owners"), (&["migrate", "--no-blame"], "no owner asked for")]
    {
        let times: Vec<f64> = (0..rounds.min(11)).map(|_| time(t4(programs, tree, flags))).collect();
        report.limit(&format!("t4 migrate, dry run, {MANY_FILES} files, {name}"), &times, 1500.0);
    }
}

/// ruff as t4 runs it.
fn ruff(programs: &Programs, tree: &Path, codes: &str) -> Command {
    let mut command = Command::new(&programs.ruff);
    command.current_dir(tree).args([
        "check",
        "--output-format=json",
        "--exit-zero",
        "--no-fix",
        "--no-fix-only",
    ]);
    command
        .arg(format!("--select={codes}"))
        .arg("--cache-dir")
        .arg(tree.join(".ruff_cache"))
        .args(["--", "."]);
    command.env("NO_COLOR", "1");
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
