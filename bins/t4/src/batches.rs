//! `t4 batches`: fixes, one branch per rule.

mod ctrl_c;
mod pulls;
mod report;

use std::sync::atomic::AtomicBool;

use clap::builder::NonEmptyStringValueParser;
use cli_support::{CommandVerdict, Failure};
use pr_gate::batches::{self, BatchOutcome, BatchQuestion};
use registry_core::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::working_tree::{Bar, RuffChoice};
use crate::{config, out, working_tree};

/// Set when the program is to end: what is under way is cleared away first.
static STOP: AtomicBool = AtomicBool::new(false);

/// Fix findings in branches, one per rule, ready for review.
///
/// Each batch is made in a temporary worktree from a commit: your working tree, index and HEAD are not touched, and
/// changes that are not committed do not matter. It holds ruff's safe fixes and those of T4's codemods in one commit
/// on the branch `t4/autofix-RULE-COMMIT`. A branch that is there already is never overwritten, here or on the remote.
/// Hooks are not run.
///
/// Exit codes: 0 when batches were made or there was nothing to do; 3 when any batch failed.
///
/// Example: `t4 batches --codes F401,B904 --max-per-batch 50 --dry-run`
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Args {
    /// The rules [default: `check.codes` of `t4.toml`, as far as there are fixes]
    #[arg(long, alias = "categories", value_name = "CODES", value_delimiter = ',')]
    codes: Vec<String>,

    /// How many findings a batch fixes at most; a file is fixed as a whole or not at all
    #[arg(long, value_name = "N", default_value_t = 100)]
    max_per_batch: usize,

    /// Show what the batches would change, and make no branch
    #[arg(long, conflicts_with_all = ["push", "pr"])]
    dry_run: bool,

    /// The commit to start from
    #[arg(long, value_name = "REV", default_value = "HEAD", value_parser = NonEmptyStringValueParser::new())]
    base: String,

    /// Use ruff's unsafe fixes too: they may change what a program does
    #[arg(long)]
    unsafe_fixes: bool,

    /// Fix findings too that are waived or accepted; else their files are left out of the batch
    #[arg(long)]
    include_accepted: bool,

    /// Push each branch
    #[arg(long)]
    push: bool,

    /// Where to push to; a folder must be named itself (`../x.git`), since its hooks are run
    #[arg(long, value_name = "NAME", default_value = "origin", value_parser = NonEmptyStringValueParser::new())]
    remote: String,

    /// Push, and open a pull request for each branch; takes `GITHUB_TOKEN` (or `GH_TOKEN`)
    #[arg(long, requires = "repo")]
    pr: bool,

    /// The repository on GitHub
    #[arg(long, value_name = "OWNER/NAME", value_parser = pulls::repository)]
    repo: Option<String>,

    /// The branch that the pull requests are for [default: the repository's default branch]
    #[arg(long, value_name = "BRANCH")]
    into: Option<String>,

    /// GitHub's API
    #[arg(long, value_name = "URL", default_value = "https://api.github.com")]
    api: String,

    #[command(flatten)]
    ruff: RuffChoice,

    /// Leave the worktrees where they are, to look at
    #[arg(long)]
    keep: bool,

    /// Print one JSON object: base, tool, batches
    #[arg(long)]
    json: bool,
}

/// Runs the command.
#[expect(clippy::needless_pass_by_value, reason = "a command takes its arguments whole")]
pub fn run(args: Args) -> Result<CommandVerdict, Failure> {
    let project = args.ruff.project()?;
    let pulls = match (&args.repo, args.pr) {
        (Some(repo), true) => Some(pulls::Pulls::open(&args.api, repo, args.into.as_deref())?),
        _ => None,
    };
    let question = BatchQuestion {
        codes: args.codes.clone(),
        most: args.max_per_batch,
        base: args.base.clone(),
        unsafe_fixes: args.unsafe_fixes,
        include_accepted: args.include_accepted,
        today: working_tree::day(SystemClock::new().now()),
        dry_run: args.dry_run,
        keep: args.keep,
        temporary: config::temporary(),
    };
    ctrl_c::on_signal(&STOP)?;
    let bar = Bar::new();
    let made = batches::run(&project, &question, &STOP, &bar).map_err(working_tree::failure)?;
    drop(bar);
    let mut failed = made.batches.iter().any(|batch| batch.outcome == BatchOutcome::Failed);
    let mut shown = Vec::new();
    for batch in &made.batches {
        let sent = match &batch.branch {
            Some(branch) if batch.commit.is_some() && (args.push || args.pr) => {
                let pushed = batches::push(&project, &args.remote, branch).map_err(anyhow::Error::from);
                let pull = match (&pushed, &pulls) {
                    (Ok(()), Some(pulls)) => Some(pulls.pull(batch, &made)),
                    _ => None,
                };
                Some(report::Sent { pushed, pull })
            }
            _ => None,
        };
        failed |= sent.as_ref().is_some_and(report::Sent::failed);
        if args.json {
            shown.push(with(json!(batch), sent.as_ref()));
        } else if batch.found > 0 || !args.codes.is_empty() {
            // Of rules that nobody named, those without findings are of no interest.
            out::print(&report::batch(batch, args.dry_run, sent.as_ref()))?;
        }
    }
    if args.json {
        out::print_json_lines(&json!({ "base": made.base, "tool": made.tool, "batches": shown }))?;
    } else if made.batches.iter().all(|batch| batch.outcome == BatchOutcome::Nothing) {
        out::print("nothing to fix\n")?;
    }
    if failed {
        return Err(Failure::trouble(anyhow::anyhow!("not every batch was made as asked: see above")));
    }
    Ok(CommandVerdict::Fine)
}

fn with(mut batch: Value, sent: Option<&report::Sent>) -> Value {
    if let (Value::Object(batch), Some(sent)) = (&mut batch, sent) {
        batch.insert("pushed".to_owned(), json!(sent.pushed.is_ok()));
        batch.insert("pull_request".to_owned(), json!(sent.url()));
        if let Some(problem) = sent.problem() {
            batch.insert("problem".to_owned(), json!(problem));
        }
    }
    batch
}
