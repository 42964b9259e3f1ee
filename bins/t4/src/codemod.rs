//! `t4 codemod`: fixes that ruff does not make.

pub mod report;
mod run;

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::Subcommand;
use cli_support::{CommandVerdict, Failure};
use codemods::Codemod;
use pr_gate::codemod::COMMAND;
use serde_json::json;
use source_tree::snapshot::{self, Drift};

use crate::working_tree::RuffChoice;
use crate::{out, working_tree};

/// Fix findings in Python that ruff does not fix, with a way back.
///
/// A codemod acts on ruff's findings of its rule and on nothing else; what it can't fix safely it leaves alone and
/// says why. Nothing is written unless `run` is given `--apply`; then what was there is kept in `.t4/snapshots`
/// (the newest 20 runs), and `revert` restores it, bytes and modes.
///
/// Example: `t4 codemod run src --only unused-import --apply`
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the codemods: name, rule, what it does
    List(Json),
    Run(RunCodemods),
    /// List the snapshots of earlier runs, newest first
    Snapshots(Json),
    Verify(VerifySnapshot),
    Revert(Revert),
}

#[derive(Debug, clap::Args)]
struct Json {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Show what the codemods would change as a diff, or change it.
///
/// With `--apply`, all files are written or none. ruff then looks again: the findings must be gone, and no new
/// undefined name (F821) and no syntax error may have come; otherwise everything is taken back and the exit code
/// is 3.
///
/// Findings that somebody decided about are left alone: waived ones, and those whose annotation has the status
/// `accepted` or `documented`. So are links, notebooks, files over 4 MB and the folders that `t4.toml` skips.
#[derive(Debug, clap::Args)]
struct RunCodemods {
    /// Files and folders [default: `check.paths` of `t4.toml`, else everything]
    #[arg(value_name = "PATHS")]
    paths: Vec<PathBuf>,

    /// The codemods to run, by name or rule: `unused-import,B904` [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = codemod)]
    only: Vec<Codemod>,

    /// Fix findings too that are waived or accepted
    #[arg(long)]
    include_accepted: bool,

    #[command(flatten)]
    ruff: RuffChoice,

    /// Write the changes
    #[arg(long)]
    apply: bool,

    /// Print one JSON object: applied, snapshot, tool, fixed, skipped, stale, files, unparsable
    #[arg(long)]
    json: bool,
}

/// Tell which files are no longer as a run left them: exit code 1 when there are any.
#[derive(Debug, clap::Args)]
struct VerifySnapshot {
    /// The snapshot [default: the newest that is not reverted]
    id: Option<String>,

    /// Print a JSON object: snapshot, drift
    #[arg(long)]
    json: bool,
}

/// Restore every file of a run, or none: bytes and modes.
///
/// Files that were changed since are named and nothing is restored, unless forced. A run that was interrupted is
/// undone as well.
#[derive(Debug, clap::Args)]
struct Revert {
    /// The snapshot [default: the newest that is not reverted]
    id: Option<String>,

    /// Restore files that were changed since, too: those changes are lost
    #[arg(long)]
    force: bool,

    /// Print the snapshot as a JSON object
    #[arg(long)]
    json: bool,
}

fn codemod(text: &str) -> Result<Codemod, String> {
    Codemod::parse(text).ok_or_else(|| {
        let names: Vec<_> = Codemod::ALL.iter().map(|one| one.name()).collect();
        format!("there is no such codemod: they are {}", names.join(", "))
    })
}

/// Runs the command.
pub fn run(args: Args) -> Result<CommandVerdict, Failure> {
    match args.command {
        Command::List(Json { json }) => list(json),
        Command::Run(args) => run::run(args),
        Command::Snapshots(Json { json }) => snapshots(json),
        Command::Verify(args) => verify(args),
        Command::Revert(args) => revert(args),
    }
}

fn list(json: bool) -> Result<CommandVerdict, Failure> {
    if json {
        let one = |one: &Codemod| json!({ "name": one.name(), "code": one.code(), "about": one.about() });
        out::print_json_lines(&Codemod::ALL.iter().map(one).collect::<Vec<_>>())?;
    } else {
        let mut text = String::new();
        for one in Codemod::ALL {
            let _ = writeln!(text, "{:24} {:7} {}", one.name(), one.code(), one.about());
        }
        out::print(&text)?;
    }
    Ok(CommandVerdict::Fine)
}

fn snapshots(json: bool) -> Result<CommandVerdict, Failure> {
    let project = working_tree::project()?;
    let mut infos = snapshot::list(&project.tree).map_err(working_tree::failure)?;
    infos.retain(|info| info.command == COMMAND);
    if json {
        out::print_json_lines(&infos)?;
    } else if infos.is_empty() {
        out::print("no snapshots\n")?;
    } else {
        let mut text = String::new();
        for info in &infos {
            let reverted = if info.reverted { "  reverted" } else { "" };
            let _ = writeln!(text, "{}  {}{reverted}", info.id, report::files(info.files.len()));
        }
        out::print(&text)?;
    }
    Ok(CommandVerdict::Fine)
}

fn verify(args: VerifySnapshot) -> Result<CommandVerdict, Failure> {
    let project = working_tree::project()?;
    let id = if let Some(id) = args.id {
        id
    } else {
        let infos = snapshot::list(&project.tree).map_err(working_tree::failure)?;
        let newest = infos.into_iter().find(|info| info.command == COMMAND && !info.reverted);
        newest.ok_or_else(|| Failure::trouble(anyhow!("there is no run to verify")))?.id
    };
    let drift = snapshot::verify(&project.tree, &id).map_err(working_tree::failure)?;
    if args.json {
        out::print_json_lines(&json!({ "snapshot": id, "drift": drift }))?;
    } else if drift.is_empty() {
        out::print(&format!("{id}: every file is as the run left it\n"))?;
    } else {
        let one = |text: String, one: &Drift| text + &format!("{}: {}\n", out::plain(&one.file), one.what);
        out::print(&drift.iter().fold(String::new(), one))?;
    }
    Ok(if drift.is_empty() { CommandVerdict::Fine } else { CommandVerdict::No })
}

#[expect(clippy::needless_pass_by_value, reason = "a command takes its arguments whole")]
fn revert(args: Revert) -> Result<CommandVerdict, Failure> {
    let project = working_tree::project()?;
    let info = snapshot::revert(&project.tree, COMMAND, args.id.as_deref(), args.force)
        .map_err(working_tree::failure)?;
    if args.json {
        out::print_json_lines(&info)?;
    } else {
        out::print(&format!("restored {} from {}\n", report::files(info.files.len()), info.id))?;
    }
    Ok(CommandVerdict::Fine)
}
