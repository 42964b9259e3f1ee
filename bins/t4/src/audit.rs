//! `t4 audit`: verifies the audit log in a database file, and accepts a changed schema.

mod accept_schema;
mod checkpoints;
mod progress;

use std::path::PathBuf;

use api_types::{AuditVerdict, FirstBadRow};
use canonical::Digest;
use clap::Subcommand;
use cli_support::{CommandVerdict, Failure};

use crate::{config, out};
use progress::VerifyProgress;

/// Look after the audit log of a database file.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Verify(VerifyAudit),
    AcceptSchema(accept_schema::Args),
}

/// Check that no row of the audit log was edited, moved, inserted or removed, and that the schema is as the log states.
///
/// Nothing is written, and no server and no secret is needed; a server may run on the file meanwhile. Prints
/// "ok: N rows, head HEX" and ends with 0, or names the first bad row and ends with 1.
///
/// Rows that were cut off at the end show only against something kept outside of the database: a head that was
/// noted before, or the checkpoints that the server appends to the file of `T4_AUDIT_CHECKPOINTS`.
#[derive(Debug, clap::Args)]
struct VerifyAudit {
    /// The database file [`T4_DB`, default `reports/todos/intent_registry.db`]
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,

    /// A head that was noted before: the log must run through it
    #[arg(long, value_name = "HEX", value_parser = digest)]
    expect_head: Option<Digest>,

    /// The file of `T4_AUDIT_CHECKPOINTS`: the log must run through each checkpoint in it
    #[arg(long, value_name = "FILE")]
    checkpoints: Option<PathBuf>,

    /// Print the verdict as one JSON object: ok, checked, adopted, `next_seq`, head, `first_bad`
    #[arg(long)]
    json: bool,
}

fn digest(text: &str) -> Result<Digest, &'static str> {
    Digest::from_hex(&text.to_ascii_lowercase()).map_err(|_| "takes 64 hexadecimal digits")
}

/// Runs the command.
pub fn run(args: Args) -> Result<CommandVerdict, Failure> {
    let args = match args.command {
        Command::Verify(args) => args,
        Command::AcceptSchema(args) => return accept_schema::run(args),
    };
    let json = args.json;
    let verdict = verify(args)?;
    if json {
        out::print_json(&verdict)?;
    } else {
        out::print(&human(&verdict))?;
    }
    Ok(if verdict.ok { CommandVerdict::Fine } else { CommandVerdict::No })
}

fn verify(args: VerifyAudit) -> Result<AuditVerdict, Failure> {
    let checkpoints = args.checkpoints.as_deref().map(checkpoints::read).transpose()?.unwrap_or_default();
    let db = config::database(args.db)?;
    let file = storage_sqlite::open_read_only(&db).map_err(Failure::trouble)?;
    let mut progress = VerifyProgress::to(file.read(|view| view.next_seq()).unwrap_or(0));
    let mut missed = args.expect_head;
    let verdict = control_plane::verify_log(&mut |f| file.view(f), &checkpoints, &mut |row| {
        missed = missed.filter(|head| row.chain != head.as_bytes());
        progress.step();
    });
    drop(progress);
    let verdict = verdict.map_err(Failure::trouble)?;
    Ok(match missed {
        Some(head) if verdict.ok => {
            AuditVerdict { ok: false, first_bad: Some(never_there(&head)), ..verdict }
        }
        _ => verdict,
    })
}

fn never_there(head: &Digest) -> FirstBadRow {
    let reason =
        format!("no row has the head {head} that is expected: rows were cut off at the end, or all replaced");
    FirstBadRow { id: 0, seq: None, reason }
}

fn human(verdict: &AuditVerdict) -> String {
    let Some(bad) = &verdict.first_bad else {
        let adopted = match verdict.adopted {
            0 => String::new(),
            count => {
                format!("{count} rows of the original service are as they were when they were adopted\n")
            }
        };
        return format!("ok: {} rows, head {}\n{adopted}", verdict.checked, verdict.head);
    };
    let place = match (bad.id, bad.seq) {
        (0, None) => "the log".to_owned(),
        (0, Some(seq)) => format!("seq {seq}"),
        (id, None) => format!("row {id}"),
        (id, Some(seq)) => format!("row {id}, seq {seq}"),
    };
    format!("bad: {place}: {}\n{} rows are sound up to there\n", bad.reason, verdict.checked)
}
