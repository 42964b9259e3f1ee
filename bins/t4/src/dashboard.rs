//! `t4 dashboard`: findings, scores and debts on one page.

mod checked;
mod serve;

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::ArgAction;
use cli_support::{CommandVerdict, Failure};
use pr_gate::check::{CheckQuestion, FindingSource};
use pr_gate::{Error, dashboard};
use source_tree::atomic;

use self::checked::Recipe;
use crate::working_tree::{Bar, RuffChoice};
use crate::{out, working_tree};

/// Output of a linter that is larger is not read.
const LARGEST_INPUT: u64 = 256 * 1024 * 1024;

/// Write findings, scores and debts as one HTML page, or serve it
///
/// The page loads nothing from outside, works without scripts, in light and
/// dark and on a phone. It shows the findings and scores over time, by code,
/// status, owner, age and file, the oldest debt, what is stale or expired, and
/// when the goal is reached if things go on as they have.
///
/// Each run adds an entry to the history, which keeps 90 days. Runs with other
/// --paths or --codes are not comparable: give them a --history of their own.
///
/// The exit code is 0 whatever the findings are: `t4 check` is the one that
/// says no.
///
/// Examples:
///   t4 dashboard
///   t4 dashboard --serve --refresh 30
///   ruff check --output-format sarif | t4 dashboard --from -
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Serve the page instead of writing it; it refreshes itself. Stops on Ctrl-C
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "127.0.0.1:8090")]
    serve: Option<SocketAddr>,
    /// Let --serve listen where other machines reach it. Anyone who does can read the page
    #[arg(long, requires = "serve")]
    allow_remote: bool,
    /// A host name that the served page is asked by, beside localhost and addresses
    #[arg(long, value_name = "NAME", requires = "serve")]
    allow_host: Vec<String>,
    /// The page's file, `-` for stdout [default: `reports/t4_dashboard.html`, or what t4.toml says]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Served: check again after so many seconds [default: 60]. Else: the page reloads itself
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    refresh: Option<u32>,
    /// The history's file [default: `reports/t4_metrics_history.json`, or what t4.toml says]
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Show the history, but add nothing to it
    #[arg(long, action = ArgAction::SetTrue)]
    no_history: bool,
    /// Files and folders to check [default: those of t4.toml, else all]
    #[arg(long, value_name = "PATH", num_args = 1..)]
    paths: Vec<PathBuf>,
    /// Rules to look for, as ruff's --select takes them [default: those of t4.toml]
    #[arg(long, value_name = "CODES", value_delimiter = ',')]
    codes: Vec<String>,
    /// Take the findings from a linter's output (ruff's JSON, or SARIF) and not from ruff; `-` for stdin
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    #[command(flatten)]
    ruff: RuffChoice,
}

/// Writes or serves the page.
pub fn run(args: Args) -> Result<CommandVerdict, Failure> {
    let project = args.ruff.project()?;
    let names: Result<Vec<String>, _> = args.paths.iter().map(|path| project.tree.name(path)).collect();
    let source = match &args.from {
        None => FindingSource::Ruff,
        Some(path) => FindingSource::Given(given(path)?),
    };
    let recipe = Recipe {
        folder: project.tree.root.join(&project.tree.prefix),
        question: CheckQuestion {
            paths: names.map_err(working_tree::failure)?,
            codes: args.codes.into_iter().map(|code| code.trim().to_owned()).collect(),
            source,
            age: true,
            ..CheckQuestion::default()
        },
        history: args.history,
        record: !args.no_history,
        output: args.output,
        launcher: project.tree.launcher.clone(),
        ruff: project.ruff.clone(),
    };
    match args.serve {
        Some(address) => {
            let hosts = serve::Hosts::new(address, args.allow_remote, args.allow_host)?;
            let refresh = args.refresh.unwrap_or(60);
            serve::run(recipe, address, hosts, refresh)
        }
        None => write(&recipe, args.refresh),
    }
}

fn write(recipe: &Recipe, reload: Option<u32>) -> Result<CommandVerdict, Failure> {
    if recipe.output.as_deref() == Some(Path::new("-")) {
        let page = recipe.check(&Bar::new(), 0).and_then(|checked| checked.page(reload, None, None));
        out::print_exactly(&page.map_err(working_tree::failure)?)?;
        return Ok(CommandVerdict::Fine);
    }
    // The file is looked at first: nothing is recorded for a page that can't be written.
    let project = working_tree::project()?;
    let path = dashboard::output_file(&project, recipe.output.as_deref()).map_err(working_tree::failure)?;
    let checked = recipe.check(&Bar::new(), 0).map_err(working_tree::failure)?;
    let page = checked.page(reload, None, None).map_err(working_tree::failure)?;
    store(&path, &page).map_err(working_tree::failure)?;
    out::say(&format!("{} findings, {} unannotated", checked.findings(), checked.unannotated()));
    out::print(&format!("{}\n", out::plain(&path.display().to_string())))?;
    Ok(CommandVerdict::Fine)
}

/// Writes the page, with the folders above it.
fn store(path: &Path, page: &str) -> Result<(), Error> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(Error::file(folder, "can't be made"))?;
    }
    atomic::write(path, page.as_bytes())
}

/// A linter's output.
fn given(path: &Path) -> Result<Vec<u8>, Failure> {
    let what = || format!("`{}` can't be read", path.display());
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(LARGEST_INPUT + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LARGEST_INPUT + 1).read_to_end(&mut bytes))
    };
    read.with_context(what).map_err(Failure::trouble)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST_INPUT) {
        return Err(Failure::trouble(anyhow!("`{}` is larger than 256 MiB", path.display())));
    }
    Ok(bytes)
}
