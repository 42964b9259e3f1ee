//! The registry's server: reads the configuration, opens everything, serves, and stops in order.

mod config;
mod llm;
mod logging;
mod serve;
mod welcome;

use std::process::ExitCode;

use clap::Parser as _;

/// Small allocations are a tenth of a request's time; this allocator halves that (`docs/benchmarks/api.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit code of a server that could not start or stop as it should.
const FAILED: u8 = 3;
/// Exit code of a wrong flag or variable.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let flags = config::Flags::parse();
    let config = match config::Config::read(flags) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("intent-api: {error:#}");
            return ExitCode::from(USAGE);
        }
    };
    let guard = match logging::start(&config.log) {
        Ok(guard) => guard,
        Err(error) => {
            eprintln!("intent-api: {error:#}");
            return ExitCode::from(USAGE);
        }
    };
    let ended = actix_web::rt::System::new().block_on(serve::run(config));
    // The last lines of the log are written before the process ends.
    drop(guard);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("intent-api: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}
