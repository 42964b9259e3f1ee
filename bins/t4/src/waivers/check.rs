//! `t4 waivers check`: whether every waiver is still valid.

use std::fmt::Write as _;

use annotations::{Unreadable, Waivers};
use anyhow::anyhow;
use cli_support::{CommandVerdict, Failure};
use serde::Serialize;
use time::Date;

use super::view::{WaiverJson, days_left, subject, when};
use crate::{out, working_tree};

/// How many days before a waiver expires its owner hears of it.
const SOON: i64 = 14;

/// Check that no waiver has expired, and that each has what it needs.
///
/// Ends with 1 when a waiver has expired or lacks its file, reason, owner or date; with 3 when a file is no list of
/// waivers. Meant to be run every day: those that expire within 14 days are named.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON object: ok, waivers, expired, soon, problems
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct WaiverCheckJson<'a> {
    ok: bool,
    /// How many waivers there are.
    waivers: usize,
    expired: Vec<WaiverJson<'a>>,
    soon: Vec<WaiverJson<'a>>,
    problems: Vec<Lacking<'a>>,
}

#[derive(Serialize)]
struct Lacking<'a> {
    file: &'a str,
    row: Option<u32>,
    problem: &'a str,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<CommandVerdict, Failure> {
    let files = pr_gate::waivers::files(&working_tree::project()?).map_err(working_tree::failure)?;
    let (waivers, problems) = Waivers::inspect(&files);
    let (lacking, unreadable): (Vec<_>, Vec<_>) =
        problems.into_iter().partition(|problem| problem.entry.is_some());
    if !unreadable.is_empty() {
        let told: Vec<_> = unreadable.iter().map(ToString::to_string).collect();
        return Err(Failure::trouble(anyhow!(told.join("\n"))));
    }
    let today = super::today();
    let machine = inspect(&waivers, &lacking, today);
    if args.json {
        out::print_json(&machine)?;
    } else {
        out::print(&human(&waivers, &lacking, today))?;
    }
    Ok(if machine.ok { CommandVerdict::Fine } else { CommandVerdict::No })
}

fn inspect<'a>(waivers: &'a Waivers, lacking: &'a [Unreadable], today: Date) -> WaiverCheckJson<'a> {
    let (expired, holding): (Vec<_>, Vec<_>) =
        waivers.list.iter().partition(|waiver| waiver.is_expired(today));
    let soon = holding.into_iter().filter(|waiver| days_left(waiver, today).is_some_and(|left| left <= SOON));
    let view = |waiver| WaiverJson::of(waiver, today);
    WaiverCheckJson {
        ok: expired.is_empty() && lacking.is_empty(),
        waivers: waivers.list.len() + lacking.len(),
        expired: expired.into_iter().map(view).collect(),
        soon: soon.map(view).collect(),
        problems: lacking
            .iter()
            .map(|Unreadable { file, row, problem, .. }| Lacking { file, row: *row, problem })
            .collect(),
    }
}

fn human(waivers: &Waivers, lacking: &[Unreadable], today: Date) -> String {
    let mut text = String::new();
    for Unreadable { file, row, problem, .. } in lacking {
        let row = row.map_or_else(String::new, |row| format!(":{row}"));
        let _ = writeln!(text, "{}", out::plain(&format!("{file}{row}: {problem}")));
    }
    let mut expired = 0;
    for waiver in &waivers.list {
        let place = out::plain(&format!("{}:{}", waiver.at.0, waiver.at.1));
        let owner = out::plain(&waiver.owner);
        if waiver.is_expired(today) {
            expired += 1;
            let why = if days_left(waiver, today).is_some() {
                format!("expired {}", when(waiver, today))
            } else {
                let written = waiver.expires.as_deref().unwrap_or_default();
                format!("`{}` is no date, such as 2027-01-31", out::plain(written))
            };
            let _ = writeln!(text, "{place}: the waiver of {} {why} (owner {owner})", subject(waiver));
        } else if days_left(waiver, today).is_some_and(|left| left <= SOON) {
            let when = when(waiver, today);
            let _ =
                writeln!(text, "{place}: the waiver of {} expires {when} (owner {owner})", subject(waiver));
        }
    }
    let count = waivers.list.len() + lacking.len();
    let _ = match (expired, lacking.len()) {
        (0, 0) => writeln!(text, "ok: {count} waivers"),
        (_, 0) => {
            writeln!(text, "{expired} of {count} waivers have expired: fix the findings, or renew them")
        }
        (_, _) => {
            writeln!(text, "{expired} of {count} waivers have expired, {} lack what they need", lacking.len())
        }
    };
    text
}
