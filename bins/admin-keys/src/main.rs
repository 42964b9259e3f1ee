//! `admin-keys`: makes, shows, changes and takes back API keys, on the database file or over HTTP.

mod cli;
mod config;
mod exit;
mod file;
mod hash_token;
mod http;
mod out;
mod registry;
mod run;
mod table;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    exit::code(run::run(cli::Cli::parse()))
}
