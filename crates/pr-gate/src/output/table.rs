//! The report as a table for people.

use std::fmt::Write as _;

use annotations::{Annotated, AnsweredBy, CheckReport, CheckVerdict, FindingState, Issue};

use super::{Header, answer, plain};

/// The maximum number of suppressed findings in the table. The JSON lists all.
const SHOWN: usize = 50;
/// The maximum width of the location column. A wider location pushes its text to the right.
const WIDEST: usize = 44;

/// Renders the report as text. Suppressed findings come first and unanswered ones last, nearest to the prompt.
#[must_use]
pub fn render(header: &Header<'_>, report: &CheckReport) -> String {
    let mut text = String::new();
    passed(&mut text, report);
    section(&mut text, "Warnings", &report.warnings.iter().map(issue).collect::<Vec<_>>());
    let stale: Vec<_> = report.stale.iter().map(|by| (at(&by.file, by.row), gone(by))).collect();
    section(&mut text, "Stale, the finding is gone (`t4 prune` removes them)", &stale);
    let expired: Vec<_> = report
        .expired
        .iter()
        .map(|one| {
            let why = if one.malformed { "is not a date" } else { "has passed" };
            (at(&one.by.file, one.by.row), format!("`{}` {why}: {}", one.date, answer(&one.by)))
        })
        .collect();
    section(&mut text, "Expired", &expired);
    section(
        &mut text,
        "Ids that several annotations use",
        &report.duplicates.iter().map(issue).collect::<Vec<_>>(),
    );
    section(&mut text, "Annotations to fix", &report.quality_issues.iter().map(issue).collect::<Vec<_>>());
    let open: Vec<_> = report
        .findings
        .iter()
        .filter(|one| one.state == FindingState::Unannotated)
        .map(|one| (place(one), format!("{} {}", one.finding.code, one.finding.message)))
        .collect();
    section(&mut text, "Unanswered", &open);
    end(&mut text, header, report);
    text
}

fn passed(text: &mut String, report: &CheckReport) {
    let passed: Vec<_> =
        report.findings.iter().filter(|one| one.state != FindingState::Unannotated).collect();
    let lines: Vec<_> = passed
        .iter()
        .take(SHOWN)
        .map(|one| {
            let by = one.by.as_ref().map_or_else(String::new, answer);
            (place(one), format!("{} {by}", one.finding.code))
        })
        .collect();
    section_of(text, "Suppressed", passed.len(), &lines);
    if passed.len() > SHOWN {
        let _ = writeln!(text, "  ... and {} more: --json lists all\n", passed.len() - SHOWN);
    }
}

fn section(text: &mut String, title: &str, lines: &[(String, String)]) {
    section_of(text, title, lines.len(), lines);
}

/// Writes a title with a count, and a line for each location and its text.
fn section_of(text: &mut String, title: &str, count: usize, lines: &[(String, String)]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "{title} ({count})");
    let width = lines.iter().map(|(place, _)| place.chars().count()).filter(|width| *width <= WIDEST).max();
    let width = width.unwrap_or(0);
    for (place, said) in lines {
        let _ = writeln!(text, "  {place:width$}  {}", plain(said));
    }
    text.push('\n');
}

fn end(text: &mut String, header: &Header<'_>, report: &CheckReport) {
    let (summary, metrics) = (&report.summary, &report.metrics);
    let _ = writeln!(
        text,
        "score {} %, coverage {} %, stale {} %; checked by {}",
        metrics.annotation_quality_score, metrics.coverage_percent, metrics.staleness_percent, header.tool,
    );
    if report.findings.iter().any(|one| one.first_seen.is_some()) {
        let found = metrics.debt_by_age.iter().filter(|age| age.findings > 0);
        let ages: Vec<_> = found.map(|age| format!("{} ({})", age.age, age.findings)).collect();
        let _ = writeln!(text, "age of the findings: {}", ages.join(", "));
    }
    let found = match header.since {
        Some(base) => {
            format!("{} of {} findings are new since {base}", summary.new_findings, summary.total_findings)
        }
        None => counted(summary.total_findings, "finding"),
    };
    let verdict = match report.status {
        CheckVerdict::Pass => "pass",
        CheckVerdict::Fail => "fail",
    };
    let _ = writeln!(
        text,
        "{}, {} unanswered, {} to fix: {verdict}",
        plain(&found),
        summary.unannotated,
        counted(summary.quality_issues, "annotation"),
    );
    if summary.unannotated > 0 {
        text.push_str(
            "`t4 annotate` writes annotations to fill in; `t4 codemod` and ruff's --fix may fix the code.\n",
        );
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn place(one: &Annotated) -> String {
    let start = one.finding.start;
    match start.column {
        0 => at(&one.finding.file, start.row),
        column => format!("{}:{column}", at(&one.finding.file, start.row)),
    }
}

fn at(file: &str, row: u32) -> String {
    if row == 0 { plain(file) } else { format!("{}:{row}", plain(file)) }
}

fn gone(by: &AnsweredBy) -> String {
    format!("{} {}", by.code.as_deref().unwrap_or("no code"), answer(by))
}

fn issue(issue: &Issue) -> (String, String) {
    let subject: Vec<_> = [issue.code.as_deref(), issue.id.as_deref()].into_iter().flatten().collect();
    (
        at(&issue.file, issue.row),
        format!("{} {}", subject.join(" "), issue.problems.join("; ")).trim().to_owned(),
    )
}
