//! Content of a legacy annotation.

use std::collections::HashMap;
use std::ops::Range;

use crate::grammar::{AnnotationKind, Located};
use crate::pyjson::{self, JsonObject, Value};
use crate::tag::SourceRows;

/// A legacy annotation, taken apart.
#[derive(Debug)]
pub(super) struct Legacy<'a> {
    /// Its bytes, and those of what the comment says after it on the row.
    pub(super) range: Range<usize>,
    /// What it is.
    pub(super) says: Says<'a>,
    /// What the comment says after it on the row.
    pub(super) after: &'a str,
}

/// What a legacy annotation is.
#[derive(Debug)]
pub(super) enum Says<'a> {
    /// `TODO[T4-UNUSED-IMPORT]: why`
    Reason(&'a str),
    /// `TODO[T4-UNUSED-IMPORT]: {json}`
    UnusedImport(JsonObject),
    /// `TODO[T4-LINT-ISSUE]: {json}`
    LintIssue(JsonObject),
    /// A payload that is no JSON object, under the tag of this name.
    Malformed(&'static str, &'a str),
    /// `T4: key=value | key=value`
    KeyValue(JsonObject),
}

impl<'a> Legacy<'a> {
    /// Takes a legacy annotation apart; `None` for another one.
    pub(super) fn of(one: &Located, source: &'a str, rows: &SourceRows) -> Option<Self> {
        let start = one.span.start;
        let row_end = rows.text(rows.at(start))?.end.min(one.comment.body.end);
        let text = source.get(start..row_end)?.trim_end();
        let range = start..start + text.len();
        let marker = source.get(one.comment.whole.start..one.comment.body.start)?;
        let (payload, name) = match &one.kind {
            AnnotationKind::UnusedImport(_) => (text.split_once(']')?.1, "T4-UNUSED-IMPORT"),
            AnnotationKind::LintIssue(_) => (text.split_once(']')?.1, "T4-LINT-ISSUE"),
            AnnotationKind::KeyValue(_) => (text.strip_prefix("T4")?, "T4"),
            AnnotationKind::Unified(_) | AnnotationKind::Malformed(_) => return None,
        };
        let payload = payload.trim_start();
        let payload = payload.strip_prefix(':').unwrap_or(payload).trim_start();
        let unused = name == "T4-UNUSED-IMPORT";
        if name != "T4"
            && payload.starts_with('{')
            && let Ok((Value::Object(object), end)) = pyjson::prefix(payload)
        {
            let after = payload.get(end..)?.trim_start();
            let says = if unused { Says::UnusedImport(object) } else { Says::LintIssue(object) };
            return Some(Self { range, says, after });
        }
        let (said, after) = payload.split_at_checked(directive(payload, marker).unwrap_or(payload.len()))?;
        let said = said.trim_end();
        let says = match name {
            "T4" => Says::KeyValue(pairs(said)),
            _ if unused && !said.starts_with('{') => Says::Reason(said),
            name => Says::Malformed(name, said),
        };
        Some(Self { range, says, after })
    }
}

/// `key=value | key=value`; a part without `=` belongs to the value before it.
fn pairs(text: &str) -> JsonObject {
    let mut fields = JsonObject::new();
    let mut places = HashMap::new();
    for part in text.split('|') {
        match part.split_once('=') {
            Some((key, value)) if is_key(key.trim()) => {
                let place = *places.entry(key.trim()).or_insert(fields.len());
                match fields.get_mut(place) {
                    Some((_, old)) => *old = Value::text(value.trim()),
                    None => fields.push((key.trim().to_owned(), Value::text(value.trim()))),
                }
            }
            _ => {
                if let Some((_, Value::Text(value))) = fields.last_mut() {
                    value.push_str(" |");
                    value.push_str(part.trim_end());
                }
            }
        }
    }
    fields
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// How tools' directives in comments begin, in lower case.
const DIRECTIVES: [&str; 38] = [
    "noqa",
    "type:",
    "pylint:",
    "pragma",
    "nosec",
    "nosemgrep",
    "fmt:",
    "isort:",
    "ruff:",
    "pyright:",
    "mypy:",
    "flake8:",
    "yapf:",
    "black:",
    "pyre-",
    "pytype:",
    "noinspection",
    "bandit:",
    "todo[",
    "t4:",
    "eslint-",
    "@ts-",
    "nolint",
    "prettier-",
    "biome-",
    "clang-format",
    "clang-tidy",
    "swiftlint:",
    "istanbul ",
    "c8 ",
    "v8 ",
    "codeql[",
    "lgtm[",
    "shellcheck ",
    "yamllint ",
    "rubocop:",
    "hadolint ",
    "sqlfluff:",
];

/// Where a text goes over to a directive of a tool, with the marker before it (`kept for now  # noqa: F401`). A `#`
/// before anything else (`see #12`) is part of the text.
pub(crate) fn directive(text: &str, marker: &str) -> Option<usize> {
    if marker.is_empty() {
        return None;
    }
    let marks = text.match_indices(marker).map(|(at, _)| at);
    marks.into_iter().find(|at| {
        let Some((before, rest)) = text.split_at_checked(*at) else { return false };
        // Asked first: in a row of markers each would look through all that follow.
        if !before.is_empty() && !before.ends_with(char::is_whitespace) {
            return false;
        }
        let word = rest.trim_start_matches(marker).trim_start();
        let begins =
            |name: &&str| word.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        DIRECTIVES.iter().any(begins)
    })
}
