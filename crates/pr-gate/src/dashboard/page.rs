//! Page of the dashboard, assembled.

use annotations::{CheckReport, CheckVerdict, Weights};
use maud::{Markup, html};
use registry_core::Timestamp;
use serde::Serialize;

use super::content_security_policy::policy;
use super::escaped_text::{self, EscapedText};
use super::eta::{self, Eta};
use super::history::HistoryEntry;
use super::{breakdown, charts, findings, lists, overview, plot};
use crate::Error;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// Interval in which a served page reloads itself when scripts are disabled.
const UNSCRIPTED_SECONDS: u32 = 60;

/// Content of a page.
#[derive(Debug)]
pub struct DashboardPage<'a> {
    /// Name of the project.
    pub project: &'a str,
    /// The linter and its version.
    pub tool: &'a str,
    /// Report of the check.
    pub report: &'a CheckReport,
    /// Earlier runs, sorted by time, with this run at the end.
    pub history: &'a [HistoryEntry],
    /// Weights of the codes.
    pub weights: &'a Weights,
    /// Number of findings that is the goal.
    pub goal: u64,
    /// Time of the check.
    pub generated_at: Timestamp,
    /// Seconds after which a page in a file reloads itself; `None` for never.
    pub reload: Option<u32>,
    /// Number of the page, when a server announces new ones.
    pub live: Option<u64>,
    /// Reason why the newest check failed, when this page shows an older one.
    pub failure: Option<&'a str>,
}

/// Data of the page's downloads.
#[derive(Serialize)]
struct PageData<'a> {
    generated_at: String,
    tool: &'a str,
    report: &'a CheckReport,
    history: &'a [HistoryEntry],
    eta: Option<&'a Eta>,
}

impl DashboardPage<'_> {
    /// Returns the page: one HTML document that loads nothing.
    ///
    /// # Errors
    /// When the report can't be written as JSON.
    pub fn html(&self) -> Result<String, Error> {
        let eta = eta::estimate(self.history, self.goal, self.generated_at);
        let data = PageData {
            generated_at: self.generated_at.to_string(),
            tool: self.tool,
            report: self.report,
            history: self.history,
            eta: eta.as_ref(),
        };
        let data = serde_json::to_string(&data).map_err(|error| Error::unreadable("the report", error))?;
        let page = html! {
            (escaped_text::own("<!doctype html>\n"))
            html lang="en" data-live=[self.live] {
                (self.head())
                body {
                    a class="skip" href="#main" { "Skip to the numbers" }
                    div id="page" {
                        (self.banner())
                        (self.header())
                        main id="main" tabindex="-1" { (self.main(eta.as_ref())) }
                        footer {
                            p {
                                "Written by " code { "t4 dashboard" }
                                ". History of 90 days. Times are in UTC."
                            }
                        }
                        script type="application/json" id="data" { (escaped_text::json(&data)) }
                    }
                    script { (escaped_text::own(SCRIPT)) }
                }
            }
            "\n"
        };
        Ok(page.into_string())
    }

    /// Returns the policy that a server sends with the page.
    #[must_use]
    pub fn policy(live: bool) -> String {
        format!("{}; frame-ancestors 'none'", policy(STYLE, SCRIPT, live))
    }

    fn head(&self) -> Markup {
        let refresh = |seconds: u32| html! { meta http-equiv="refresh" content=(seconds); };
        html! {
            head {
                meta charset="utf-8";
                // It consists of fixed words and hashes, and is kept unescaped for readers who search the file for
                // it.
                meta http-equiv="Content-Security-Policy" content=(policy(STYLE, SCRIPT, self.live.is_some()));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                meta name="generator" content="t4 dashboard";
                @match (self.live, self.reload) {
                    // The script learns of a new page; without scripts the page reloads itself.
                    (Some(_), _) => noscript { (refresh(UNSCRIPTED_SECONDS)) },
                    (None, Some(seconds)) => (refresh(seconds)),
                    (None, None) => {},
                }
                link rel="icon" href="data:,";
                title { "T4 dashboard: " (EscapedText(self.project)) }
                style { (escaped_text::own(STYLE)) }
            }
        }
    }

    fn banner(&self) -> Markup {
        html! {
            @match self.failure {
                None => div id="banner" role="alert" hidden {},
                Some(problem) => div id="banner" role="alert" {
                    strong { "The newest check failed; this is an older one." } " " (EscapedText(problem))
                },
            }
        }
    }

    fn header(&self) -> Markup {
        let (verdict, says) = match self.report.status {
            CheckVerdict::Pass => (EscapedText("pass"), EscapedText("Passes")),
            CheckVerdict::Fail => (EscapedText("fail"), EscapedText("Fails")),
        };
        html! {
            header {
                div {
                    h1 { (EscapedText(self.project)) }
                    p class="note" {
                        "T4 dashboard · "
                        time id="generated" datetime=(self.generated_at) {
                            (EscapedText(&plot::minute(self.generated_at))) " UTC"
                        }
                        span id="fresh" {}
                        @if !self.tool.is_empty() { " · " (EscapedText(self.tool)) }
                    }
                }
                p class={ "verdict " (verdict) } data-verdict=(verdict) { (says) }
                nav aria-label="Downloads" data-script {
                    button type="button" data-download="csv" { "Download CSV" }
                    button type="button" data-download="json" { "Download JSON" }
                }
            }
        }
    }

    fn main(&self, eta: Option<&Eta>) -> Markup {
        html! {
            (overview::cards(self.report, self.history, self.generated_at))
            div class="columns" {
                (overview::states(self.report))
                (overview::goal(eta, self.goal, self.report))
            }
            (charts::html(self.history, self.goal))
            (breakdown::html(self.report, self.weights))
            (findings::html(self.report))
            (lists::html(self.report))
        }
    }
}

#[cfg(test)]
mod tests;
