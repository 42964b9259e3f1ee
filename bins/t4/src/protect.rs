//! `t4 protect`: sets up branch protection, CODEOWNERS and the workflows of the required checks.

mod apply;
mod github;
mod plan;
mod report;
mod undo;

use clap::builder::NonEmptyStringValueParser;
use cli_support::{CommandVerdict, Failure};

use crate::working_tree;

/// Require T4's checks on a GitHub branch, and owners for the gate.
///
/// It does three things. CODEOWNERS gets rules for `t4.toml`, the waivers, the workflows and itself, in a block of
/// their own; nothing else in it changes. The workflows that define the checks are written where they are missing. The
/// branch is protected: the checks `t4-validator`, `t4-intent-api-health` and `ci/tests` are required, and
/// administrators are not exempt. What is protected already stays so.
///
/// Without --apply nothing is changed: the differences of the files and the requests are printed, the token left out.
/// --apply notes what was there first, and --undo restores it.
///
/// The token comes from `GITHUB_TOKEN` or `GH_TOKEN` and must be one of an administrator (fine-grained: Administration,
/// read and write). A dry run works without one, but then can't know what is protected already.
///
/// Example: t4 protect --owner @octo/platform, then the same with --apply.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Args {
    /// The repository on GitHub [default: that of the remote `origin`]
    #[arg(long, value_name = "OWNER/NAME", value_parser = NonEmptyStringValueParser::new())]
    repo: Option<String>,

    /// The branch [default: the repository's default branch]
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    branch: Option<String>,

    /// The API; for GitHub Enterprise Server `https://HOST/api/v3`
    #[arg(long, value_name = "URL", default_value = DEFAULT_API)]
    api: String,

    /// Who owns what guards the gate: @user, @org/team or an address, several with commas
    #[arg(long, value_name = "OWNERS", value_delimiter = ',', value_parser = NonEmptyStringValueParser::new())]
    owner: Vec<String>,

    /// Do it
    #[arg(long, conflicts_with = "undo")]
    apply: bool,

    /// Restore the files and the protection that were there before the last --apply
    #[arg(long)]
    undo: bool,

    /// With --undo: also when somebody changed them since
    #[arg(long, requires = "undo")]
    force: bool,

    /// Print one JSON object on stdout
    #[arg(long)]
    json: bool,
}

/// Where GitHub itself is.
const DEFAULT_API: &str = "https://api.github.com";

/// Runs it.
#[expect(clippy::needless_pass_by_value, reason = "a command takes its arguments whole")]
pub fn run(args: Args) -> Result<CommandVerdict, Failure> {
    let project = working_tree::project()?;
    let host = github::Host::new(&args.api)?;
    let repository = plan::repository(&project, &args)?;
    if args.undo {
        return undo::run(&project, &host, &repository, &args);
    }
    let plan = plan::plan(&project, &host, repository, &args)?;
    let done = if args.apply { Some(apply::run(&project, &host, &plan)?) } else { None };
    report::print(&plan, &host, done.as_ref(), args.json)?;
    Ok(CommandVerdict::Fine)
}
