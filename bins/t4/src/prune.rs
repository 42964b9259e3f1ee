//! `t4 prune`: removes stale annotations.

use cli_support::{CommandVerdict, Failure};
use pr_gate::prune::plan;
use registry_core::{Clock as _, SystemClock};
use serde_json::json;

use crate::rewriting::{AnnotationPlan, FindingScope, RewriteMode};
use crate::working_tree;
use crate::working_tree::{Bar, RuffChoice};

/// Take out the annotations whose finding is gone.
///
/// Those are exactly the ones that `t4 check` reports as stale. The comment goes when nothing else is said in it, the line when nothing else stands on it; all other bytes stay
/// as they are. Annotations of rules that were not looked for stay, and so do sources that do not parse.
///
/// Prints a unified diff and writes nothing, unless --apply is given.
///
/// Example: t4 prune src --apply; t4 prune --undo
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    scope: FindingScope,

    #[command(flatten)]
    ruff: RuffChoice,

    #[command(flatten)]
    mode: RewriteMode,
}

/// Runs it.
pub fn run(args: Args) -> Result<CommandVerdict, Failure> {
    let project = args.ruff.project()?;
    if let Some(verdict) = args.mode.undone(&project, "prune")? {
        return Ok(verdict);
    }
    let now = SystemClock::default().now();
    let question = args.scope.question(&project)?;
    let bar = Bar::new();
    let plan = plan(&project, &question, now, &bar).map_err(working_tree::failure)?;
    drop(bar);
    let count = plan.pruned.len();
    let plan = AnnotationPlan {
        command: "prune",
        changes: &plan.changes,
        member: "pruned",
        annotations: json!(plan.pruned),
        what: format!("{count} stale annotation{} taken out", if count == 1 { "" } else { "s" }),
        skipped: &plan.skipped,
        unparsed: &plan.unparsed,
    };
    args.mode.finish(&project, &plan, now)
}
