//! `t4 audit accept-schema`: an operator accepts a changed schema or log, so that the database can be written again.

use std::path::{Path, PathBuf};

use canonical::Digest;
use cli_support::{CommandVerdict, Failure};
use registry_core::{Clock as _, SystemClock};
use serde_json::json;
use storage_sqlite::SchemaReview;

use super::digest;
use crate::{config, out};

/// Accept the schema of a database as it is, so that a server writes to it again.
///
/// A server stops writing (503 `audit_broken`) when a trigger, view, index or table of its database was changed without
/// it, or when rows of the audit log were not kept as it wrote them. Find out first what happened: `t4 audit verify`
/// names it. Undo the change, or accept it. A row at the end of `audit_log` that T4 did not write must be deleted first.
///
/// Without `--sha256` this shows what differs, changes nothing, and ends with 1, or with 0 when there is nothing to
/// accept. With the digest that it showed, it
/// accepts exactly what was shown and adds a row to the audit log. A server that runs on the file goes on within about a
/// second.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The database file [`T4_DB`, default `reports/todos/intent_registry.db`]
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,

    /// The digest of what is accepted, as this command shows it: schema, end of the log, and reason of the stop
    #[arg(long, value_name = "HEX", value_parser = digest)]
    sha256: Option<Digest>,

    /// Print the outcome as one JSON object: accepted, difference, stopped, rows, head, sha256
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
            "rows": review.rows,
            "head": review.head.to_string(),
            "sha256": review.sha256.to_string(),
        }))?;
    } else {
        out::print(&human(&review, &db, accepted, args.sha256.as_ref()))?;
    }
    Ok(if accepted || review.is_clean() { CommandVerdict::Fine } else { CommandVerdict::No })
}

fn rows(count: u64) -> String {
    if count == 1 { "1 row".to_owned() } else { format!("{count} rows") }
}

fn human(review: &SchemaReview, db: &Path, accepted: bool, asked: Option<&Digest>) -> String {
    if review.is_clean() {
        return "the schema is the one that the audit log states: nothing to accept\n".to_owned();
    }
    let line = |title: &str, text: &Option<String>| {
        text.as_ref().map_or(String::new(), |text| format!("{title}: {text}\n"))
    };
    let log = format!("audit log: {} in all, head {}\n", rows(review.rows), review.head);
    let what =
        line("changed", &review.difference) + &line("writes are stopped, because of", &review.stopped) + &log;
    let sha256 = review.sha256;
    let end = match (accepted, asked) {
        (true, _) => {
            "accepted, and recorded in the audit log: servers go on within about a second\n".to_owned()
        }
        (false, Some(_)) => {
            format!("not accepted, because it is not what was shown; now: --sha256 {sha256}\n")
        }
        (false, None) => format!(
            "to accept the database as it is now: t4 audit accept-schema --db '{}' --sha256 {sha256}\n",
            db.display()
        ),
    };
    what + &end
}
