//! The findings by code, status, owner, age and file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use annotations::{CheckReport, FindingState, Weights};

use super::eta::float;
use super::html;

/// So many rows of a table are shown at once; the others open with a click.
const SHOWN: usize = 10;
/// So many of the worst files are listed.
const WORST_FILES: usize = 30;

/// One row: a name, a count, and what stands beside it.
struct BreakdownRow {
    name: String,
    /// What the filter of the findings is set to by a click on the name.
    filter: Option<String>,
    count: usize,
    more: Vec<String>,
}

struct Table<'a> {
    id: &'a str,
    title: &'a str,
    heads: &'a [&'a str],
    note: String,
    rows: Vec<BreakdownRow>,
    empty: &'a str,
}

/// All of them.
pub fn html(report: &CheckReport, weights: &Weights) -> String {
    // Five empty tables say less than the one sentence below them.
    if report.findings.is_empty() {
        return String::new();
    }
    let tables = [codes(report, weights), owners(report), statuses(report), ages(report)];
    let mut out = String::from(
        "<section aria-labelledby=\"breakdown\"><h2 id=\"breakdown\">Where they are</h2><div class=\"columns\">",
    );
    for table in tables {
        out.push_str(&table.html());
    }
    out.push_str("</div>");
    out.push_str(&files(report, weights).html());
    out.push_str("</section>");
    out
}

fn codes(report: &CheckReport, weights: &Weights) -> Table<'static> {
    let mut open: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| finding.state == FindingState::Unannotated) {
        *open.entry(&finding.finding.code).or_default() += 1;
    }
    let rows = report.metrics.counts_by_code.iter().map(|(code, count)| BreakdownRow {
        name: code.clone(),
        filter: Some(code.clone()),
        count: *count,
        more: vec![html::size(open.get(code.as_str()).copied().unwrap_or(0)), weights.of(code).to_string()],
    });
    Table {
        id: "by-code",
        title: "By code",
        heads: &["Code", "Findings", "Unannotated", "Weight"],
        note: String::new(),
        rows: sorted(rows),
        empty: "No findings.",
    }
}

fn statuses(report: &CheckReport) -> Table<'static> {
    let rows = report.metrics.counts_by_status.iter().map(|(status, count)| BreakdownRow {
        name: status.clone(),
        filter: Some(status.clone()),
        count: *count,
        more: Vec::new(),
    });
    Table {
        id: "by-status",
        title: "By status",
        heads: &["Status", "Findings"],
        note: String::new(),
        rows: sorted(rows),
        empty: "No annotated findings.",
    }
}

fn owners(report: &CheckReport) -> Table<'static> {
    let rows = report.metrics.debt_by_owner.iter().map(|debt| BreakdownRow {
        name: debt.owner.clone().unwrap_or_else(|| "no owner".to_owned()),
        filter: debt.owner.clone(),
        count: debt.findings,
        more: vec![html::count(debt.weight), html::text(debt.oldest.as_deref().unwrap_or("–"))],
    });
    Table {
        id: "by-owner",
        title: "By owner",
        heads: &["Owner", "Findings", "Weight", "Oldest"],
        note: String::new(),
        // The report's order: heaviest first.
        rows: rows.collect(),
        empty: "No findings.",
    }
}

fn ages(report: &CheckReport) -> Table<'static> {
    let rows = report.metrics.debt_by_age.iter().map(|age| BreakdownRow {
        name: age.age.to_owned(),
        filter: None,
        count: age.findings,
        more: vec![html::count(age.weight)],
    });
    Table {
        id: "by-age",
        title: "By age",
        heads: &["Last changed", "Findings", "Weight"],
        note: "The age of the commit that last changed the row.".to_owned(),
        rows: rows.collect(),
        empty: "No ages are known: they come from git.",
    }
}

fn files(report: &CheckReport, weights: &Weights) -> Table<'static> {
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
        name: file.to_owned(),
        filter: Some(file.to_owned()),
        count,
        more: vec![html::size(open), html::count(weight)],
    });
    let note = match others {
        0 => String::new(),
        others => format!("And {} with less.", html::many(others, "file", "files")),
    };
    Table {
        id: "worst-files",
        title: "Worst files",
        heads: &["File", "Findings", "Unannotated", "Weight"],
        note,
        rows: rows.collect(),
        empty: "No findings.",
    }
}

/// How many of so many rows are shown at once: two more are not worth a click.
pub fn shown(rows: usize) -> usize {
    if rows <= SHOWN + 2 { rows } else { SHOWN }
}

fn sorted(rows: impl Iterator<Item = BreakdownRow>) -> Vec<BreakdownRow> {
    let mut rows: Vec<BreakdownRow> = rows.collect();
    // Stable: equal counts stay in the order of their names.
    rows.sort_by_key(|row| std::cmp::Reverse(row.count));
    rows
}

impl Table<'_> {
    fn html(&self) -> String {
        let mut out = format!(
            "<section class=\"panel\" aria-labelledby=\"{0}\"><h3 id=\"{0}\">{1}</h3>",
            self.id, self.title
        );
        if self.rows.is_empty() {
            let _ = write!(out, "<p class=\"empty\">{}</p></section>", self.empty);
            return out;
        }
        let whole = self.rows.iter().map(|row| row.count).max().unwrap_or(0).max(1);
        let (shown, others) = self.rows.split_at(shown(self.rows.len()));
        out.push_str(&self.table(shown, whole));
        if !others.is_empty() {
            let _ = write!(out, "<details><summary>{} more</summary>", html::size(others.len()));
            out.push_str(&self.table(others, whole));
            out.push_str("</details>");
        }
        if !self.note.is_empty() {
            let _ = write!(out, "<p class=\"note\">{}</p>", self.note);
        }
        out.push_str("</section>");
        out
    }

    fn table(&self, rows: &[BreakdownRow], whole: usize) -> String {
        let mut out = format!(
            "<div class=\"box\" role=\"region\" aria-label=\"{0}\" tabindex=\"0\"><table class=\"counts\" data-table=\"{1}\"><thead><tr>",
            self.title, self.id
        );
        for (place, head) in self.heads.iter().enumerate() {
            let class = if place == 0 { "" } else { " class=\"number\"" };
            let _ = write!(out, "<th scope=\"col\"{class}>{head}</th>");
        }
        out.push_str("</tr></thead><tbody>");
        for row in rows {
            let name = html::text(&row.name);
            let name = match &row.filter {
                Some(filter) => {
                    format!("<a href=\"#findings\" data-filter=\"{}\">{name}</a>", html::text(filter))
                }
                None => name,
            };
            let part = float(u64::try_from(row.count).unwrap_or(0))
                / float(u64::try_from(whole).unwrap_or(1))
                * 100.0;
            let _ = write!(
                out,
                "<tr><th scope=\"row\">{name}<svg class=\"bar\" viewBox=\"0 0 100 4\" preserveAspectRatio=\"none\" \
                 aria-hidden=\"true\"><rect width=\"{part:.2}\" height=\"4\"/></svg></th><td class=\"number\">{}</td>",
                html::size(row.count)
            );
            for cell in &row.more {
                let _ = write!(out, "<td class=\"number\">{cell}</td>");
            }
            out.push_str("</tr>");
        }
        out.push_str("</tbody></table></div>");
        out
    }
}
