//! The lists: all findings with the filter box, the oldest debt, what is stale, expired or to be mended.

use std::fmt::Write as _;

use annotations::{Annotated, AnsweredBy, CheckReport, FindingState, Issue};

use super::breakdown::shown;
use super::html;

/// So many findings are in the page's table; the JSON has all of them.
const MOST_FINDINGS: usize = 3000;
/// So many rows of another list are in the page.
const MOST_ROWS: usize = 300;
/// So many findings are the oldest debt.
const OLDEST: usize = 50;

/// The findings, those that nothing answers for first.
pub fn findings(report: &CheckReport) -> String {
    let mut findings: Vec<&Annotated> = report.findings.iter().collect();
    findings.sort_by_key(|finding| finding.state);
    let mut out = String::from(
        "<section class=\"panel\" id=\"findings\" aria-labelledby=\"all\"><h2 id=\"all\">Findings</h2>",
    );
    if findings.is_empty() {
        out.push_str(
            "<p class=\"empty\">No findings. The rules that are looked for found nothing.</p></section>",
        );
        return out;
    }
    out.push_str(
        "<div class=\"tools\" data-script><label for=\"filter\">Filter</label>\
         <input id=\"filter\" type=\"search\" autocomplete=\"off\" spellcheck=\"false\" \
         placeholder=\"file, code, owner, status, words\">\
         <label for=\"state\">State</label><select id=\"state\"><option value=\"\">All</option>",
    );
    for state in [
        FindingState::Unannotated,
        FindingState::Annotated,
        FindingState::Legacy,
        FindingState::Waived,
        FindingState::Registered,
    ] {
        let _ = write!(out, "<option>{}</option>", state.word());
    }
    out.push_str("</select><output id=\"shown\" for=\"filter state\" aria-live=\"polite\"></output></div>");
    out.push_str(
        "<div class=\"box tall\" role=\"region\" aria-labelledby=\"all\" tabindex=\"0\"><table id=\"findings-table\" class=\"rows\">\
         <thead><tr>",
    );
    for head in ["State", "Place", "Code", "Message", "Status", "Owner", "Ticket", "Last changed"] {
        let _ = write!(out, "<th scope=\"col\">{head}</th>");
    }
    out.push_str("</tr></thead><tbody>");
    for finding in findings.iter().take(MOST_FINDINGS) {
        row(&mut out, finding);
    }
    out.push_str("</tbody></table></div><p data-script><button type=\"button\" id=\"more\" hidden>Show all</button></p>");
    if findings.len() > MOST_FINDINGS {
        let _ = write!(
            out,
            "<p class=\"note\">The first {} of {}: the downloads have all of them.</p>",
            html::size(MOST_FINDINGS),
            html::size(findings.len())
        );
    }
    out.push_str("</section>");
    out
}

fn row(out: &mut String, annotated: &Annotated) {
    let (finding, none) = (&annotated.finding, AnsweredBy::default());
    let by = annotated.by.as_ref().unwrap_or(&none);
    let state = annotated.state.word();
    let code = html::text(&finding.code);
    // A linter's output may be a stranger's: only a web address becomes a link.
    let code = match finding.url.as_deref().filter(|url| url.starts_with("https://")) {
        Some(url) => format!("<a href=\"{}\" rel=\"noreferrer noopener\">{code}</a>", html::text(url)),
        None => code,
    };
    let _ = write!(
        out,
        "<tr data-state=\"{state}\"><td><span class=\"badge {state}\">{state}</span></td><td>{}</td>\
         <td>{code}</td><td class=\"words\">{}</td>{}{}{}<td class=\"day\">{}</td></tr>",
        place(&finding.file, finding.start.row),
        html::text(&finding.message),
        cell(by.status.as_deref()),
        cell(by.owner.as_deref()),
        cell(by.ticket.as_deref()),
        html::text(annotated.first_seen.as_deref().unwrap_or("–")),
    );
}

