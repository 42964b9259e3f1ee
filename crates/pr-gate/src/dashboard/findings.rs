//! Table of all findings, with its filters.

use annotations::{Annotated, AnsweredBy, CheckReport, FindingState};
use maud::{Markup, html};

use super::escaped_text::{self, EscapedText};
use super::lists::{heads, place, said};

/// Number of findings in the page's table; the JSON has all.
const MOST_FINDINGS: usize = 3000;
const HEADS: [&str; 8] = ["State", "Place", "Code", "Message", "Status", "Owner", "Ticket", "Last changed"];
/// States in the order of the filter.
const STATES: [FindingState; 5] = [
    FindingState::Unannotated,
    FindingState::Annotated,
    FindingState::Legacy,
    FindingState::Waived,
    FindingState::Registered,
];

/// Returns the table, unanswered findings first.
pub fn html(report: &CheckReport) -> Markup {
    let mut findings: Vec<&Annotated> = report.findings.iter().collect();
    findings.sort_by_key(|finding| finding.state);
    html! {
        section class="panel" id="findings" aria-labelledby="all" {
            h2 id="all" { "Findings" }
            @if findings.is_empty() {
                p class="empty" { "No findings. The rules that are looked for found nothing." }
            } @else {
                (tools())
                div class="box tall" role="region" aria-labelledby="all" tabindex="0" {
                    table id="findings-table" class="rows" {
                        (heads(&HEADS))
                        tbody { @for finding in findings.iter().take(MOST_FINDINGS) { (row(finding)) } }
                    }
                }
                p data-script { button type="button" id="more" hidden { "Show all" } }
                @if findings.len() > MOST_FINDINGS {
                    p class="note" {
                        "The first " (escaped_text::size(MOST_FINDINGS)) " of " (escaped_text::size(findings.len()))
                        ": the downloads have all of them."
                    }
                }
            }
        }
    }
}

/// Attributes that the script filters by.
fn tools() -> Markup {
    html! {
        div class="tools" data-script {
            label for="filter" { "Filter" }
            input id="filter" type="search" autocomplete="off" spellcheck="false"
                placeholder="file, code, owner, status, words";
            label for="state" { "State" }
            select id="state" {
                option value="" { "All" }
                @for state in STATES { option { (EscapedText(state.word())) } }
            }
            output id="shown" for="filter state" aria-live="polite" {}
        }
    }
}

fn row(annotated: &Annotated) -> Markup {
    let (finding, none) = (&annotated.finding, AnsweredBy::default());
    let by = annotated.by.as_ref().unwrap_or(&none);
    let (state, code) = (EscapedText(annotated.state.word()), EscapedText(&finding.code));
    // A linter's output may be untrusted: only a web address becomes a link.
    let url = finding.url.as_deref().filter(|url| url.starts_with("https://"));
    html! {
        tr data-state=(state) {
            td { span class={ "badge " (state) } { (state) } }
            td { (place(&finding.file, finding.start.row)) }
            td {
                @match url {
                    Some(url) => a href=(EscapedText(url)) rel="noreferrer noopener" { (code) },
                    None => (code),
                }
            }
            td class="words" { (EscapedText(&finding.message)) }
            td { (said(by.status.as_deref())) }
            td { (said(by.owner.as_deref())) }
            td { (said(by.ticket.as_deref())) }
            td class="day" { (said(annotated.first_seen.as_deref())) }
        }
    }
}
