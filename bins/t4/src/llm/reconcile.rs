//! `t4 llm reconcile`: rows and holds of the ledger that need attention.

use api_types::{OpenHoldView, UsageLineView};
use cli_support::table::{Column, Lines, lay_out, moment};
use cli_support::{CommandVerdict, Failure};
use policy_client::{UsageFilter, UsageRows};
use registry_core::{Clock as _, SystemClock};
use serde::Serialize;

use super::money::dollars;
use super::time_argument::When;
use super::usage::remarks;
use super::{AdminTokenArgs, Server};
use crate::{config, out};

/// Show calls under way, orphans, and every row of usage whose numbers are not certain.
///
/// Ends with 1 when there are orphans or flagged rows. An orphan is a call that nobody settled in time: it was
/// settled at its worst case, and a late settlement can still put that right. Takes the admin token; reads
/// `T4_ADMIN_TOKEN` and `T4_INTENT_API` (default `http://127.0.0.1:8001`).
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Flagged rows not before: 7d, 24h, 2026-11-21 (midnight UTC) or 2026-11-21T10:00:00Z [default: all]
    #[arg(long, value_name = "TIME")]
    since: Option<When>,

    /// Print one JSON object: ok, holds, flagged
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    token: AdminTokenArgs,

    #[command(flatten)]
    server: Server,
}

/// What the ledger says.
#[derive(Serialize)]
struct ReconcileReport {
    ok: bool,
    holds: Vec<OpenHoldView>,
    flagged: Vec<UsageLineView>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<CommandVerdict, Failure> {
    let client = config::admin(args.server.api.as_deref(), args.token.admin_token_file.as_deref())?;
    let now = SystemClock::new().now();
    let since = args.since.map(|when| when.seen_from(now).to_string());
    let filter =
        UsageFilter { since, rows: UsageRows::Flagged, at_most: usize::MAX, ..UsageFilter::default() };
    // The holds first: what is settled in between shows up in the rows, and is not missed.
    let holds = client.holds().map_err(config::failure)?;
    let flagged = client.usage(&filter).map_err(config::failure)?;
    let report = ReconcileReport::of(holds, flagged);
    if args.json {
        out::print_json(&report)?;
    } else {
        out::print(&report.human())?;
    }
    Ok(if report.ok { CommandVerdict::Fine } else { CommandVerdict::No })
}

impl ReconcileReport {
    fn of(holds: Vec<OpenHoldView>, flagged: Vec<UsageLineView>) -> Self {
        let ok = flagged.is_empty() && !holds.iter().any(|hold| hold.orphaned);
        Self { ok, holds, flagged }
    }

    fn human(&self) -> String {
        let orphans = self.holds.iter().filter(|hold| hold.orphaned).count();
        let open = self.holds.len() - orphans;
        let holds = if self.holds.is_empty() { String::new() } else { table_of_holds(&self.holds) + "\n" };
        let rows = if self.flagged.is_empty() { String::new() } else { table_of_rows(&self.flagged) + "\n" };
        let verdict = if self.ok { "Nothing to look at" } else { "To look at" };
        let flagged = self.flagged.len();
        format!(
            "{holds}{rows}{verdict}: {open} calls under way, {orphans} orphans, {flagged} flagged rows.\n"
        )
    }
}

fn table_of_holds(holds: &[OpenHoldView]) -> String {
    let columns = [
        Column::Text("Hold, model, agent"),
        Column::Number("Held"),
        Column::Whole("Lease until (UTC)"),
        Column::Whole("State"),
    ];
    let rows = holds.iter().map(|hold| {
        vec![
            Lines::of([&hold.hold_id, &format!("{} at {}", hold.model, hold.provider), &hold.agent_id]),
            Lines::from(dollars(hold.held_pico_usd)),
            Lines::from(moment(&hold.lease_until)),
            Lines::from(if hold.orphaned { "orphan" } else { "open" }),
        ]
    });
    lay_out(&columns, rows.collect())
}

/// The length of a minted call id, which is looked up elsewhere.
const CALL_ID: u16 = 31;

fn table_of_rows(rows: &[UsageLineView]) -> String {
    let columns = [
        Column::Whole("Time (UTC)"),
        Column::Wide("Call, model, agent", CALL_ID),
        Column::Number("Cost"),
        Column::Text("Remarks"),
    ];
    let cells = rows.iter().map(|row| {
        let call = row.call_id.as_deref().unwrap_or("-");
        vec![
            Lines::from(moment(&row.timestamp)),
            Lines::of([call, &row.model, &row.agent_id]),
            Lines::from(dollars(row.cost_pico_usd)),
            Lines::from(remarks(row)),
        ]
    });
    lay_out(&columns, cells.collect())
}

#[cfg(test)]
mod tests {
    use api_types::LlmUsage;

    use super::*;
    use cli_support::table::width;

    fn hold(orphaned: bool) -> OpenHoldView {
        OpenHoldView {
            hold_id: format!("{}.1000", "c".repeat(64)),
            key_id: "t4_000000000001".to_owned(),
            agent_id: "an-agent-with-a-long-name-".repeat(7),
            provider: "openai".to_owned(),
            model: "漢字".repeat(30),
            held_usd: 0.0,
            held_pico_usd: i64::MAX,
            created_at: "2026-11-21T10:00:03.000001Z".to_owned(),
            lease_until: "2026-11-21T10:10:03.000001Z".to_owned(),
            orphaned,
        }
    }

    fn row() -> UsageLineView {
        UsageLineView {
            timestamp: "2026-11-21T10:00:03.000001Z".to_owned(),
            key_id: "t4_000000000001".to_owned(),
            agent_id: "an-agent-with-a-long-name-".repeat(7),
            owner: None,
            model: "漢字".repeat(30),
            provider: None,
            call_id: Some("call_01arz3ndektsv4rrffq69g5fav".to_owned()),
            attempt: None,
            usage: LlmUsage::default(),
            cost_usd: 0.0,
            cost_pico_usd: 150_000_000,
            price_version: None,
            source: Some("worst_case".to_owned()),
            outcome: Some("orphan".to_owned()),
            overrun: true,
            late: true,
        }
    }

    #[test]
    fn calls_under_way_are_no_finding_and_orphans_and_flagged_rows_are() {
        assert!(ReconcileReport::of(vec![], vec![]).ok);
        assert!(ReconcileReport::of(vec![hold(false)], vec![]).ok);
        assert!(!ReconcileReport::of(vec![hold(false), hold(true)], vec![]).ok);
        assert!(!ReconcileReport::of(vec![], vec![row()]).ok);
    }

    #[test]
    fn tables_fit_in_80_columns_and_a_minted_call_id_stays_whole() {
        let text = ReconcileReport::of(vec![hold(true), hold(false)], vec![row()]).human();
        assert!(width(&text) <= 80, "{} {text}", width(&text));
        assert!(text.contains("call_01arz3ndektsv4rrffq69g5fav"), "{text}");
        assert!(text.ends_with("To look at: 1 calls under way, 1 orphans, 1 flagged rows.\n"), "{text}");
    }
}
