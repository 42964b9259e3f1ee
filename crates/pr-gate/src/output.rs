//! Reports for people, machines and GitHub.

pub mod github;
pub mod json;
pub mod sarif;
pub mod table;

use annotations::{AnsweredBy, FindingState};
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

/// The word for a state.
fn word(state: FindingState) -> &'static str {
    match state {
        FindingState::Unannotated => "unannotated",
        FindingState::Annotated => "annotated",
        FindingState::Legacy => "legacy",
        FindingState::Waived => "waived",
        FindingState::Registered => "registered",
    }
}

/// A text without what could steer a terminal or hide its neighbours: control characters and marks that turn the
/// direction of writing are shown by their escapes.
#[must_use]
pub fn plain(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_is_shown_raw() {
        assert_eq!(plain("a\nb\x1b[2J\u{202e}é 漢"), "a\\nb\\u{1b}[2J\\u{202e}é 漢");
    }
}
