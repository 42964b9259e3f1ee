//! `t4 annotate`: adds skeleton annotations.

use cli_support::{CommandVerdict, Failure};
use pr_gate::annotate::plan;
use registry_core::{Clock as _, SystemClock, SystemEntropy};
use serde_json::json;

use crate::rewriting::{AnnotationPlan, FindingScope, RewriteMode};
use crate::working_tree;
use crate::working_tree::{Bar, RuffChoice};

/// Write skeleton annotations for findings that nothing answers for.
///
/// Each stands at the end of the finding's first row; where the row has findings of several codes, or can't take a
/// comment, on a line of its own above. It names the finding, the owner (CODEOWNERS, else `git blame`) and the
/// status `reserved`: reason, ticket and eta are yours to fill in.
///
/// Prints a unified diff and writes nothing, unless --apply is given. Sources that do not parse are left alone.
///
/// Example: t4 annotate src --codes F401,B008 --apply
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    scope: FindingScope,

    /// Do not ask git who may own what CODEOWNERS does not know
    #[arg(long)]
    no_blame: bool,

    #[command(flatten)]
    ruff: RuffChoice,

    #[command(flatten)]
    mode: RewriteMode,
}

/// Runs it.
pub fn run(args: Args) -> Result<CommandVerdict, Failure> {
    let project = args.ruff.project()?;
    if let Some(verdict) = args.mode.undone(&project, "annotate")? {
        return Ok(verdict);
    }
    let now = SystemClock::default().now();
    let question = args.scope.question(&project)?;
    let bar = Bar::new();
    let blame = !args.no_blame;
    let plan = plan(&project, &question, blame, &SystemEntropy, now, &bar).map_err(working_tree::failure)?;
    drop(bar);
    let count = plan.written.len();
    let plan = AnnotationPlan {
        command: "annotate",
        changes: &plan.changes,
        member: "annotations",
        annotations: json!(plan.written),
        what: format!("{count} annotation{} added", if count == 1 { "" } else { "s" }),
        skipped: &plan.skipped,
        unparsed: &plan.unparsed,
    };
    args.mode.finish(&project, &plan, now)
}
