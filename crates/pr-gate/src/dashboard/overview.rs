//! Head of the page: cards, the states of the findings, and the estimate of the goal.

use annotations::{CheckReport, FindingState};
use maud::{Markup, html};
use registry_core::Timestamp;

use super::escaped_text::{self, EscapedText};
use super::eta::{Eta, float};
use super::history::HistoryEntry;
use super::plot;

/// How far back the cards compare, in days.
const COMPARED_DAYS: i64 = 7;

/// Returns the cards.
pub fn cards(report: &CheckReport, history: &[HistoryEntry], now: Timestamp) -> Markup {
    let (summary, metrics) = (&report.summary, &report.metrics);
    let then = earlier(history, now);
    let change = |current: f64, before: Option<f64>, unit: &str| {
        let (Some(before), Some(then)) = (before, then) else { return Markup::default() };
        let by = ((current - before) * 10.0).round() / 10.0;
        html! {
            @match by {
                by if by < 0.0 => { "−" (-by) (EscapedText(unit)) },
                by if by > 0.0 => { "+" (by) (EscapedText(unit)) },
                _ => "no change",
            }
            " since " (EscapedText(&plot::date(then.timestamp)))
        }
    };
    let count = |value: usize| float(u64::try_from(value).unwrap_or(u64::MAX));
    let before = |value: &dyn Fn(&HistoryEntry) -> Option<f64>| then.and_then(value);
    let cards = [
        Card {
            metric: "total_findings",
            name: "Findings",
            value: escaped_text::size(summary.total_findings),
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
            value: escaped_text::percent(metrics.coverage_percent),
            tone: tone(metrics.coverage_percent >= 100.0),
            note: change(metrics.coverage_percent, before(&|entry| entry.coverage_percent), " points"),
        },
        Card {
            metric: "unannotated",
            name: "Unannotated",
            value: escaped_text::size(summary.unannotated),
            tone: tone(summary.unannotated == 0),
            note: change(count(summary.unannotated), before(&|entry| entry.unannotated.map(float)), ""),
        },
        Card {
            metric: "annotation_quality_score",
            name: "Annotation quality",
            value: escaped_text::percent(metrics.annotation_quality_score),
            tone: tone(summary.quality_issues == 0),
            note: escaped_text::many(summary.quality_issues, "annotation to mend", "annotations to mend"),
        },
        Card {
            metric: "stale",
            name: "Stale",
            value: escaped_text::size(summary.stale),
            tone: tone(summary.stale == 0),
            note: html! { (escaped_text::percent(metrics.staleness_percent)) " of the annotations" },
        },
        Card {
            metric: "expired",
            name: "Expired",
            value: escaped_text::size(summary.expired),
            tone: tone(summary.expired == 0),
            note: html! { "annotations and waivers" },
        },
    ];
    html! {
        ul class="cards" {
            @for Card { metric, name, value, tone, note } in cards {
                li class={ "card " (EscapedText(tone)) } {
                    span class="name" { (EscapedText(name)) }
                    strong data-metric=(EscapedText(metric)) { (value) }
                    span class="note" { (note) }
                }
            }
        }
    }
}

struct Card {
    metric: &'static str,
    name: &'static str,
    value: Markup,
    tone: &'static str,
    note: Markup,
}

fn tone(good: bool) -> &'static str {
    if good { "good" } else { "bad" }
}

/// Returns the entry to compare with: the newest that is a week old, else the first, unless it is this run's.
fn earlier(history: &[HistoryEntry], now: Timestamp) -> Option<&HistoryEntry> {
    let week = now.plus_days(-COMPARED_DAYS);
    let older = history.iter().filter(|entry| entry.timestamp < now);
    older.clone().rfind(|entry| entry.timestamp <= week).or_else(|| older.clone().next())
}

/// Returns the states of the findings as one bar with its numbers.
pub fn states(report: &CheckReport) -> Markup {
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
    let share = |count: usize| {
        float(u64::try_from(count).unwrap_or(0)) / float(u64::try_from(whole).unwrap_or(1)) * 100.0
    };
    let mut bars = Vec::new();
    let mut at = 0.0;
    for (state, count) in parts {
        let width = share(count);
        bars.push((state, at, width));
        at += width;
    }
    html! {
        section class="panel" aria-labelledby="states" {
            h2 id="states" { "What answers for the findings" }
            @if whole == 0 {
                p class="empty" { "No findings: there is nothing to answer for." }
            } @else {
                svg class="stack" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
                    @for (state, at, width) in bars {
                        rect class=(EscapedText(state.word())) x=(format_args!("{at:.3}")) y="0"
                            width=(format_args!("{width:.3}")) height="10" {}
                    }
                }
                ul class="legend states" {
                    @for (state, count) in parts {
                        @let word = EscapedText(state.word());
                        li {
                            svg class={ "swatch " (word) } viewBox="0 0 10 10" aria-hidden="true" {
                                rect width="10" height="10" {}
                            }
                            (EscapedText(says(state))) " "
                            b data-state=(word) { (escaped_text::size(count)) } " "
                            span class="share" { (escaped_text::percent(share(count))) }
                        }
                    }
                }
            }
        }
    }
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

/// Returns the estimate of the goal.
pub fn goal(eta: Option<&Eta>, goal: u64, report: &CheckReport) -> Markup {
    let reached = u64::try_from(report.summary.total_findings).is_ok_and(|findings| findings <= goal);
    let (state, head, more) = match eta {
        None => (
            "none",
            if reached { "Reached" } else { "Not known yet" },
            html! {
                "There " (are(report.summary.total_findings))
                " now. An estimate needs runs at two different times."
            },
        ),
        Some(Eta::NotDecreasing { current_count, .. }) => (
            "not_decreasing",
            if reached { "Reached, but not decreasing" } else { "Not decreasing" },
            html! {
                "The findings of the last 90 days do not become fewer. Now: " (escaped_text::count(*current_count)) "."
            },
        ),
        Some(Eta::GoalAchieved { current }) => {
            ("goal_achieved", "Reached", html! { "Now: " (escaped_text::count(*current)) "." })
        }
        Some(Eta::OnTrack { days_remaining, target_date, rate_per_week, current_count, between }) => (
            "on_track",
            target_date.as_deref().unwrap_or("More than ten years away"),
            html! {
                (likely(between.as_ref())) ". From " (escaped_text::count(*current_count)) " to " (escaped_text::count(goal))
                " at " (rate_per_week) " fewer a week"
                @if target_date.is_some() { ", in " (days_remaining) " days" }
                ", counted from the newest run."
            },
        ),
    };
    html! {
        section class="panel goal" aria-labelledby="goal" {
            h2 id="goal" { "Goal: at most " (escaped_text::count(goal)) " findings" }
            p { strong data-eta=(EscapedText(state)) { (EscapedText(head)) } }
            p class="note" { (more) }
        }
    }
}

/// Returns the days between which the goal is probably reached.
fn likely(between: Option<&(String, String)>) -> Markup {
    let day = |day: &str| html! { time datetime=(EscapedText(day)) { (EscapedText(day)) } };
    html! {
        @match between {
            Some((from, to)) if from == to => "The entries lie on a line: no other day is likely",
            Some((from, to)) => { "Between " (day(from)) " and " (day(to)) " (95 % confidence)" },
            None => "Too uncertain for an interval: the entries are too few or too scattered",
        }
    }
}

fn are(findings: usize) -> Markup {
    html! {
        @if findings == 1 { "is" } @else { "are" }
        " " (escaped_text::many(findings, "finding", "findings"))
    }
}
