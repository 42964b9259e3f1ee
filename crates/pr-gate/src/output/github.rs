//! The report as workflow commands, which GitHub shows next to the lines of a pull request.

use std::fmt::Write as _;

use annotations::{CheckReport, FindingState, Issue};

use registry_core::inert;

use super::{Header, plain, table};

/// The number of errors, and of warnings, that GitHub shows for one step. It drops further ones silently.
const SHOWN: usize = 10;

struct Remark<'a> {
    file: &'a str,
    row: u32,
    column: u32,
    end_row: u32,
    title: String,
    message: String,
}

/// Renders the workflow commands that GitHub shows, a command that counts the rest, and the table for the step's log.
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
            message: format!("{} (no annotation, waiver or intent answers for it)", one.finding.message),
        })
        .collect();
    errors.extend(report.quality_issues.iter().map(|issue| of(issue, "annotation to fix")));
    let mut warnings: Vec<_> = report
        .stale
        .iter()
        .map(|by| (by, "stale annotation", "its finding is gone; `t4 prune` removes it".to_owned()))
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
    // The table contains text from sources: no line of it may be read as a command.
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
    // When some do not fit, the last command is the count of the rest.
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

/// Escapes the message of a command: `%`, CR and LF, which GitHub's runner decodes. [`inert`] also breaks the commands
/// of other runners, which find them in the middle of a line.
fn message(text: &str) -> String {
    inert(&plain(text)).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a command: `:` and `,` as well.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
