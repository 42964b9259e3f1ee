//! The head of the page in numbers: cards, what answers for the findings, when the goal is reached.

use std::fmt::Write as _;

use annotations::{CheckReport, FindingState};
use registry_core::Timestamp;

use super::eta::{Eta, float};
use super::history::HistoryEntry;
use super::{html, plot};

/// How far back the cards compare, in days.
const COMPARED_DAYS: i64 = 7;

/// The cards.
pub fn cards(report: &CheckReport, history: &[HistoryEntry], now: Timestamp) -> String {
    let (summary, metrics) = (&report.summary, &report.metrics);
    let then = earlier(history, now);
    let change = |current: f64, before: Option<f64>, unit: &str| {
        let (Some(before), Some(then)) = (before, then) else { return String::new() };
        let by = ((current - before) * 10.0).round() / 10.0;
        let by = match by {
            by if by < 0.0 => format!("−{}{unit}", -by),
            by if by > 0.0 => format!("+{by}{unit}"),
            _ => "no change".to_owned(),
        };
        format!("{by} since {}", plot::date(then.timestamp))
    };
    let count = |value: usize| float(u64::try_from(value).unwrap_or(u64::MAX));
    let before = |value: &dyn Fn(&HistoryEntry) -> Option<f64>| then.and_then(value);
    let cards = [
        Card {
            metric: "total_findings",
            name: "Findings",
            value: html::size(summary.total_findings),
            tone: "",
            note: change(
                count(summary.total_findings),
                before(&|entry| Some(float(entry.total_findings))),
                "",
            ),
        },
        Card {
            metric: "coverage_percent",
            name: "Answered for",
            value: html::percent(metrics.coverage_percent),
            tone: tone(metrics.coverage_percent >= 100.0),
            note: change(metrics.coverage_percent, before(&|entry| entry.coverage_percent), " points"),
        },
        Card {
            metric: "unannotated",
            name: "Unannotated",
            value: html::size(summary.unannotated),
            tone: tone(summary.unannotated == 0),
            note: change(count(summary.unannotated), before(&|entry| entry.unannotated.map(float)), ""),
        },
        Card {
            metric: "annotation_quality_score",
            name: "Annotation quality",
            value: html::percent(metrics.annotation_quality_score),
            tone: tone(summary.quality_issues == 0),
            note: html::many(summary.quality_issues, "annotation to mend", "annotations to mend"),
        },
        Card {
            metric: "stale",
            name: "Stale",
            value: html::size(summary.stale),
            tone: tone(summary.stale == 0),
            note: format!("{} of the annotations", html::percent(metrics.staleness_percent)),
        },
        Card {
            metric: "expired",
            name: "Expired",
            value: html::size(summary.expired),
            tone: tone(summary.expired == 0),
            note: "annotations and waivers".to_owned(),
        },
    ];
    let mut out = String::from("<ul class=\"cards\">");
    for card in cards {
        let Card { metric, name, value, tone, note } = card;
        let _ = write!(
            out,
            "<li class=\"card {tone}\"><span class=\"name\">{name}</span>\
             <strong data-metric=\"{metric}\">{value}</strong><span class=\"note\">{note}</span></li>"
        );
    }
    out.push_str("</ul>");
    out
}

struct Card {
    metric: &'static str,
    name: &'static str,
    value: String,
    tone: &'static str,
    note: String,
}

fn tone(good: bool) -> &'static str {
    if good { "good" } else { "bad" }
}

/// The entry to compare with: the newest that is a week old, else the first, unless that is this run's.
fn earlier(history: &[HistoryEntry], now: Timestamp) -> Option<&HistoryEntry> {
    let week = now.plus_days(-COMPARED_DAYS);
    let older = history.iter().filter(|entry| entry.timestamp < now);
    older.clone().rfind(|entry| entry.timestamp <= week).or_else(|| older.clone().next())
}

