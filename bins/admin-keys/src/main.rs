//! `admin-keys`: makes, shows, changes and takes back API keys, on the database file or over HTTP.

mod cli;
mod config;
mod failure;
mod file;
mod hash_token;
mod http;
mod registry;
mod run;
mod table;

use std::process::ExitCode;

use clap::Parser as _;
use cli_support::{CommandVerdict, exit};

fn main() -> ExitCode {
    let end = run::run(cli::Cli::parse());
    exit::code("admin-keys", end.map(|()| CommandVerdict::Fine))
}
