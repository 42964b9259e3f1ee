//! Faults of an annotation.

use super::tree_annotations::{About, Note};
use crate::pyjson::{self, Value};

/// Statuses that an annotation may have. `documented` is an old word for `accepted`.
const STATUSES: [&str; 7] =
    ["reserved", "planned", "committed", "implemented", "expired", "accepted", "documented"];

/// Reasons that give none.
const GENERIC: [&str; 6] =
    ["kept for future", "kept for future use", "kept for future use.", "todo", "fix me", "fixme"];

/// Fields that hold a text, or nothing.
const TEXTS: [&str; 6] = ["id", "code", "status", "reason", "owner", "ticket"];

/// What is wrong with an annotation that answers for a finding of this code: the original's words in the original's
/// order, then what it never looked at.
pub fn issues(note: &Note<'_>, code: &str) -> Vec<String> {
    let mut issues: Vec<String> = Vec::new();
    for name in ["id", "code", "status"] {
        if !says(note, name) {
            issues.push(format!("missing {name} field"));
        }
    }
    issues.extend(reason(note.field("reason")));
    let status = note.field("status").and_then(Value::as_text);
    if let Some(status @ ("planned" | "committed")) = status {
        for name in ["owner", "ticket"] {
            if !says(note, name) {
                issues.push(format!("status='{status}' requires {name} field"));
            }
        }
    }
    if !is_about(note, code) {
        let said = written(note.field("code"));
        issues.push(format!("annotation code '{said}' != ruff code '{code}'"));
    }
    for name in TEXTS {
        if let Some(kind) = note.field(name).and_then(other_kind) {
            issues.push(format!("field '{name}' must be text, not {kind}"));
        }
    }
    if let Some(status) = status.filter(|status| !status.is_empty() && !STATUSES.contains(status)) {
        issues.push(format!(
            "unknown status '{status}' - use reserved, planned, committed, implemented, expired or accepted"
        ));
    }
    issues
}

/// Whether a field says something; the original took blanks for an owner.
fn says(note: &Note<'_>, name: &str) -> bool {
    note.has(name) && note.field(name).and_then(Value::as_text).is_none_or(|text| !is_empty(text))
}

/// Whether nobody can see anything in a text.
fn is_empty(text: &str) -> bool {
    let invisible = |c: char| {
        matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}' | '\u{3164}' | '\u{feff}')
    };
    text.chars().all(|c| is_python_blank(c) || c.is_control() || invisible(c))
}

/// Whether an annotation may answer for this code without an issue.
pub fn is_about(note: &Note<'_>, code: &str) -> bool {
    match &note.about {
        About::Code(about) => about == code,
        About::Unknown => true,
        About::Missing => false,
    }
}

fn reason(reason: Option<&Value>) -> Option<String> {
    let reason = match reason {
        None | Some(Value::Null) => "",
        Some(Value::Text(text)) => text.trim_matches(is_python_blank),
        // Told as a field of the wrong type.
        Some(_) => return None,
    };
    if is_empty(reason) {
        return Some("missing or empty reason".to_owned());
    }
    let lowered = reason.to_lowercase();
    GENERIC
        .contains(&lowered.as_str())
        .then(|| format!("generic reason: '{lowered}' - provide specific context"))
}

/// What Python's `strip` takes off.
fn is_python_blank(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

fn other_kind(value: &Value) -> Option<&'static str> {
    match value {
        Value::Null | Value::Text(_) => None,
        Value::Bool(_) => Some("a boolean"),
        Value::Number(_) => Some("a number"),
        Value::List(_) => Some("a list"),
        Value::Object(_) => Some("an object"),
    }
}

/// A value as Python's `str` writes it; lists and objects, on which the original crashed, as JSON.
fn written(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "None".to_owned(),
        Some(Value::Text(text)) => text.clone(),
        Some(Value::Bool(true)) => "True".to_owned(),
        Some(Value::Bool(false)) => "False".to_owned(),
        Some(other) => pyjson::dumps(other),
    }
}
