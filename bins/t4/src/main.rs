//! `t4`: the platform's commands for people and for CI.

mod audit;
mod config;
mod db;
mod exit;
mod git;
mod llm;
mod out;
mod pre_pr;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Commands of the T4 platform.
///
/// Exit codes: 0 fine; 1 the check says no; 2 wrong usage; 3 it could not be decided (network, server,
/// credentials, git or files). Results go to stdout, talk to stderr.
#[derive(Debug, Parser)]
#[command(name = "t4", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// One variant per command; each lives in a file of its name.
#[derive(Debug, Subcommand)]
enum Command {
    PrePr(pre_pr::Args),
    Audit(audit::Args),
    Db(db::Args),
    Llm(llm::Args),
}

fn main() -> ExitCode {
    exit::code(match Cli::parse().command {
        Command::PrePr(args) => pre_pr::run(args),
        Command::Audit(args) => audit::run(args),
        Command::Db(args) => db::run(args),
        Command::Llm(args) => llm::run(args),
    })
}
