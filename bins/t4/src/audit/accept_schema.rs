//! `t4 audit accept-schema`: an operator lets a database be written again whose schema or log was changed.

use std::path::PathBuf;

use canonical::Digest;
use cli_support::{CommandVerdict, Failure};
use registry_core::{Clock as _, SystemClock};
use serde_json::json;
use storage_sqlite::SchemaReview;

use super::digest;
use crate::{config, out};

/// Accept the schema of a database as it is, so that a server writes to it again.
///
/// A server stops writing (503 `audit_broken`) when a trigger, view, index or table of its database was changed past it,
/// or when rows of the audit log were not kept as it wrote them. Find out first what happened: `t4 audit verify` names
/// it. Undo the change, or accept it.
///
/// Without `--sha256` this shows what differs, changes nothing, and ends with 1. With the digest that it showed, it
/// accepts exactly that schema and adds a row to the audit log. A server that runs on the file goes on within about a
/// second.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The database file [`T4_DB`, default `reports/todos/intent_registry.db`]
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,

    /// The digest of the schema to accept, as this command shows it
    #[arg(long, value_name = "HEX", value_parser = digest)]
    sha256: Option<Digest>,

    /// Print the outcome as one JSON object: accepted, difference, stopped, sha256
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: Args) -> Result<CommandVerdict, Failure> {
    let db = config::database(args.db)?;
    let review = storage_sqlite::review_schema(&db).map_err(Failure::trouble)?;
    let accepted = match &args.sha256 {
        Some(expected) if !review.is_clean() => {
            let now = SystemClock::new().now();
            storage_sqlite::accept_schema(&db, expected, now).map_err(Failure::trouble)?.is_some()
        }
        _ => false,
    };
    if args.json {
        out::print_json(&json!({
            "accepted": accepted,
            "difference": review.difference,
            "stopped": review.stopped,
            "sha256": review.sha256.to_string(),
        }))?;
    } else {
        out::print(&human(&review, accepted, args.sha256.as_ref()))?;
    }
    Ok(if accepted || review.is_clean() { CommandVerdict::Fine } else { CommandVerdict::No })
}

fn human(review: &SchemaReview, accepted: bool, asked: Option<&Digest>) -> String {
    if review.is_clean() {
        return "the schema is the one that the audit log states: nothing to accept\n".to_owned();
    }
    let line = |title: &str, text: &Option<String>| {
        text.as_ref().map_or(String::new(), |text| format!("{title}: {text}\n"))
    };
    let what = line("changed", &review.difference) + &line("writes were stopped", &review.stopped);
    let sha256 = review.sha256;
    let end = match (accepted, asked) {
        (true, _) => "accepted, and recorded in the audit log\n".to_owned(),
        (false, Some(_)) => format!("not accepted: the schema has the digest {sha256}\n"),
        (false, None) => format!("to accept it: t4 audit accept-schema --sha256 {sha256}\n"),
    };
    what + &end
}
