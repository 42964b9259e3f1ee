//! `t4 pre-pr`: whether every file of a pull request is covered by an intent.

mod files;
mod report;

use std::path::PathBuf;

use api_types::PrePrResult;
use clap::builder::NonEmptyStringValueParser;
use cli_support::{CommandVerdict, Failure};
use policy_client::Placeholders;

use crate::{config, out};
use report::PrePrReport;

/// Check that an intent covers every file of a pull request.
///
/// Meant for the moment before it is opened. A file is covered by an intent that is planned, committed, implemented or accepted. Missing files get a
/// reserved placeholder, which does not cover them until somebody takes it.
///
/// Without FILES, the files checked are those that differ from the merge base of REV and HEAD in commits, in the
/// index or in the working tree. Untracked files (not yet added) and deleted files are left out; a renamed file
/// counts under its new name.
///
/// Reads `T4_API_KEY` and `T4_INTENT_API` (default `http://127.0.0.1:8001`).
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Compare with the merge base of REV and HEAD [default: origin/HEAD, else main or master]
    #[arg(long, value_name = "REV", conflicts_with = "files", value_parser = NonEmptyStringValueParser::new())]
    since: Option<String>,

    /// The files to check instead of the changed ones; inside a repository they are named from its root
    #[arg(value_name = "FILES")]
    files: Vec<PathBuf>,

    /// Only intents of these codes count, such as F821,F401 [default: any code]
    #[arg(long, value_name = "CODES", value_delimiter = ',', value_parser = NonEmptyStringValueParser::new())]
    codes: Vec<String>,

    /// Leave no placeholders for missing files
    #[arg(long)]
    no_reserve: bool,

    /// Print one JSON object on stdout: ok, files, missing, reserved
    #[arg(long)]
    json: bool,

    /// The registry's URL, instead of `T4_INTENT_API`
    #[arg(long, value_name = "URL")]
    api: Option<String>,
}

/// Runs the check.
pub fn run(args: Args) -> Result<CommandVerdict, Failure> {
    let Args { since, files, codes, no_reserve, json, api } = args;
    let files = files::choose(files, since)?;
    if files.is_empty() && json {
        out::say("no changed files: nothing to check");
    }
    // Names that the registry refuses would fail the whole call; they are missing without asking.
    let asked: Vec<_> = files.iter().filter(|file| file.registrable).map(|file| file.name.clone()).collect();
    let answer = if asked.is_empty() {
        PrePrResult { ok: true, missing: Vec::new(), reserved: Vec::new() }
    } else {
        let placeholders = if no_reserve { Placeholders::Leave } else { Placeholders::Reserve };
        let client = config::registry(api.as_deref())?;
        client.pre_pr_check(asked, codes, placeholders).map_err(config::failure)?
    };
    let report = PrePrReport::of(files, answer);
    if json {
        out::print_json(&report.json())?;
    } else {
        out::print(&report.human())?;
    }
    Ok(if report.ok() { CommandVerdict::Fine } else { CommandVerdict::No })
}
