//! The report as GitHub's workflow commands, which it shows beside the lines of a pull request.

use std::fmt::Write as _;

use annotations::{CheckReport, FindingState, Issue};

use registry_core::inert;

use super::{Header, plain, table};

/// GitHub shows so many errors and so many warnings of one step; the rest would vanish without a word.
const SHOWN: usize = 10;

struct Remark<'a> {
    file: &'a str,
    row: u32,
    column: u32,
    end_row: u32,
    title: String,
    message: String,
}

/// Workflow commands for what GitHub shows, one with a count of the rest, and the table for the step's log.
#[must_use]
pub fn render(header: &Header<'_>, report: &CheckReport) -> String {
    let mut text = String::new();
    let mut errors: Vec<_> = report
        .findings
        .iter()
        .filter(|one| one.state == FindingState::Unannotated)
        .map(|one| Remark {
            file: &one.finding.file,
            row: one.finding.start.row,
            column: one.finding.start.column,
            end_row: one.finding.last_row(),
            title: one.finding.code.clone(),
            message: format!("{} (nothing answers for this finding)", one.finding.message),
        })
        .collect();
    errors.extend(report.quality_issues.iter().map(|issue| of(issue, "annotation to mend")));
    let mut warnings: Vec<_> = report
        .stale
        .iter()
        .map(|by| (by, "stale annotation", "its finding is gone; `t4 prune` takes it out".to_owned()))
        .chain(report.expired.iter().map(|one| (&one.by, "expired", format!("`{}` has passed", one.date))))
        .map(|(by, title, message)| Remark {
            file: &by.file,
            row: by.row,
            column: 0,
            end_row: by.row,
            title: title.to_owned(),
            message,
        })
        .collect();
    warnings.extend(report.duplicates.iter().map(|issue| of(issue, "id used twice")));
    warnings.extend(report.warnings.iter().map(|issue| of(issue, "warning")));
    list(&mut text, "error", &errors);
    list(&mut text, "warning", &warnings);
    // What follows is text from sources: no line of it may be taken for a command.
    text.push_str(&inert(&table::render(header, report)));
    text
}

fn of<'a>(issue: &'a Issue, title: &str) -> Remark<'a> {
    Remark {
        file: &issue.file,
        row: issue.row,
        column: 0,
        end_row: issue.row,
        title: title.to_owned(),
        message: issue.problems.join("; "),
    }
}

fn list(text: &mut String, level: &str, remarks: &[Remark<'_>]) {
    // The last place goes to the count of those that do not fit.
    let shown = if remarks.len() > SHOWN { SHOWN - 1 } else { remarks.len() };
    for remark in remarks.iter().take(shown) {
        let _ = write!(text, "::{level} file={}", property(remark.file));
        if remark.row > 0 {
            let _ = write!(text, ",line={},endLine={}", remark.row, remark.end_row);
        }
        if remark.column > 0 && remark.end_row == remark.row {
            let _ = write!(text, ",col={}", remark.column);
        }
        let _ = writeln!(text, ",title={}::{}", property(&remark.title), message(&remark.message));
    }
    if remarks.len() > shown {
        let files: std::collections::BTreeSet<_> =
            remarks.iter().skip(shown).map(|remark| remark.file).collect();
        let _ = writeln!(
            text,
            "::{level} title=t4 check::{} more in {} files, listed in the log of this step",
            remarks.len() - shown,
            files.len(),
        );
    }
}

/// The data of a command: `%`, CR and LF are escaped, as GitHub's runner reads them back. Other runners find theirs in
/// the middle of a line.
fn message(text: &str) -> String {
    inert(&plain(text)).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command: `:` and `,` as well.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
