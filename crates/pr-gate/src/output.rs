//! Reports for people, machines and GitHub.

pub mod github;
pub mod json;
pub mod sarif;
pub mod table;

use annotations::AnsweredBy;
pub use registry_core::plain;
use serde::Serialize;

/// What a report is about, beside what it says.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Header<'a> {
    /// When, in RFC 3339.
    pub checked_at: &'a str,
    /// The linter and its version.
    pub tool: &'a str,
    /// What was checked, from the root.
    pub paths: &'a [String],
    /// The rules that were looked for; empty is all of the linter's.
    pub codes: &'a [String],
    /// The base whose findings do not count.
    pub since: Option<&'a str>,
}

/// What stands for a finding that is let pass, in one line: who and why.
fn answer(by: &AnsweredBy) -> String {
    let kind = if by.kind == "legacy" { "legacy annotation" } else { by.kind };
    let mut words = vec![kind.to_owned()];
    words.extend(by.id.clone());
    words.extend(by.status.clone());
    words.extend(by.owner.clone());
    words.extend(by.ticket.clone());
    let mut line = words.join(" ");
    if let Some(reason) = &by.reason {
        line.push_str(": ");
        line.push_str(reason);
    }
    line
}
