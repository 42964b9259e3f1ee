//! Shared parts of the commands that rewrite sources: show, apply, undo.

use std::path::PathBuf;

use cli_support::{CommandVerdict, Failure};
use pr_gate::check::CheckQuestion;
use pr_gate::migrate::Skipped;
use pr_gate::{Project, diff};
use registry_core::Timestamp;
use serde_json::json;
use source_tree::snapshot::{self, FileChange, Info};

use crate::{out, working_tree};

/// Which findings a rewrite is about.
#[derive(Debug, clap::Args)]
pub struct FindingScope {
    /// Files and folders [default: `check.paths` of `t4.toml`, else everything]
    paths: Vec<PathBuf>,

    #[arg(long = "paths", value_name = "PATHS", num_args = 1.., hide = true)]
    more_paths: Vec<PathBuf>,

    /// The rules to look for, as ruff's `--select` takes them [default: `check.codes` of `t4.toml`]
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    codes: Vec<String>,
}

impl FindingScope {
    /// The question to the check.
    pub fn question(self, project: &Project) -> Result<CheckQuestion, Failure> {
        let paths: Vec<PathBuf> = self.paths.into_iter().chain(self.more_paths).collect();
        Ok(CheckQuestion { paths: names(project, &paths)?, codes: self.codes, ..CheckQuestion::default() })
    }
}

/// What to do with the changes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What to do")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct RewriteMode {
    /// Print the changes as a unified diff and write nothing (the default; it wins over --apply)
    #[arg(long)]
    dry_run: bool,

    /// Write the changes, after a snapshot of what was there
    #[arg(long)]
    apply: bool,

    /// Write nothing, and end with 1 when something would change (for CI and pre-commit hooks)
    #[arg(long, conflicts_with_all = ["apply", "undo"])]
    check: bool,

    /// Restore the bytes and modes of a snapshot (the newest of this command that is not undone, unless its ID
    /// is given)
    #[arg(long, value_name = "ID", num_args = 0..=1, conflicts_with = "apply")]
    #[expect(clippy::option_option, reason = "clap tells a flag without a value by it")]
    undo: Option<Option<String>>,

    /// With --undo: also restore files that were changed since
    #[arg(long, requires = "undo")]
    force: bool,

    /// Print one JSON object instead of a diff and a summary
    #[arg(long)]
    pub json: bool,
}

impl RewriteMode {
    /// Whether the changes are to be written.
    pub fn writes(&self) -> bool {
        self.apply && !self.dry_run
    }

    /// Undoes, if that is what was asked for.
    pub fn undone(&self, project: &Project, command: &str) -> Result<Option<CommandVerdict>, Failure> {
        let Some(id) = &self.undo else { return Ok(None) };
        let info = snapshot::revert(&project.tree, command, id.as_deref(), self.force)
            .map_err(working_tree::failure)?;
        if self.json {
            out::print_json_lines(&info)?;
        } else {
            out::print(&format!("restored {} from {}\n", files(info.files.len()), out::plain(&info.id)))?;
        }
        Ok(Some(CommandVerdict::Fine))
    }

    /// Shows the changes, or writes them.
    pub fn carry_out(
        &self,
        project: &Project,
        command: &str,
        changes: &[FileChange],
        now: Timestamp,
    ) -> Result<Option<Info>, Failure> {
        if self.writes() && !changes.is_empty() {
            return snapshot::apply(&project.tree, command, changes, now)
                .map(Some)
                .map_err(working_tree::failure);
        }
        if !self.json && !self.writes() {
            for change in changes {
                out::print(&shown(change))?;
            }
        }
        Ok(None)
    }

    /// How the command ends.
    pub fn verdict(&self, changes: &[FileChange]) -> CommandVerdict {
        if self.check && !changes.is_empty() { CommandVerdict::No } else { CommandVerdict::Fine }
    }

    /// Shows or writes the changes of a command on annotations, reports them, and says how the command ends.
    pub fn finish(
        &self,
        project: &Project,
        plan: &AnnotationPlan<'_>,
        now: Timestamp,
    ) -> Result<CommandVerdict, Failure> {
        let AnnotationPlan { command, changes, .. } = *plan;
        let done = self.carry_out(project, command, changes, now)?;
        if self.json {
            out::print_json_lines(&json!({
                "mode": if done.is_some() { "applied" } else { "dry-run" },
                "snapshot": done.as_ref().map(|info| &info.id),
                "files": changes.iter().map(|change| &change.file).collect::<Vec<_>>(),
                plan.member: plan.annotations,
                "skipped": plan.skipped,
                "unparsed": plan.unparsed,
            }))?;
        } else {
            say_skipped(plan.skipped, plan.unparsed);
        }
        self.summary(&plan.what, command, done.as_ref(), changes.len())?;
        Ok(self.verdict(changes))
    }

    /// Says in words what was done, and how to go on.
    pub fn summary(
        &self,
        what: &str,
        command: &str,
        done: Option<&Info>,
        changes: usize,
    ) -> Result<(), Failure> {
        if self.json {
            return Ok(());
        }
        match done {
            Some(info) => out::print(&format!(
                "{what} in {}\nundo with `t4 {command} --undo {}`\n",
                files(changes),
                out::plain(&info.id)
            )),
            None if changes == 0 => out::print("nothing to change\n"),
            None => {
                out::say(&format!(
                    "dry run: {what} in {}; nothing was written (--apply writes it)",
                    files(changes)
                ));
                Ok(())
            }
        }
    }
}

/// Planned changes of a command that adds or removes annotations.
pub struct AnnotationPlan<'a> {
    /// The command's name.
    pub command: &'static str,
    /// The changes of files.
    pub changes: &'a [FileChange],
    /// The name of the annotations in the JSON report.
    pub member: &'static str,
    /// The annotations that are added or removed.
    pub annotations: serde_json::Value,
    /// The same in words.
    pub what: String,
    /// What is left alone, and why.
    pub skipped: &'a [Skipped],
    /// Files that do not parse.
    pub unparsed: &'a [String],
}

/// The difference of one file, as it is printed.
pub fn shown(change: &FileChange) -> String {
    let before = change.before.as_deref().map(String::from_utf8_lossy);
    diff::shown(&diff::unified(&change.file, before.as_deref(), &String::from_utf8_lossy(&change.after)))
}

/// `1 file`, `2 files`.
pub fn files(count: usize) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
}

/// Says what was left alone, and why.
pub fn say_skipped(skipped: &[Skipped], unparsed: &[String]) {
    const MOST: usize = 20;
    for one in skipped.iter().take(MOST) {
        out::say(&out::plain(&format!("{}:{}: left alone: {}", one.file, one.line, one.reason)));
    }
    if skipped.len() > MOST {
        out::say(&format!("and {} more were left alone (--json lists all)", skipped.len() - MOST));
    }
    for file in unparsed.iter().take(MOST) {
        out::say(&out::plain(&format!("{file}: does not parse, and is left alone")));
    }
}

/// Paths of the command line as names from the root.
pub fn names(project: &Project, paths: &[PathBuf]) -> Result<Vec<String>, Failure> {
    paths.iter().map(|path| project.tree.name(path).map_err(working_tree::failure)).collect()
}
