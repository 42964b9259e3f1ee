//! `t4 llm`: budgets, usage and prices of model calls.

mod csv;
mod money;
mod prices;
mod quota;
mod reconcile;
mod status;
mod time_argument;
mod usage;

use std::path::PathBuf;

use clap::Subcommand;

use cli_support::{CommandVerdict, Failure};

/// Look after calls to models: budgets, usage and prices.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

/// One variant per command; each lives in a file of its name.
#[derive(Debug, Subcommand)]
enum Command {
    Usage(usage::Args),
    Quota(quota::Args),
    Status(status::Args),
    Reconcile(reconcile::Args),
    Prices(prices::Args),
}

/// Which server is asked.
#[derive(Debug, clap::Args)]
struct Server {
    /// The registry's URL, instead of `T4_INTENT_API`
    #[arg(long, value_name = "URL")]
    api: Option<String>,
}

/// Where an admin's token is.
#[derive(Debug, clap::Args)]
struct AdminTokenArgs {
    /// A file with the admin token [`T4_ADMIN_TOKEN` has the token itself]
    #[arg(long, value_name = "FILE", alias = "admin_token_file")]
    admin_token_file: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: Args) -> Result<CommandVerdict, Failure> {
    match args.command {
        Command::Usage(args) => usage::run(&args),
        Command::Quota(args) => quota::run(args),
        Command::Status(args) => status::run(&args),
        Command::Reconcile(args) => reconcile::run(&args),
        Command::Prices(args) => prices::run(args),
    }
}
