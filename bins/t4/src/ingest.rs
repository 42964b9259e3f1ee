//! `t4 ingest`: sends annotations and findings to the registry.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use cli_support::{CommandVerdict, Failure};
use pr_gate::ingest::{IngestPlan, IngestScope, Update, plan};
use registry_core::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::working_tree::{Bar, RuffChoice};
use crate::{check, config, out, registry, working_tree};
use pr_gate::Progress as _;

/// Bring annotations and findings into the registry.
///
/// Each annotation that answers for a finding becomes an intent with its id, each finding that nothing answers for a
/// reserved one. An intent whose finding is gone is marked as implemented. Running it again tells nothing twice.
///
/// Reads `T4_API_KEY` and `T4_INTENT_API` (default `http://127.0.0.1:8001`). The key needs the scopes intents:read and
/// intents:write, and changes only intents that are its own, unless it has intents:any.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files and folders [default: those of t4.toml]
    #[arg(value_name = "PATHS")]
    paths: Vec<PathBuf>,

    /// The rules to look for, such as F401,B008 [default: those of t4.toml]
    #[arg(long, value_name = "CODES")]
    codes: Option<String>,

    /// Read findings from ruff's JSON or from SARIF instead of running ruff; - is stdin
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,

    #[command(flatten)]
    ruff: RuffChoice,

    /// Show what would be told, and tell nothing
    #[arg(long)]
    dry_run: bool,

    /// Print one JSON object on stdout: created, updated, unchanged, skipped
    #[arg(long)]
    json: bool,

    /// The registry's URL, instead of `T4_INTENT_API`
    #[arg(long, value_name = "URL")]
    api: Option<String>,
}

/// Runs it.
pub fn run(args: Args) -> Result<CommandVerdict, Failure> {
    let Args { paths, codes, from, ruff, dry_run, json, api } = args;
    let project = ruff.project()?;
    let question = check::question(&project, &paths, codes.as_deref(), from.as_deref())?;
    let bar = Bar::new();
    let gathered = pr_gate::check::gather(&project, &question, &bar).map_err(working_tree::failure)?;
    let report = gathered.check(&project, working_tree::day(SystemClock::new().now()));
    let client = config::registry(api.as_deref())?;
    let known = registry::all(&client)?;
    let scope = IngestScope { paths: &gathered.paths, codes: &gathered.codes };
    let mut plan = plan(&report, &known, scope);
    if !dry_run {
        registry::create(&client, &plan.create)?;
        bar.begin("updating intents", Some(plan.update.len() as u64));
        let mut done = Vec::new();
        for change in std::mem::take(&mut plan.update) {
            match registry::update(&client, &change)? {
                Ok(()) => done.push(change),
                Err(why) => plan.skipped.push((change.id, why)),
            }
            bar.step(1);
        }
        plan.update = done;
    }
    drop(bar);
    if json {
        out::print_json_lines(&as_json(&plan, dry_run))?;
    } else {
        out::print(&as_text(&plan, dry_run))?;
    }
    Ok(CommandVerdict::Fine)
}

fn as_json(plan: &IngestPlan, dry_run: bool) -> Value {
    let updated = |change: &Update| json!({"id": change.id, "status": change.status.map(registry_core::Status::as_str)});
    let skipped = |(subject, why): &(String, String)| json!({"subject": subject, "why": why});
    json!({
        "dry_run": dry_run,
        "created": plan.create.iter().map(|new| &new.id).collect::<Vec<_>>(),
        "updated": plan.update.iter().map(updated).collect::<Vec<_>>(),
        "unchanged": plan.unchanged,
        "skipped": plan.skipped.iter().map(skipped).collect::<Vec<_>>(),
    })
}

fn as_text(plan: &IngestPlan, dry_run: bool) -> String {
    let mut text = String::new();
    for (subject, why) in plan.skipped.iter().collect::<BTreeSet<_>>() {
        let _ = writeln!(text, "skipped {}: {}", out::plain(subject), out::plain(why));
    }
    let done = if dry_run { "would be " } else { "" };
    let _ = writeln!(
        text,
        "{} intents {done}created, {} {done}updated; {} unchanged, {} skipped",
        plan.create.len(),
        plan.update.len(),
        plan.unchanged,
        plan.skipped.len(),
    );
    text
}
