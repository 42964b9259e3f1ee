//! `t4 llm usage`: tokens and cost of calls.

mod cost;
mod lines;
mod totals;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use cli_support::{CommandVerdict, Failure};
pub use lines::remarks;
use policy_client::{UsageFilter, UsageGroup, UsageRows};
use registry_core::{Clock as _, SystemClock};

use super::time_argument::When;
use super::{AdminTokenArgs, Server};
use crate::{config, out};

/// Show what calls to models have used and cost: row by row, newest first, or summed up.
///
/// An agent's key shows the agent's own calls, --all with the admin token everybody's. Reads `T4_API_KEY` or
/// `T4_ADMIN_TOKEN`, and `T4_INTENT_API` (default `http://127.0.0.1:8001`).
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Sum up by agent, model, owner or day (UTC) instead of showing rows
    #[arg(long, value_name = "GROUP", value_parser = group_parser())]
    by: Option<UsageGroup>,

    /// Not before: 7d, 24h, 2026-11-21 (midnight UTC) or 2026-11-21T10:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<When>,

    /// Before: the same forms
    #[arg(long, value_name = "TIME")]
    until: Option<When>,

    /// Only rows that somebody should look at: estimated, at their worst case, overrun or late
    #[arg(long, conflicts_with = "by")]
    flagged: bool,

    /// How many rows at most
    #[arg(long, value_name = "N", default_value = "100", conflicts_with = "by",
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,

    /// Everybody's calls; takes the admin token
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    format: Format,

    #[command(flatten)]
    token: AdminTokenArgs,

    #[command(flatten)]
    server: Server,
}

/// What is printed instead of a table.
#[derive(Debug, clap::Args)]
struct Format {
    /// Print a JSON array, as the API has it
    #[arg(long, conflicts_with = "csv")]
    json: bool,

    /// Print comma-separated values (RFC 4180) with a header
    #[arg(long)]
    csv: bool,
}

/// Reads a group, with a line of help for each.
fn group_parser() -> impl TypedValueParser<Value = UsageGroup> {
    let values = UsageGroup::ALL.map(|group| {
        PossibleValue::new(group.as_str()).help(match group {
            UsageGroup::Agent => "Each agent",
            UsageGroup::Model => "Each model",
            UsageGroup::Owner => "Each owner",
            UsageGroup::Day => "Each day, in UTC",
        })
    });
    PossibleValuesParser::new(values)
        .try_map(|word| UsageGroup::parse(&word).ok_or("takes `agent`, `model`, `owner` or `day`"))
}

/// Runs the command.
pub fn run(args: &Args) -> Result<CommandVerdict, Failure> {
    let now = SystemClock::new().now();
    let time = |when: Option<When>| when.map(|when| when.seen_from(now).to_string());
    let (since, until) = (time(args.since), time(args.until));
    match args.by {
        None => rows(args, since, until),
        Some(by) => sums(args, by, since.as_deref(), until.as_deref()),
    }
}

fn rows(args: &Args, since: Option<String>, until: Option<String>) -> Result<CommandVerdict, Failure> {
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    // One more than is shown tells whether there is more.
    let at_most = limit.saturating_add(1);
    let rows = if args.flagged { UsageRows::Flagged } else { UsageRows::All };
    let filter = UsageFilter { since, until, rows, at_most, ..UsageFilter::default() };
    let (api, token) = (args.server.api.as_deref(), args.token.admin_token_file.as_deref());
    let found = if args.all {
        config::admin(api, token)?.usage(&filter)
    } else {
        config::registry(api)?.usage(&filter)
    };
    let mut rows = found.map_err(config::failure)?;
    if rows.len() > limit {
        rows.truncate(limit);
        out::say(&format!("these are the newest {limit}: there are more, --limit N shows N of them"));
    }
    if args.format.json {
        out::print_json(&rows)?;
    } else if args.format.csv {
        out::print(&lines::csv(&rows)?)?;
    } else {
        out::print(&lines::human(&rows, args.all))?;
    }
    Ok(CommandVerdict::Fine)
}

fn sums(
    args: &Args,
    by: UsageGroup,
    since: Option<&str>,
    until: Option<&str>,
) -> Result<CommandVerdict, Failure> {
    let (api, token) = (args.server.api.as_deref(), args.token.admin_token_file.as_deref());
    let found = if args.all {
        config::admin(api, token)?.usage_summary(by, since, until)
    } else {
        config::registry(api)?.usage_summary(by, since, until)
    };
    let totals = found.map_err(config::failure)?;
    if args.format.json {
        out::print_json(&totals)?;
    } else if args.format.csv {
        out::print(&totals::csv(&totals, by)?)?;
    } else {
        out::print(&totals::human(totals, by))?;
    }
    Ok(CommandVerdict::Fine)
}
