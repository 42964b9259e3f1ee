//! Tables of findings by code, status, owner, age and file.

use std::collections::BTreeMap;

use annotations::{CheckReport, FindingState, Weights};
use maud::{Markup, html};

use super::escaped_text::{self, EscapedText};
use super::eta::float;

/// Number of rows of a table that are shown at first; a click opens the others.
const SHOWN: usize = 10;
/// Number of files with the most findings that are listed.
const WORST_FILES: usize = 30;

/// Row of a table: a name, a count, and further cells.
struct BreakdownRow<'a> {
    name: &'a str,
    /// Value of the findings' filter after a click on the name.
    filter: Option<&'a str>,
    count: usize,
    more: Vec<Markup>,
}

struct Table<'a> {
    id: &'static str,
    title: &'static str,
    heads: &'static [&'static str],
    note: Option<Markup>,
    rows: Vec<BreakdownRow<'a>>,
    empty: &'static str,
}

/// Returns all tables.
pub fn html(report: &CheckReport, weights: &Weights) -> Markup {
    // Five empty tables say less than one sentence.
    if report.findings.is_empty() {
        return Markup::default();
    }
    html! {
        section aria-labelledby="breakdown" {
            h2 id="breakdown" { "Where they are" }
            div class="columns" {
                @for table in [codes(report, weights), owners(report), statuses(report), ages(report)] {
                    (table.html())
                }
            }
            (files(report, weights).html())
        }
    }
}

fn codes<'a>(report: &'a CheckReport, weights: &Weights) -> Table<'a> {
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| finding.state == FindingState::Unannotated) {
        *open.entry(&finding.finding.code).or_default() += 1;
    }
    let rows = report.metrics.counts_by_code.iter().map(|(code, count)| BreakdownRow {
        name: code,
        filter: Some(code),
        count: *count,
        more: vec![
            escaped_text::size(open.get(code.as_str()).copied().unwrap_or(0)),
            html! { (weights.of(code)) },
        ],
    });
    Table {
        id: "by-code",
        title: "By code",
        heads: &["Code", "Findings", "Unannotated", "Weight"],
        note: None,
        rows: sorted(rows),
        empty: "No findings.",
    }
}

fn statuses(report: &CheckReport) -> Table<'_> {
    let rows = report.metrics.counts_by_status.iter().map(|(status, count)| BreakdownRow {
        name: status,
        filter: Some(status),
        count: *count,
        more: Vec::new(),
    });
    Table {
        id: "by-status",
        title: "By status",
        heads: &["Status", "Findings"],
        note: None,
        rows: sorted(rows),
        empty: "No annotated findings.",
    }
}

fn owners(report: &CheckReport) -> Table<'_> {
    let rows = report.metrics.debt_by_owner.iter().map(|debt| BreakdownRow {
        name: debt.owner.as_deref().unwrap_or("no owner"),
        filter: debt.owner.as_deref(),
        count: debt.findings,
        more: vec![
            escaped_text::count(debt.weight),
            html! { (EscapedText(debt.oldest.as_deref().unwrap_or("–"))) },
        ],
    });
    Table {
        id: "by-owner",
        title: "By owner",
        heads: &["Owner", "Findings", "Weight", "Oldest"],
        note: None,
        // In the order of the report: heaviest first.
        rows: rows.collect(),
        empty: "No findings.",
    }
}

fn ages(report: &CheckReport) -> Table<'_> {
    let rows = report.metrics.debt_by_age.iter().map(|age| BreakdownRow {
        name: age.age,
        filter: None,
        count: age.findings,
        more: vec![escaped_text::count(age.weight)],
    });
    Table {
        id: "by-age",
        title: "By age",
        heads: &["Last changed", "Findings", "Weight"],
        note: Some(html! { "The age of the commit that last changed the row." }),
        rows: rows.collect(),
        empty: "No ages are known: they come from git.",
    }
}

