//! Server as a library, so that tests can start the same server with a store that fails on purpose. `main.rs` only
//! chooses the allocator.

mod config;
mod flags;
mod llm;
mod log_file;
mod logging;
mod serve;
mod welcome;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::anyhow;
use clap::Parser as _;
use cli_support::{CommandVerdict, Failure, exit};

use config::Config;
use logging::LogSecrets;

/// The whole program: reads the configuration, opens everything, serves, and stops in order. `adjust` may change what
/// was read before anything is opened. The exit code is 2 for a wrong flag or variable, and 3 when the server could not
/// start or stop as it should.
pub fn run(adjust: impl FnOnce(&mut instance::Options)) -> ExitCode {
    exit::code("intent-api", start(adjust).map(|()| CommandVerdict::Fine))
}

fn start(adjust: impl FnOnce(&mut instance::Options)) -> Result<(), Failure> {
    let mut config = Config::read(flags::Flags::parse()).map_err(Failure::usage)?;
    adjust(&mut config.instance);
    let secrets = Arc::new(LogSecrets::new(instance::secrets_of(&config.instance)));
    let guard = logging::start(&config.log, &secrets).map_err(Failure::usage)?;
    let ended = actix_web::rt::System::new().block_on(serve::run(config, &secrets));
    // The last lines of the log are written before the process ends.
    drop(guard);
    ended.map_err(|error| Failure::trouble(anyhow!(secrets.clean(&format!("{error:#}")).into_owned())))
}
