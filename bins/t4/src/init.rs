//! `t4 init`: writes the files that the PR gate needs.

mod ask;
mod report;

use clap::builder::NonEmptyStringValueParser;
use cli_support::{CommandVerdict, Failure};
use pr_gate::Project;
use pr_gate::init::{self, Hook, Wanted};
use pr_gate::settings::GateSettings;
use registry_core::{Clock as _, SystemClock};
use source_tree::snapshot;

use crate::working_tree;
use report::InitReport;

/// Set a repository up: settings, the pre-commit hook, the workflows.
///
/// Writes `t4.toml` with every setting and its default, `.github/workflows/t4-*.yml` with `.github/t4-install.sh`
/// (where you say how a runner gets `t4`), and a pre-commit hook that refuses legacy annotations and findings that
/// nothing answers for. Files that are there are left alone, so it can be run again.
///
/// On a terminal it asks for the folders to check and whether to install the hook; --yes takes the defaults.
/// `t4 protect` makes the checks required afterwards.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Args {
    /// Ask nothing
    #[arg(long, short)]
    yes: bool,

    /// The files and folders to check [default: the folders that hold Python]
    #[arg(long, value_name = "PATHS", value_delimiter = ',', num_args = 1.., value_parser = NonEmptyStringValueParser::new())]
    paths: Vec<String>,

    /// The rules to look for, such as F401,B904 [default: eleven of pyflakes, bugbear, simplify and ruff]
    #[arg(long, value_name = "CODES", value_delimiter = ',', value_parser = NonEmptyStringValueParser::new())]
    codes: Vec<String>,

    /// Install no pre-commit hook
    #[arg(long)]
    no_hook: bool,

    /// Write no workflows
    #[arg(long)]
    no_workflows: bool,

    /// Take away what the last run wrote, while it is as written
    #[arg(long, conflicts_with_all = ["paths", "codes", "no_hook", "no_workflows"])]
    undo: bool,

    /// Print one JSON object on stdout: created, same, kept, hook
    #[arg(long)]
    json: bool,
}

/// Runs it.
#[expect(clippy::needless_pass_by_value, reason = "a command takes its arguments whole")]
pub fn run(args: Args) -> Result<CommandVerdict, Failure> {
    let project = working_tree::project()?;
    if args.undo {
        return undo(&project, args.json);
    }
    let report = write(&project, &args)?;
    report.print(args.json)?;
    Ok(CommandVerdict::Fine)
}

fn write(project: &Project, args: &Args) -> Result<InitReport, Failure> {
    let mut hook = init::hook(project).map_err(working_tree::failure)?;
    let asks = !args.yes && !args.json && ask::is_possible();
    let is_set = project.tree.path("t4.toml").symlink_metadata().is_ok();
    let mut settings = GateSettings::default();
    if !args.codes.is_empty() {
        settings.check.codes.clone_from(&args.codes);
    }
    settings.check.paths = if args.paths.is_empty() {
        let guess = init::guess_paths(project).map_err(working_tree::failure)?;
        if asks && !is_set { ask::paths(&guess)? } else { guess }
    } else {
        args.paths.clone()
    };
    let mut named = Vec::new();
    for path in &settings.check.paths {
        named.push(project.tree.name(path.as_ref()).map_err(working_tree::failure)?);
    }
    settings.check.paths = named;
    let text = init::settings_text(&settings).map_err(working_tree::failure)?;
    let mut wanted = vec![Wanted { file: "t4.toml".to_owned(), text }];
    if !args.no_workflows {
        wanted.extend(init::workflows());
    }
    let plan = init::plan(project, wanted).map_err(working_tree::failure)?;
    let wants_hook = match &hook {
        _ if args.no_hook => false,
        Hook::Free(path) if asks => ask::hook(path)?,
        Hook::Free(_) => true,
        Hook::Ours(_) | Hook::Foreign(_) | Hook::Shared(_) | Hook::NoGit => false,
    };
    let now = SystemClock::new().now();
    let written =
        snapshot::apply(&project.tree, "init", &plan.changes, now).map_err(working_tree::failure)?;
    let mut installed = false;
    if let Hook::Free(path) = &hook
        && wants_hook
    {
        init::install(path).map_err(working_tree::failure)?;
        installed = true;
    }
    if installed {
        hook = init::hook(project).map_err(working_tree::failure)?;
    }
    Ok(InitReport { created: written.files, same: plan.same, kept: plan.kept, hook, installed })
}

/// Takes away what was written; the hook as well.
fn undo(project: &Project, as_json: bool) -> Result<CommandVerdict, Failure> {
    let hook = init::hook(project).map_err(working_tree::failure)?;
    let files = match snapshot::revert(&project.tree, "init", None, false) {
        Ok(info) => info.files,
        // A run that found all files in place wrote nothing but the hook.
        Err(error) if matches!(hook, Hook::Ours(_)) && is_nothing(project, &error) => Vec::new(),
        Err(error) => return Err(working_tree::failure(error)),
    };
    let removed = init::remove(project).map_err(working_tree::failure)?;
    report::undone(&files, removed.as_deref(), as_json)?;
    Ok(CommandVerdict::Fine)
}

/// Whether the error is that there is no snapshot, and not that one can't be restored.
fn is_nothing(project: &Project, error: &source_tree::Error) -> bool {
    let open = |list: Vec<snapshot::Info>| list.iter().any(|one| one.command == "init" && !one.reverted);
    matches!(error, source_tree::Error::Refused(_))
        && snapshot::list(&project.tree).is_ok_and(|list| !open(list))
}
