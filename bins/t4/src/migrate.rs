//! `t4 migrate`: converts legacy annotations.

use std::path::{Path, PathBuf};

use cli_support::{CommandVerdict, Failure};
use pr_gate::Project;
use pr_gate::migrate::{MigrateQuestion, MigrateReport, plan};
use registry_core::{Clock as _, SystemClock, SystemEntropy};
use source_tree::{Error, atomic};

use crate::rewriting::{RewriteMode, names, say_skipped};
use crate::working_tree::Bar;
use crate::{out, working_tree};

/// Convert legacy annotations into unified ones, in comments only.
///
/// Knows `TODO[T4-UNUSED-IMPORT]`, `TODO[T4-LINT-ISSUE]` (with a reason or a JSON object) and
/// `T4: key=value | key=value`. Reason, owner, ticket and every other field that was there are kept; a missing
/// owner is looked up in `git blame`. All other bytes of a file stay as they are. A second run changes nothing.
///
/// Prints a unified diff and writes nothing, unless --apply is given. Then a snapshot is kept below `.t4`, and
/// --undo restores it.
///
/// Example: t4 migrate src; t4 migrate src --apply; t4 migrate --undo
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files and folders [default: `check.paths` of `t4.toml`, else everything]
    paths: Vec<PathBuf>,

    #[arg(long = "paths", value_name = "PATHS", num_args = 1.., hide = true)]
    more_paths: Vec<PathBuf>,

    /// Write the report there [with --apply: `reports/todos/migration_report.json`]
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Do not ask git who may own what has no owner
    #[arg(long)]
    no_blame: bool,

    #[command(flatten)]
    mode: RewriteMode,
}

/// The original's report.
const REPORT: &str = "reports/todos/migration_report.json";

/// Runs it.
pub fn run(args: Args) -> Result<CommandVerdict, Failure> {
    let project = working_tree::project()?;
    if let Some(verdict) = args.mode.undone(&project, "migrate")? {
        return Ok(verdict);
    }
    let now = SystemClock::default().now();
    let paths: Vec<PathBuf> = args.paths.iter().chain(&args.more_paths).cloned().collect();
    let question = MigrateQuestion { paths: names(&project, &paths)?, blame: !args.no_blame };
    let bar = Bar::new();
    let mut plan = plan(&project, &question, &SystemEntropy, now, &bar).map_err(working_tree::failure)?;
    drop(bar);
    let writes = args.mode.writes() && !plan.changes.is_empty();
    // Where the report goes is settled before anything is written.
    let report = report_path(&project, args.report, writes)?;
    let done = args.mode.carry_out(&project, "migrate", &plan.changes, now)?;
    if done.is_some() {
        plan.report.mode = "applied";
    }
    if let Some(path) = report {
        write_report(&path, &plan.report)?;
    }
    if args.mode.json {
        out::print_json_lines(&plan.report)?;
    } else {
        say_skipped(&plan.report.skipped, &[]);
    }
    let count = plan.report.total_conversions;
    let what = format!("{count} legacy annotation{} converted", if count == 1 { "" } else { "s" });
    args.mode.summary(&what, "migrate", done.as_ref(), plan.changes.len())?;
    Ok(args.mode.verdict(&plan.changes))
}

/// Where the report goes: where it was asked for, else, when sources are written, where the original had it.
fn report_path(project: &Project, asked: Option<PathBuf>, writes: bool) -> Result<Option<PathBuf>, Failure> {
    match asked {
        Some(path) => Ok(Some(path)),
        // A tree could have a link there that leads out of it.
        None if writes => atomic::inside(&project.tree.root, REPORT).map(Some).map_err(working_tree::failure),
        None => Ok(None),
    }
}

fn write_report(path: &Path, report: &MigrateReport) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(report).map_err(Failure::trouble)? + "\n";
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let made = folder.map_or(Ok(()), std::fs::create_dir_all);
    made.map_err(Error::file(path, "can't be written"))
        .and_then(|()| atomic::write(path, text.as_bytes()))
        .map_err(working_tree::failure)?;
    out::say(&out::plain(&format!("the report is in {}", path.display())));
    Ok(())
}