fn files<'a>(report: &'a CheckReport, weights: &Weights) -> Table<'a> {
    let mut files: BTreeMap<&str, (u64, usize, usize)> = BTreeMap::new();
    for finding in &report.findings {
        let (weight, count, open) = files.entry(&finding.finding.file).or_default();
        *weight += u64::from(weights.of(&finding.finding.code));
        *count += 1;
        *open += usize::from(finding.state == FindingState::Unannotated);
    }
    let mut worst: Vec<_> = files.into_iter().collect();
    worst.sort_by(|(_, a), (_, b)| b.cmp(a));
    let others = worst.len().saturating_sub(WORST_FILES);
    let rows = worst.into_iter().take(WORST_FILES).map(|(file, (weight, count, open))| BreakdownRow {
        name: file,
        filter: Some(file),
        count,
        more: vec![escaped_text::size(open), escaped_text::count(weight)],
    });
    let note =
        (others > 0).then(|| html! { "And " (escaped_text::many(others, "file", "files")) " with less." });
    Table {
        id: "worst-files",
        title: "Worst files",
        heads: &["File", "Findings", "Unannotated", "Weight"],
        note,
        rows: rows.collect(),
        empty: "No findings.",
    }
}

/// Returns how many of the rows are shown at first: two more are not worth a click.
pub fn shown(rows: usize) -> usize {
    if rows <= SHOWN + 2 { rows } else { SHOWN }
}

fn sorted<'a>(rows: impl Iterator<Item = BreakdownRow<'a>>) -> Vec<BreakdownRow<'a>> {
    let mut rows: Vec<_> = rows.collect();
    // Stable: equal counts stay in the order of their names.
    rows.sort_by_key(|row| std::cmp::Reverse(row.count));
    rows
}

impl Table<'_> {
    fn html(&self) -> Markup {
        let whole = self.rows.iter().map(|row| row.count).max().unwrap_or(0).max(1);
        let (shown, others) = self.rows.split_at(shown(self.rows.len()));
        html! {
            section class="panel" aria-labelledby=(EscapedText(self.id)) {
                h3 id=(EscapedText(self.id)) { (EscapedText(self.title)) }
                @if self.rows.is_empty() {
                    p class="empty" { (EscapedText(self.empty)) }
                } @else {
                    (self.table(shown, whole))
                    @if !others.is_empty() {
                        details {
                            summary { (escaped_text::size(others.len())) " more" }
                            (self.table(others, whole))
                        }
                    }
                    @if let Some(note) = &self.note {
                        p class="note" { (note) }
                    }
                }
            }
        }
    }

    fn table(&self, rows: &[BreakdownRow<'_>], whole: usize) -> Markup {
        html! {
            div class="box" role="region" aria-label=(EscapedText(self.title)) tabindex="0" {
                table class="counts" data-table=(EscapedText(self.id)) {
                    thead {
                        tr {
                            @for (place, head) in self.heads.iter().enumerate() {
                                th scope="col" class=[(place > 0).then_some("number")] { (EscapedText(head)) }
                            }
                        }
                    }
                    tbody { @for row in rows { (row.html(whole)) } }
                }
            }
        }
    }
}

impl BreakdownRow<'_> {
    fn html(&self, whole: usize) -> Markup {
        let part =
            float(u64::try_from(self.count).unwrap_or(0)) / float(u64::try_from(whole).unwrap_or(1)) * 100.0;
        let name = EscapedText(self.name);
        html! {
            tr {
                th scope="row" {
                    @match self.filter {
                        Some(filter) => a href="#findings" data-filter=(EscapedText(filter)) { (name) },
                        None => (name),
                    }
                    svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" {
                        rect width=(format_args!("{part:.2}")) height="4" {}
                    }
                }
                td class="number" { (escaped_text::size(self.count)) }
                @for cell in &self.more { td class="number" { (cell) } }
            }
        }
    }
}
