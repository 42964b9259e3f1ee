//! Lists below the findings: the oldest debt, and annotations that are stale, expired or faulty.

use annotations::{Annotated, CheckReport, Issue};
use maud::{Markup, html};

use super::breakdown::shown;
use super::escaped_text::{self, EscapedText};

/// Number of rows of a list in the page.
const MOST_ROWS: usize = 300;
/// Number of findings in the list of the oldest debt.
const OLDEST: usize = 50;

/// List with its title, its column heads and its rows.
struct RowList {
    id: &'static str,
    title: &'static str,
    note: Option<Markup>,
    heads: &'static [&'static str],
    rows: Vec<Vec<Markup>>,
    /// Text in place of an empty list.
    empty: &'static str,
}

/// Returns all lists.
pub fn html(report: &CheckReport) -> Markup {
    let lists = [
        oldest(report),
        stale(report),
        expired(report),
        issues(
            "issues-list",
            "Annotations to be mended",
            &report.quality_issues,
            "Every annotation is fit to answer.",
        ),
        issues("duplicates-list", "Ids that are used twice", &report.duplicates, "Every id is used once."),
        issues("warnings-list", "Warnings", &report.warnings, "No warnings."),
    ];
    html! {
        section aria-labelledby="lists" {
            h2 id="lists" { "To be looked after" }
            @for list in lists { (list.html()) }
        }
    }
}

fn oldest(report: &CheckReport) -> RowList {
    let mut aged: Vec<(&str, &Annotated)> = report
        .findings
        .iter()
        .filter_map(|finding| finding.first_seen.as_deref().map(|day| (day, finding)))
        .collect();
    aged.sort_by_key(|(day, _)| *day);
    let rows = aged.into_iter().take(OLDEST).map(|(day, annotated)| {
        let (finding, by) = (&annotated.finding, annotated.by.as_ref());
        vec![
            said(Some(day)),
            place(&finding.file, finding.start.row),
            said(Some(&finding.code)),
            said(Some(annotated.state.word())),
            said(by.and_then(|by| by.owner.as_deref())),
        ]
    });
    RowList {
        id: "oldest-list",
        title: "Oldest debt",
        note: Some(html! { "By the commit that last changed the row." }),
        heads: &["Last changed", "Place", "Code", "State", "Owner"],
        rows: rows.collect(),
        empty: "No ages are known: they come from git.",
    }
}

fn stale(report: &CheckReport) -> RowList {
    let rows = report.stale.iter().map(|by| {
        vec![
            place(&by.file, by.row),
            said(by.code.as_deref()),
            said(by.status.as_deref()),
            said(by.owner.as_deref()),
            said(by.reason.as_deref()),
        ]
    });
    RowList {
        id: "stale-list",
        title: "Stale annotations",
        note: Some(html! { "Their finding is gone: " code { "t4 prune" } " takes them out." }),
        heads: &["Place", "Code", "Status", "Owner", "Reason"],
        rows: rows.collect(),
        empty: "No annotation outlives its finding.",
    }
}

fn expired(report: &CheckReport) -> RowList {
    let rows = report.expired.iter().map(|expired| {
        let by = &expired.by;
        vec![
            html! { (EscapedText(&expired.date)) @if expired.malformed { " (no date)" } },
            place(&by.file, by.row),
            said(Some(by.kind)),
            said(by.code.as_deref()),
            said(by.owner.as_deref()),
            said(by.reason.as_deref()),
        ]
    });
    RowList {
        id: "expired-list",
        title: "Expired",
        note: Some(html! { "Annotations and waivers whose day has passed, or is none." }),
        heads: &["Day", "Place", "Kind", "Code", "Owner", "Reason"],
        rows: rows.collect(),
        empty: "No day has passed.",
    }
}

fn issues(id: &'static str, title: &'static str, issues: &[Issue], empty: &'static str) -> RowList {
    let rows = issues.iter().map(|issue| {
        let problems = issue.problems.iter().enumerate();
        vec![
            place(&issue.file, issue.row),
            said(issue.code.as_deref()),
            said(issue.id.as_deref()),
            html! { @for (place, problem) in problems { @if place > 0 { br; } (EscapedText(problem)) } },
        ]
    });
    let heads = &["Place", "Code", "Id", "What is wrong"];
    RowList { id, title, note: None, heads, rows: rows.collect(), empty }
}

impl RowList {
    fn html(&self) -> Markup {
        let count = self.rows.len();
        let rows = self.rows.get(..MOST_ROWS).unwrap_or(&self.rows);
        let (first, hidden) = rows.split_at(shown(rows.len()));
        html! {
            section class="panel" aria-labelledby=(EscapedText(self.id)) {
                h3 id=(EscapedText(self.id)) {
                    (EscapedText(self.title)) " " span class="count" { (escaped_text::size(count)) }
                }
                @if self.rows.is_empty() {
                    p class="empty" { (EscapedText(self.empty)) }
                } @else {
                    @if let Some(note) = &self.note {
                        p class="note" { (note) }
                    }
                    (self.table(first))
                    @if !hidden.is_empty() {
                        details {
                            summary { "Show " (escaped_text::size(hidden.len())) " more" }
                            (self.table(hidden))
                        }
                    }
                    @if count > MOST_ROWS {
                        p class="note" {
                            "The first " (MOST_ROWS) " of " (escaped_text::size(count)) ": the JSON has all."
                        }
                    }
                }
            }
        }
    }

    fn table(&self, rows: &[Vec<Markup>]) -> Markup {
        html! {
            div class="box" role="region" aria-label=(EscapedText(self.title)) tabindex="0" {
                table class="rows" {
                    (heads(self.heads))
                    tbody {
                        @for row in rows { tr { @for cell in row { td { (cell) } } } }
                    }
                }
            }
        }
    }
}

/// Returns the row of column heads.
pub fn heads(heads: &[&'static str]) -> Markup {
    html! { thead { tr { @for head in heads { th scope="col" { (EscapedText(head)) } } } } }
}

/// Returns `file:row`, which may break after a slash.
pub fn place(file: &str, row: u32) -> Markup {
    html! {
        span class="place" {
            @for part in file.split_inclusive('/') {
                (EscapedText(part))
                @if part.ends_with('/') { wbr; }
            }
            @if row != 0 { ":" (row) }
        }
    }
}

/// Returns a text, or a dash when there is none.
pub fn said(text: Option<&str>) -> Markup {
    html! { (EscapedText(text.unwrap_or("–"))) }
}
