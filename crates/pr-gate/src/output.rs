//! Reports for people, machines and GitHub.

pub mod github;
pub mod json;
pub mod sarif;
pub mod table;

use annotations::AnsweredBy;
pub use registry_core::plain;
use serde::Serialize;

/// How the check of a report was run.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Header<'a> {
    /// The time of the check, in RFC 3339.
    pub checked_at: &'a str,
    /// The linter and its version.
    pub tool: &'a str,
    /// The files and folders that were checked, relative to the root.
    pub paths: &'a [String],
    /// The rules that were checked; empty for all rules of the linter.
    pub codes: &'a [String],
    /// The base revision; its findings do not fail the check.
    pub since: Option<&'a str>,
}

/// Describes the answer for a finding in one line: its kind, id, status, owner, ticket and reason.
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
