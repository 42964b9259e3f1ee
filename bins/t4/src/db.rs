//! `t4 db`: upgrades a database file, backs it up, and recounts what keys have stored.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Subcommand;
use cli_support::{CommandVerdict, Failure};
use instance::{OpenReport, Options, PepperSource};
use serde_json::{Value, json};
use storage_sqlite::SCHEMA_VERSION;

use crate::{config, out};

/// Look after a database file.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Migrate(Migrate),
    Backup(Backup),
    Recount(Recount),
}

/// Bring a database to this version's schema, as a start of the server would.
///
/// A missing file is made, one of the original service is adopted (and copied aside first), an older one is
/// upgraded; one that is up to date, or newer, is left as it is.
#[derive(Debug, clap::Args)]
struct Migrate {
    /// The database file [`T4_DB`, default `reports/todos/intent_registry.db`]
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,

    /// A file with the key pepper [`T4_KEY_PEPPER_FILE`; `T4_KEY_PEPPER` has the pepper itself]
    #[arg(long, value_name = "FILE")]
    key_pepper_file: Option<PathBuf>,

    /// Print what was done as one JSON object
    #[arg(long)]
    json: bool,
}

/// Copy a database, also while a server runs on it.
///
/// The copy is one moment of the database in one file, readable by you alone. The key pepper is not in it: keep a
/// copy of that elsewhere, because without it no key of the backup can be checked.
#[derive(Debug, clap::Args)]
struct Backup {
    /// The database file [`T4_DB`, default `reports/todos/intent_registry.db`]
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,

    /// The file to make; it must not be there yet
    #[arg(long, value_name = "FILE")]
    to: PathBuf,

    /// Print what was done as one JSON object
    #[arg(long)]
    json: bool,
}

/// Count again what each key has stored, also while a server runs on the file.
///
/// The server keeps these counts exact, changes of intents with `sqlite3` included. Count again after a change of
/// the table `idempotency` or `key_usage` by hand. Writes wait while it counts, about a second per million rows.
#[derive(Debug, clap::Args)]
struct Recount {
    /// The database file [`T4_DB`, default `reports/todos/intent_registry.db`]
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,

    /// Print what was done as one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: Args) -> Result<CommandVerdict, Failure> {
    match args.command {
        Command::Migrate(args) => migrate(args),
        Command::Backup(args) => backup(args),
        Command::Recount(args) => recount(args),
    }
    .map(|()| CommandVerdict::Fine)
}

fn migrate(args: Migrate) -> Result<(), Failure> {
    let mut options = Options::new(config::database(args.db)?);
    options.pepper = config::pepper(args.key_pepper_file)?;
    let (db, pepper) = (options.db.clone(), options.pepper.clone());
    let report = instance::migrate(options).map_err(Failure::trouble)?;
    if args.json {
        out::print_json(&machine(&db, &report))?;
    } else {
        out::print(&human(&db, &report))?;
    }
    if matches!(pepper, PepperSource::Beside) && (report.created || report.adopted.is_some()) {
        let pepper = instance::beside(&db, "pepper");
        out::say(&format!("the key pepper is in `{}`: without it no key can be checked", pepper.display()));
    }
    Ok(())
}

fn human(db: &Path, report: &OpenReport) -> String {
    let name = db.display();
    if let Some(adopted) = &report.adopted {
        let unusable = match adopted.unusable_keys {
            0 => String::new(),
            count => format!("{count} keys that nobody could present are no longer in it.\n"),
        };
        return format!(
            "adopted {name} from the original service: {} keys, {} intents, {} audit rows.\n{unusable}\
             The file as it was, with its keys in clear, is {}.\n",
            adopted.keys,
            adopted.intents,
            adopted.audit_rows,
            adopted.copy.display()
        );
    }
    match report.upgraded_from {
        Some(from) => format!("upgraded {name} from schema {from} to {SCHEMA_VERSION}\n"),
        None if report.created => format!("made {name}, an empty registry with schema {SCHEMA_VERSION}\n"),
        None => format!("{name} is up to date with schema {SCHEMA_VERSION}\n"),
    }
}

fn machine(db: &Path, report: &OpenReport) -> Value {
    let adopted = report.adopted.as_ref().map(|adopted| {
        json!({
            "copy": adopted.copy.display().to_string(),
            "keys": adopted.keys,
            "unusable_keys": adopted.unusable_keys,
            "intents": adopted.intents,
            "audit_rows": adopted.audit_rows,
        })
    });
    json!({
        "db": db.display().to_string(),
        "schema": SCHEMA_VERSION,
        "created": report.created,
        "upgraded_from": report.upgraded_from,
        "adopted": adopted,
        "log_id": report.log_id,
    })
}

fn backup(args: Backup) -> Result<(), Failure> {
    let db = config::database(args.db)?;
    storage_sqlite::backup(&db, &args.to).map_err(Failure::trouble)?;
    let bytes = std::fs::metadata(&args.to).map(|copy| copy.len());
    let bytes = bytes.map_err(|error| Failure::trouble(anyhow!(error).context("the copy is gone")))?;
    let (from, to) = (db.display().to_string(), args.to.display().to_string());
    if args.json {
        out::print_json(&json!({ "db": from, "to": to, "bytes": bytes }))?;
    } else {
        out::print(&format!("backed up {from} to {to}, {bytes} bytes\n"))?;
    }
    out::say("the key pepper is not in the backup: keep a copy of it elsewhere");
    Ok(())
}

fn recount(args: Recount) -> Result<(), Failure> {
    let db = config::database(args.db)?;
    storage_sqlite::recount(&db).map_err(Failure::trouble)?;
    let name = db.display().to_string();
    out::print(&if args.json {
        format!("{}\n", json!({ "db": name, "recounted": true }))
    } else {
        format!("counted again what each key of {name} has stored\n")
    })
}
