//! Text of an annotation after its tag.

use super::{Annotation, AnnotationKind, is_space};
use crate::pyjson::{self, Value};

/// How a unified annotation is written.
const EXAMPLE: &str = "write `TODO[T4-ISSUE]: {\"id\": \"t4-1\", \"code\": \"F401\", \"reason\": \"...\", \"status\": \"...\"}`";

/// The keys of `T4: key=value`.
const KEYS: [&str; 9] =
    ["code", "ticket", "owner", "status", "reason", "estimate", "priority", "dependencies", "id"];

/// What all tags but `T4:` begin with.
const TODO: &str = "TODO[T4-";

/// Words after `#` that begin a comment of their own, which is no part of a legacy annotation's text.
const OTHER_COMMENTS: [&str; 11] =
    ["noqa", "type:", "pylint:", "pragma:", "fmt:", "isort:", "nosec", "mypy:", "pyright:", "ruff:", "T4:"];

/// What follows `TODO[T4-ISSUE]` in its row, and how many bytes belong to it.
pub(super) fn unified(rest: &str) -> (AnnotationKind, usize) {
    let malformed =
        |problem: String| (AnnotationKind::Malformed(format!("{problem}; {EXAMPLE}")), own_text(rest).len());
    let Some(json) = rest.trim_start_matches(is_space).strip_prefix(':') else {
        return malformed("the `:` after the tag is missing".to_owned());
    };
    let json = json.trim_start_matches(is_space);
    if json.is_empty() {
        return malformed("the JSON after the tag is missing".to_owned());
    }
    let start = rest.len() - json.len();
    match pyjson::prefix(json) {
        Err(error) => malformed(format!("this is no JSON: {error}")),
        Ok((Value::Object(fields), _)) if fields.is_empty() => malformed("the JSON is empty".to_owned()),
        Ok((Value::Object(fields), length)) => {
            let after = json.get(length..).unwrap_or_default().trim_start_matches(is_space);
            if after.is_empty() || ["#", "//", "--", "/*"].iter().any(|marker| after.starts_with(marker)) {
                (AnnotationKind::Unified(Annotation { fields }), start + length)
            } else {
                malformed("there is text after the JSON".to_owned())
            }
        }
        Ok(_) => malformed("the JSON is no object".to_owned()),
    }
}

/// What follows a legacy tag in its row, and how many bytes belong to it.
pub(super) fn legacy(rest: &str, kind: fn(String) -> AnnotationKind) -> (AnnotationKind, usize) {
    let text = rest.trim_start_matches(is_space);
    let text = text.strip_prefix(':').unwrap_or(text).trim_start_matches(is_space);
    let start = rest.len() - text.len();
    let own = match pyjson::prefix(text) {
        Ok((Value::Object(_), length)) => text.get(..length).unwrap_or(text),
        _ => own_text(text),
    };
    if own.is_empty() {
        let colon = rest.trim_end_matches(is_space);
        let length = if colon.trim_start_matches(is_space) == ":" { colon.len() } else { 0 };
        return (kind(String::new()), length);
    }
    (kind(own.to_owned()), start + own.len())
}

/// What follows `T4:` in its row, and how many bytes belong to it; `None` when that is no `key=value`.
pub(super) fn key_values(rest: &str) -> Option<(AnnotationKind, usize)> {
    let text = rest.trim_start_matches(is_space);
    let start = rest.len() - text.len();
    // A look at the start alone first: a row may hold this tag very often.
    KEYS.iter()
        .find(|key| text.strip_prefix(*key).is_some_and(|after| after.trim_start().starts_with('=')))?;
    let own = own_text(text);
    let mut pairs: Vec<(String, String)> = Vec::new();
    for part in own.split('|') {
        let pair = part.split_once('=').map(|(key, value)| (key.trim(), value.trim()));
        match (pair.filter(|(key, _)| KEYS.contains(key)), pairs.last_mut()) {
            (Some((key, value)), _) => pairs.push((key.to_owned(), value.to_owned())),
            // A `|` inside a value.
            (None, Some((_, value))) => value.extend([" | ", part.trim()]),
            (None, None) => return None,
        }
    }
    Some((AnnotationKind::KeyValue(pairs), start + own.len()))
}

/// A text up to where a comment of another kind begins.
fn own_text(text: &str) -> &str {
    let other = text.match_indices(['#', '/', '-']).find(|(place, _)| {
        let (before, after) = text.split_at(*place);
        let spaced = before.is_empty() || before.ends_with(is_space);
        let marker = ["#", "//", "--"].iter().find_map(|marker| after.strip_prefix(marker));
        marker.map(|after| after.trim_start_matches(is_space)).is_some_and(|word| {
            word.starts_with(TODO) || (spaced && OTHER_COMMENTS.iter().any(|other| word.starts_with(other)))
        })
    });
    let end = other.map_or(text.len(), |(place, _)| place);
    text.get(..end).unwrap_or(text).trim_end_matches(is_space)
}
