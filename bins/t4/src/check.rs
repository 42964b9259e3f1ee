//! `t4 check`: whether every finding has an answer.

mod compat;
mod registry;
mod source;

use std::path::{Path, PathBuf};

use annotations::{CheckReport, CheckVerdict as Said};
use cli_support::{CommandVerdict, Failure};
use pr_gate::Project;
use pr_gate::check::{CheckQuestion, Gathered, gather};
use pr_gate::output::{self, Header};
use registry_core::{Clock as _, SystemClock, Timestamp};

use crate::working_tree::{Bar, RuffChoice};
use crate::{out, working_tree};

/// Check that somebody answers for every finding of the linter
///
/// A finding is answered for by an annotation on its rows
/// (`# TODO[T4-ISSUE]: {...}`), by a waiver, or with --registry by an intent.
/// The check says no (exit code 1) when a finding has none of them, or when an
/// annotation lacks what it needs.
///
/// ruff is that of the active virtual environment, else the one on PATH, of
/// `python3 -m ruff` or through `uvx`, and is run with the repository's own
/// settings. Files that git ignores and does not track, links out of the tree,
/// and the folders that `t4.toml` skips are left out. A source that ruff can't
/// read is a finding (E902).
///
/// Examples:
///   t4 check                   what `t4.toml` names, or the whole repository
///   t4 check src --since main  only what the branch adds, committed or not
///   cargo clippy --message-format=json | clippy-sarif | t4 check --from -
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Args {
    /// Files and folders to check [default: those of `t4.toml`, else everything]
    #[arg(value_name = "PATHS")]
    paths: Vec<PathBuf>,

    /// The same, as the original checker took them
    #[arg(long = "paths", value_name = "PATH", num_args = 1.., hide = true)]
    more_paths: Vec<PathBuf>,

    /// The rules to look for, as ruff's --select takes them [default: those of `t4.toml`, else eleven]
    #[arg(long, value_name = "CODES")]
    codes: Option<String>,

    /// Also fail on stale annotations, on expired annotations and waivers, and on warnings
    #[arg(long)]
    strict: bool,

    /// Print one JSON object (its schema is `docs/schemas/check.schema.json`)
    #[arg(long, alias = "json-only", group = "form")]
    json: bool,

    /// Print a SARIF 2.1.0 log; findings that are answered for are in it as suppressed ones
    #[arg(long, group = "form")]
    sarif: bool,

    /// Print GitHub's workflow commands, which it shows beside the changed lines, and the table
    #[arg(long, group = "form")]
    github: bool,

    /// Check as the original checker did, with its JSON, its defaults and its exit codes
    #[arg(long, conflicts_with_all = ["sarif", "github", "since", "age"])]
    compat: bool,

    /// Only findings that the change since the merge base of REV and HEAD adds
    #[arg(long, value_name = "REV")]
    since: Option<String>,

    /// Read findings from FILE (`-` is the standard input) instead of running ruff: ruff's JSON, or the SARIF of
    /// any linter
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,

    #[command(flatten)]
    ruff: RuffChoice,

    /// Ask the registry too: an intent for the file and the code that is planned, committed, implemented or accepted
    /// counts as an annotation. Reads `T4_API_KEY` and `T4_INTENT_API` (default `http://127.0.0.1:8001`)
    #[arg(long, conflicts_with = "compat")]
    registry: bool,

    /// Reserve an intent for each finding that nothing answers for. It does not answer for it until somebody takes it
    #[arg(long, requires = "registry")]
    reserve: bool,

    /// The registry's URL, instead of `T4_INTENT_API`
    #[arg(long, value_name = "URL", requires = "registry")]
    api: Option<String>,

    /// Ask git how old each finding is: `first_seen` and `debt_by_age` in --json, a line in the table
    #[arg(long)]
    age: bool,
}

/// Runs the check.
pub fn run(args: Args) -> Result<CommandVerdict, Failure> {
    let project = args.ruff.project()?;
    let now = SystemClock::new().now();
    if args.compat {
        return compat::run(args, &project, now);
    }
    let paths = args.paths.iter().chain(&args.more_paths);
    let question = CheckQuestion {
        since: args.since.clone(),
        age: args.age,
        ..question(&project, paths, args.codes.as_deref(), args.from.as_deref())?
    };
    let gathered = {
        let bar = Bar::new();
        gather(&project, &question, &bar).map_err(working_tree::failure)?
    };
    for warning in &gathered.warnings {
        out::say(&out::plain(warning));
    }
    let mut judgement = gathered.judge(&project, working_tree::day(now));
    let registered = if args.registry {
        registry::ask(&judgement.open(), args.api.as_deref(), args.reserve)?
    } else {
        Vec::new()
    };
    judgement.answer_by_intents(&registered);
    let report = judgement.report();
    print(&args, &question, &gathered, &report, now)?;
    Ok(verdict(&report, args.strict))
}

/// What is asked, by the flags that several commands have.
pub fn question<'a>(
    project: &Project,
    paths: impl IntoIterator<Item = &'a PathBuf>,
    codes: Option<&str>,
    from: Option<&Path>,
) -> Result<CheckQuestion, Failure> {
    let paths = paths.into_iter().map(|path| project.tree.name(path));
    let paths = paths.collect::<Result<_, _>>().map_err(working_tree::failure)?;
    let codes = codes.unwrap_or_default().split(',').map(str::trim);
    let codes = codes.filter(|code| !code.is_empty()).map(str::to_owned).collect();
    Ok(CheckQuestion { paths, codes, source: source::read(from)?, ..CheckQuestion::default() })
}

fn print(
    args: &Args,
    question: &CheckQuestion,
    gathered: &Gathered,
    report: &CheckReport,
    now: Timestamp,
) -> Result<(), Failure> {
    let header = Header {
        checked_at: &now.to_string(),
        tool: &gathered.tool,
        paths: &gathered.paths,
        codes: &gathered.codes,
        since: question.since.as_deref(),
    };
    if args.json {
        out::print_json_text(&output::json::render(&header, report).map_err(Failure::trouble)?)
    } else if args.sarif {
        out::print_json_text(&output::sarif::render(&header, report).map_err(Failure::trouble)?)
    } else if args.github {
        out::print_exactly(&output::github::render(&header, report))
    } else {
        out::print(&output::table::render(&header, report))
    }
}

/// What the check says; a strict one also minds what only should be looked at.
fn verdict(report: &CheckReport, strict: bool) -> CommandVerdict {
    let summary = &report.summary;
    let minded = strict && summary.stale + summary.expired + summary.duplicates + summary.warnings > 0;
    match report.status {
        Said::Pass if !minded => CommandVerdict::Fine,
        Said::Pass | Said::Fail => CommandVerdict::No,
    }
}