/// How the findings stand, as one bar with its numbers.
pub fn states(report: &CheckReport) -> String {
    let summary = &report.summary;
    let unified = summary.annotated.saturating_sub(summary.legacy_format);
    let parts = [
        (FindingState::Unannotated, summary.unannotated),
        (FindingState::Annotated, unified),
        (FindingState::Legacy, summary.legacy_format),
        (FindingState::Waived, summary.waived),
        (FindingState::Registered, summary.registered),
    ];
    let whole: usize = parts.iter().map(|(_, count)| count).sum();
    let mut out = String::from(
        "<section class=\"panel\" aria-labelledby=\"states\"><h2 id=\"states\">What answers for the findings</h2>",
    );
    if whole == 0 {
        out.push_str("<p class=\"empty\">No findings: there is nothing to answer for.</p></section>");
        return out;
    }
    let share = |count: usize| {
        float(u64::try_from(count).unwrap_or(0)) / float(u64::try_from(whole).unwrap_or(1)) * 100.0
    };
    out.push_str(
        "<svg class=\"stack\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
    );
    let mut at = 0.0;
    for (state, count) in parts {
        let width = share(count);
        let _ = write!(
            out,
            "<rect class=\"{}\" x=\"{at:.3}\" y=\"0\" width=\"{width:.3}\" height=\"10\"/>",
            state.word()
        );
        at += width;
    }
    out.push_str("</svg><ul class=\"legend states\">");
    for (state, count) in parts {
        let _ = write!(
            out,
            "<li><svg class=\"swatch {0}\" viewBox=\"0 0 10 10\" aria-hidden=\"true\"><rect width=\"10\" height=\"10\"/></svg>\
             {1} <b data-state=\"{0}\">{2}</b> <span class=\"share\">{3}</span></li>",
            state.word(),
            says(state),
            html::size(count),
            html::percent(share(count))
        );
    }
    out.push_str("</ul></section>");
    out
}

fn says(state: FindingState) -> &'static str {
    match state {
        FindingState::Unannotated => "Nothing",
        FindingState::Annotated => "Annotation",
        FindingState::Legacy => "Legacy annotation",
        FindingState::Waived => "Waiver",
        FindingState::Registered => "Registry",
    }
}

/// When the goal is reached.
pub fn goal(eta: Option<&Eta>, goal: u64, report: &CheckReport) -> String {
    let reached = u64::try_from(report.summary.total_findings).is_ok_and(|findings| findings <= goal);
    let goal = html::count(goal);
    let (state, head, more) = match eta {
        None => (
            "none",
            if reached { "Reached".to_owned() } else { "Not known yet".to_owned() },
            format!(
                "There {} now. An estimate needs runs at two different times.",
                are(report.summary.total_findings)
            ),
        ),
        Some(Eta::NotDecreasing { current_count, .. }) => (
            "not_decreasing",
            if reached { "Reached, but not decreasing".to_owned() } else { "Not decreasing".to_owned() },
            format!(
                "The findings of the last 90 days do not become fewer. Now: {}.",
                html::count(*current_count)
            ),
        ),
        Some(Eta::GoalAchieved { current }) => {
            ("goal_achieved", "Reached".to_owned(), format!("Now: {}.", html::count(*current)))
        }
        Some(Eta::OnTrack { days_remaining, target_date, rate_per_week, current_count, between }) => {
            let head = target_date.clone().unwrap_or_else(|| "More than ten years away".to_owned());
            let between = match between {
                Some((from, to)) if from == to => {
                    "The entries lie on a line: no other day is likely".to_owned()
                }
                Some((from, to)) => format!(
                    "Between <time datetime=\"{from}\">{from}</time> and <time datetime=\"{to}\">{to}</time> (95 % confidence)"
                ),
                None => "Too uncertain for an interval: the entries are too few or too scattered".to_owned(),
            };
            let days =
                if target_date.is_some() { format!(", in {days_remaining} days") } else { String::new() };
            let more = format!(
                "{between}. From {} to {goal} at {rate_per_week} fewer a week{days}, counted from the newest run.",
                html::count(*current_count)
            );
            ("on_track", head, more)
        }
    };
    format!(
        "<section class=\"panel goal\" aria-labelledby=\"goal\"><h2 id=\"goal\">Goal: at most {goal} findings</h2>\
         <p><strong data-eta=\"{state}\">{head}</strong></p><p class=\"note\">{more}</p></section>"
    )
}

fn are(findings: usize) -> String {
    format!("{} {}", if findings == 1 { "is" } else { "are" }, html::many(findings, "finding", "findings"))
}
