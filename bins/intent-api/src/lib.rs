//! The server as a library, so that tests can start the same server with a store that dies on purpose. `main.rs`
//! chooses the allocator and nothing else.

mod config;
mod flags;
mod llm;
mod log_file;
mod logging;
mod serve;
mod welcome;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;

use config::Config;
use logging::LogSecrets;

/// Exit code of a server that could not start or stop as it should.
const FAILED: u8 = 3;
/// Exit code of a wrong flag or variable.
const USAGE: u8 = 2;

/// The whole program: reads the configuration, opens everything, serves, and stops in order. `adjust` may change what
/// was read before anything is opened.
pub fn run(adjust: impl FnOnce(&mut instance::Options)) -> ExitCode {
    let flags = flags::Flags::parse();
    let mut config = match Config::read(flags) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("intent-api: {error:#}");
            return ExitCode::from(USAGE);
        }
    };
    adjust(&mut config.instance);
    let secrets = Arc::new(LogSecrets::new(instance::secrets_of(&config.instance)));
    let guard = match logging::start(&config.log, &secrets) {
        Ok(guard) => guard,
        Err(error) => {
            eprintln!("intent-api: {error:#}");
            return ExitCode::from(USAGE);
        }
    };
    let ended = actix_web::rt::System::new().block_on(serve::run(config, &secrets));
    // The last lines of the log are written before the process ends.
    drop(guard);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("intent-api: {}", secrets.clean(&format!("{error:#}")));
            ExitCode::from(FAILED)
        }
    }
}
