//! The page, put together.

use std::fmt::Write as _;

use annotations::{CheckReport, CheckVerdict, Weights};
use registry_core::Timestamp;
use serde::Serialize;

use super::content_security_policy::policy;
use super::eta::{self, Eta};
use super::history::HistoryEntry;
use super::{breakdown, charts, html, lists, overview, plot};
use crate::Error;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// How often a served page reloads itself where scripts are off.
const UNSCRIPTED_SECONDS: u32 = 60;

/// What a page shows.
#[derive(Debug)]
pub struct DashboardPage<'a> {
    /// The project's name.
    pub project: &'a str,
    /// The linter and its version.
    pub tool: &'a str,
    /// What the check says.
    pub report: &'a CheckReport,
    /// What earlier runs found, sorted by time, this one at the end.
    pub history: &'a [HistoryEntry],
    /// The weights of the codes.
    pub weights: &'a Weights,
    /// How few findings are the goal.
    pub goal: u64,
    /// When the check ran.
    pub generated_at: Timestamp,
    /// After how many seconds a page that is a file reloads itself; `None` for never.
    pub reload: Option<u32>,
    /// The number of the page, when a server stands behind it that says when there is a new one.
    pub live: Option<u64>,
    /// Why the newest check failed, when this shows an older one.
    pub failure: Option<&'a str>,
}

/// What the page's downloads are made from.
#[derive(Serialize)]
struct PageData<'a> {
    generated_at: String,
    tool: &'a str,
    report: &'a CheckReport,
    history: &'a [HistoryEntry],
    eta: Option<&'a Eta>,
}

impl DashboardPage<'_> {
    /// The page: one HTML document that loads nothing.
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
        let mut out = self.head();
        out.push_str(&self.banner());
        out.push_str(&self.header());
        out.push_str("<main id=\"main\" tabindex=\"-1\">");
        out.push_str(&overview::cards(self.report, self.history, self.generated_at));
        out.push_str("<div class=\"columns\">");
        out.push_str(&overview::states(self.report));
        out.push_str(&overview::goal(eta.as_ref(), self.goal, self.report));
        out.push_str("</div>");
        out.push_str(&charts::html(self.history, self.goal));
        out.push_str(&breakdown::html(self.report, self.weights));
        out.push_str(&lists::findings(self.report));
        out.push_str(&lists::others(self.report));
        out.push_str("</main>");
        let _ = writeln!(
            out,
            "<footer><p>Written by <code>t4 dashboard</code>. History of 90 days. Times are in UTC.</p></footer>\
             <script type=\"application/json\" id=\"data\">{}</script></div><script>{SCRIPT}</script></body></html>",
            html::json(&data)
        );
        Ok(out)
    }

    /// The policy that a server sends with the page.
    #[must_use]
    pub fn policy(live: bool) -> String {
        format!("{}; frame-ancestors 'none'", policy(STYLE, SCRIPT, live))
    }

    fn head(&self) -> String {
        let refresh = |seconds: u32| format!("<meta http-equiv=\"refresh\" content=\"{seconds}\">");
        let (live, reload) = match (self.live, self.reload) {
            // The script hears of a new page; without it the page looks again by itself.
            (Some(version), _) => (
                format!(" data-live=\"{version}\""),
                format!("<noscript>{}</noscript>", refresh(UNSCRIPTED_SECONDS)),
            ),
            (None, Some(seconds)) => (String::new(), refresh(seconds)),
            (None, None) => (String::new(), String::new()),
        };
        format!(
            "<!doctype html>\n<html lang=\"en\"{}><head><meta charset=\"utf-8\">\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"light dark\"><meta name=\"referrer\" content=\"no-referrer\">\
             <meta name=\"generator\" content=\"t4 dashboard\">{reload}<link rel=\"icon\" href=\"data:,\">\
             <title>T4 dashboard: {}</title><style>{STYLE}</style></head><body>\
             <a class=\"skip\" href=\"#main\">Skip to the numbers</a><div id=\"page\">",
            live,
            policy(STYLE, SCRIPT, self.live.is_some()),
            html::text(self.project),
        )
    }

    fn banner(&self) -> String {
        match self.failure {
            None => "<div id=\"banner\" role=\"alert\" hidden></div>".to_owned(),
            Some(problem) => format!(
                "<div id=\"banner\" role=\"alert\"><strong>The newest check failed; this is an older one.</strong> {}</div>",
                html::text(problem)
            ),
        }
    }

    fn header(&self) -> String {
        let (verdict, says) = match self.report.status {
            CheckVerdict::Pass => ("pass", "Passes"),
            CheckVerdict::Fail => ("fail", "Fails"),
        };
        let tool = match self.tool {
            "" => String::new(),
            tool => format!(" · {}", html::text(tool)),
        };
        format!(
            "<header><div><h1>{}</h1><p class=\"note\">T4 dashboard · <time id=\"generated\" datetime=\"{}\">{} UTC</time>\
             <span id=\"fresh\"></span>{tool}</p></div><p class=\"verdict {verdict}\" data-verdict=\"{verdict}\">{says}</p>\
             <nav aria-label=\"Downloads\" data-script><button type=\"button\" data-download=\"csv\">Download CSV</button>\
             <button type=\"button\" data-download=\"json\">Download JSON</button></nav></header>",
            html::text(self.project),
            self.generated_at,
            plot::minute(self.generated_at),
        )
    }
}

#[cfg(test)]
mod tests;
