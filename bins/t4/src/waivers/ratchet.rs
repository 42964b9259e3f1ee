//! `t4 waivers ratchet`: the number of waivers may fall and never rise.

use std::fmt::Write as _;

use cli_support::{CommandVerdict, Failure};
use pr_gate::waivers::Ratchet;
use serde::Serialize;
use time::Date;

use super::view::{WaiverJson, subject};
use crate::{out, working_tree};

/// Check that the change adds no waiver.
///
/// The number of entries may not grow against the merge base of REV and HEAD; an entry in place of another is fine.
/// Entries that hold longer than before are told. Ends with 1 when there are more.
///
/// Example: `t4 waivers ratchet --base origin/main`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The branch or commit that the change is to go into
    #[arg(long, value_name = "REV")]
    base: String,

    /// Print one JSON object: ok, base, before, now, new, extended, `unreadable_base`
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct RatchetJson<'a> {
    ok: bool,
    base: &'a str,
    before: usize,
    now: usize,
    new: Vec<WaiverJson<'a>>,
    extended: Vec<Longer<'a>>,
    unreadable_base: &'a [String],
}

#[derive(Serialize)]
struct Longer<'a> {
    #[serde(flatten)]
    waiver: WaiverJson<'a>,
    expired_before: Option<&'a str>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<CommandVerdict, Failure> {
    let ratchet =
        pr_gate::waivers::ratchet(&working_tree::project()?, &args.base).map_err(working_tree::failure)?;
    if args.json {
        out::print_json(&machine(&ratchet, super::today()))?;
    } else {
        for file in &ratchet.unreadable {
            out::say(&format!("warning: `{file}` of the base is no list of waivers: it counts as empty"));
        }
        out::print(&human(&ratchet))?;
    }
    Ok(if ratchet.grew() { CommandVerdict::No } else { CommandVerdict::Fine })
}

fn machine(ratchet: &Ratchet, today: Date) -> RatchetJson<'_> {
    RatchetJson {
        ok: !ratchet.grew(),
        base: &ratchet.base,
        before: ratchet.before,
        now: ratchet.now,
        new: ratchet.new.iter().map(|waiver| WaiverJson::of(waiver, today)).collect(),
        extended: ratchet
            .extended
            .iter()
            .map(|extended| Longer {
                waiver: WaiverJson::of(&extended.waiver, today),
                expired_before: extended.before.as_deref(),
            })
            .collect(),
        unreadable_base: &ratchet.unreadable,
    }
}

fn human(ratchet: &Ratchet) -> String {
    let mut text = String::new();
    for waiver in &ratchet.new {
        let place = out::plain(&format!("{}:{}", waiver.at.0, waiver.at.1));
        let _ = writeln!(text, "new: {place}: {}", subject(waiver));
    }
    for extended in &ratchet.extended {
        let waiver = &extended.waiver;
        let place = out::plain(&format!("{}:{}", waiver.at.0, waiver.at.1));
        let day = |day: Option<&str>| out::plain(day.unwrap_or("no day"));
        let (before, now) = (day(extended.before.as_deref()), day(waiver.expires.as_deref()));
        let _ = writeln!(text, "warning: {place}: {} holds longer: {before} -> {now}", subject(waiver));
    }
    let (before, now) = (ratchet.before, ratchet.now);
    let _ = if ratchet.grew() {
        writeln!(text, "{now} waivers, {before} before: fix a finding instead of waiving it, or end a waiver")
    } else {
        writeln!(text, "ok: {now} waivers, {before} before")
    };
    text
}
