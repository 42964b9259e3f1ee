//! `t4 waivers list`: all waivers.

use cli_support::{CommandVerdict, Failure};
use serde::Serialize;

use super::view::{WaiverJson, table};
use crate::{out, working_tree};

/// List the waivers, with the days that are left to them.
///
/// Ends with 3 when a waiver file can't be read; `t4 waivers check` tells everything that is wrong.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON object: `{"waivers": [...]}`
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct WaiverListJson<'a> {
    waivers: Vec<WaiverJson<'a>>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<CommandVerdict, Failure> {
    let waivers = pr_gate::waivers::load(&working_tree::project()?).map_err(working_tree::failure)?.list;
    let today = super::today();
    if args.json {
        let waivers = waivers.iter().map(|waiver| WaiverJson::of(waiver, today)).collect();
        out::print_json(&WaiverListJson { waivers })?;
    } else if waivers.is_empty() {
        out::print("no waivers\n")?;
    } else {
        out::print(&table(&waivers, today))?;
    }
    Ok(CommandVerdict::Fine)
}
