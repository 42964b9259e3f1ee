//! `t4`: commands for people and CI.

mod annotate;
mod audit;
mod batches;
mod check;
mod codemod;
mod config;
mod dashboard;
mod db;
mod ingest;
mod init;
mod llm;
mod migrate;
mod out;
mod pre_pr;
mod protect;
mod prune;
mod registry;
mod rewriting;
mod waivers;
mod working_tree;

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
    Init(init::Args),
    Check(check::Args),
    Annotate(annotate::Args),
    Prune(prune::Args),
    Migrate(migrate::Args),
    Waivers(waivers::Args),
    Dashboard(dashboard::Args),
    Codemod(codemod::Args),
    Batches(batches::Args),
    Ingest(ingest::Args),
    Protect(protect::Args),
    PrePr(pre_pr::Args),
    Audit(audit::Args),
    Db(db::Args),
    Llm(llm::Args),
}

fn main() -> ExitCode {
    cli_support::exit::code(
        "t4",
        match out::parsed::<Cli>().command {
            Command::Init(args) => init::run(args),
            Command::Check(args) => check::run(args),
            Command::Annotate(args) => annotate::run(args),
            Command::Prune(args) => prune::run(args),
            Command::Migrate(args) => migrate::run(args),
            Command::Waivers(args) => waivers::run(args),
            Command::Dashboard(args) => dashboard::run(args),
            Command::Codemod(args) => codemod::run(args),
            Command::Batches(args) => batches::run(args),
            Command::Ingest(args) => ingest::run(args),
            Command::Protect(args) => protect::run(args),
            Command::PrePr(args) => pre_pr::run(args),
            Command::Audit(args) => audit::run(args),
            Command::Db(args) => db::run(args),
            Command::Llm(args) => llm::run(args),
        },
    )
}