/// The other lists.
pub fn others(report: &CheckReport) -> String {
    let mut out = String::from("<section aria-labelledby=\"lists\"><h2 id=\"lists\">To be looked after</h2>");
    out.push_str(&oldest(report));
    let stale = report.stale.iter().map(|by| {
        vec![
            place(&by.file, by.row),
            said(by.code.as_deref()),
            said(by.status.as_deref()),
            said(by.owner.as_deref()),
            said(by.reason.as_deref()),
        ]
    });
    out.push_str(&list(
        "stale-list",
        "Stale annotations",
        "Their finding is gone: <code>t4 prune</code> takes them out.",
        &["Place", "Code", "Status", "Owner", "Reason"],
        stale.collect(),
        "No annotation outlives its finding.",
    ));
    let expired = report.expired.iter().map(|expired| {
        let by = &expired.by;
        let date =
            format!("{}{}", html::text(&expired.date), if expired.malformed { " (no date)" } else { "" });
        vec![
            date,
            place(&by.file, by.row),
            html::text(by.kind),
            said(by.code.as_deref()),
            said(by.owner.as_deref()),
            said(by.reason.as_deref()),
        ]
    });
    out.push_str(&list(
        "expired-list",
        "Expired",
        "Annotations and waivers whose day has passed, or is none.",
        &["Day", "Place", "Kind", "Code", "Owner", "Reason"],
        expired.collect(),
        "No day has passed.",
    ));
    let issues = [
        (
            "issues-list",
            "Annotations to be mended",
            &report.quality_issues,
            "Every annotation is fit to answer.",
        ),
        ("duplicates-list", "Ids that are used twice", &report.duplicates, "Every id is used once."),
        ("warnings-list", "Warnings", &report.warnings, "No warnings."),
    ];
    for (id, title, issues, empty) in issues {
        let rows = issues.iter().map(issue).collect();
        out.push_str(&list(id, title, "", &["Place", "Code", "Id", "What is wrong"], rows, empty));
    }
    out.push_str("</section>");
    out
}

fn oldest(report: &CheckReport) -> String {
    let mut aged: Vec<(&str, &Annotated)> = report
        .findings
        .iter()
        .filter_map(|finding| finding.first_seen.as_deref().map(|day| (day, finding)))
        .collect();
    aged.sort_by_key(|(day, _)| *day);
    let rows = aged.into_iter().take(OLDEST).map(|(day, annotated)| {
        let (finding, by) = (&annotated.finding, annotated.by.as_ref());
        vec![
            html::text(day),
            place(&finding.file, finding.start.row),
            html::text(&finding.code),
            annotated.state.word().to_owned(),
            said(by.and_then(|by| by.owner.as_deref())),
        ]
    });
    list(
        "oldest-list",
        "Oldest debt",
        "By the commit that last changed the row.",
        &["Last changed", "Place", "Code", "State", "Owner"],
        rows.collect(),
        "No ages are known: they come from git.",
    )
}

fn issue(issue: &Issue) -> Vec<String> {
    let problems: Vec<String> = issue.problems.iter().map(|problem| html::text(problem)).collect();
    vec![
        place(&issue.file, issue.row),
        said(issue.code.as_deref()),
        said(issue.id.as_deref()),
        problems.join("<br>"),
    ]
}

/// A list of rows whose cells are HTML.
fn list(id: &str, title: &str, note: &str, heads: &[&str], rows: Vec<Vec<String>>, empty: &str) -> String {
    let count = rows.len();
    let mut out = format!(
        "<section class=\"panel\" aria-labelledby=\"{id}\"><h3 id=\"{id}\">{title} <span class=\"count\">{}</span></h3>",
        html::size(count)
    );
    if rows.is_empty() {
        let _ = write!(out, "<p class=\"empty\">{empty}</p></section>");
        return out;
    }
    if !note.is_empty() {
        let _ = write!(out, "<p class=\"note\">{note}</p>");
    }
    let rows: Vec<Vec<String>> = rows.into_iter().take(MOST_ROWS).collect();
    let (first, hidden) = rows.split_at(shown(rows.len()));
    table(&mut out, title, heads, first);
    if !hidden.is_empty() {
        let _ = write!(out, "<details><summary>Show {} more</summary>", html::size(hidden.len()));
        table(&mut out, title, heads, hidden);
        out.push_str("</details>");
    }
    if count > MOST_ROWS {
        let _ = write!(
            out,
            "<p class=\"note\">The first {MOST_ROWS} of {}: the JSON has all.</p>",
            html::size(count)
        );
    }
    out.push_str("</section>");
    out
}

fn table(out: &mut String, title: &str, heads: &[&str], rows: &[Vec<String>]) {
    let _ = write!(
        out,
        "<div class=\"box\" role=\"region\" aria-label=\"{title}\" tabindex=\"0\"><table class=\"rows\"><thead><tr>"
    );
    for head in heads {
        let _ = write!(out, "<th scope=\"col\">{head}</th>");
    }
    out.push_str("</tr></thead><tbody>");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            let _ = write!(out, "<td>{cell}</td>");
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
}

/// `file:row`, which may break after a slash.
fn place(file: &str, row: u32) -> String {
    let file = html::text(file).replace('/', "/<wbr>");
    let row = if row == 0 { String::new() } else { format!(":{row}") };
    format!("<span class=\"place\">{file}{row}</span>")
}

fn said(text: Option<&str>) -> String {
    html::text(text.unwrap_or("–"))
}

fn cell(text: Option<&str>) -> String {
    format!("<td>{}</td>", said(text))
}
