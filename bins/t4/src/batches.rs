//! `t4 batches`.

use anyhow::anyhow;

use crate::exit::{Failure, Verdict};

/// batches.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
pub fn run(args: Args) -> Result<Verdict, Failure> {
    let Args {} = args;
    Err(Failure::undecided(anyhow!("not built yet")))
}
