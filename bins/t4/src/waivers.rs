//! `t4 waivers`: lists and checks waivers.

mod check;
mod list;
mod ratchet;
mod view;

use clap::Subcommand;
use cli_support::{CommandVerdict, Failure};
use registry_core::{Clock as _, SystemClock};
use time::Date;

use crate::working_tree;

/// Look after waivers: findings that may pass for a time
///
/// Each has a reason and an owner. They are in the `*.yaml` files of
/// `audit/waivers` (or `[waivers] folder` of `t4.toml`):
///
///   waivers:
///     - file: src/a.py          # one file, from the root
///       line: 12                # left out or 0: the whole file
///       codes:                  # left out: every code
///         - F401
///       reason: the plugin needs it
///       owner: "@org/team"
///       expires: 2027-01-31     # the last day; a whole file needs one
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

/// One variant per command; each lives in a file of its name.
#[derive(Debug, Subcommand)]
enum Command {
    List(list::Args),
    Check(check::Args),
    Ratchet(ratchet::Args),
}

/// Runs the command.
pub fn run(args: Args) -> Result<CommandVerdict, Failure> {
    match args.command {
        Command::List(args) => list::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Ratchet(args) => ratchet::run(&args),
    }
}

fn today() -> Date {
    working_tree::day(SystemClock::new().now())
}
