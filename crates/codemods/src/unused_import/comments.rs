//! Comments next to a removed import.

use std::ops::Range;

use crate::{SourceEdit, positions};

/// What speaks to a tool about the statement beside it: alone on a line it would mean something else, or nothing.
const PRAGMAS: [&str; 14] = [
    "TODO[T4-", "T4:", "noqa", "type:", "pylint:", "pyright:", "mypy:", "ruff:", "isort:", "flake8:",
    "pragma:", "nosec", "NOSONAR", "fmt:",
];

/// Whether a comment goes with the import it stands beside.
pub(super) fn belongs_to_import(comment: &str) -> bool {
    let said = comment.trim_start_matches('#').trim_start();
    PRAGMAS.iter().any(|pragma| said.starts_with(pragma))
}

/// Takes a name out that has a line for itself, inside of parentheses; none when it has not.
pub(super) fn line_out(source: &str, name: Range<usize>, statement: &Range<usize>) -> Option<SourceEdit> {
    let start = positions::line_start(source, name.start);
    let end = positions::line_end(source, name.end);
    if start <= statement.start || end >= statement.end || source.get(name.clone())?.contains(['\n', '\r']) {
        return None;
    }
    let comment = source.get(name.end..end)?.trim_matches([' ', '\t', '\u{c}']);
    if !positions::blank(source, start..name.start) || !(comment.is_empty() || comment.starts_with('#')) {
        return None;
    }
    if comment.is_empty() || belongs_to_import(comment) {
        return Some(SourceEdit {
            range: start..positions::next_line(source, name.end),
            text: String::new(),
        });
    }
    Some(SourceEdit { range: name.start..positions::skip_spaces(source, name.end), text: String::new() })
}

/// Takes all statements of a line out, or puts `stays` in their place. Comments that are about something else stay.
pub(super) fn statement_out(
    source: &str,
    range: Range<usize>,
    stays: Option<&str>,
    newline: &str,
) -> Option<SourceEdit> {
    let own_line = positions::blank(source, positions::line_start(source, range.start)..range.start);
    let end = positions::line_end(source, range.end);
    let trailing = source.get(range.end..end)?.trim_matches([' ', '\t', '\u{c}', ';']);
    let inner = source.get(range.clone())?;
    let indent = if own_line { positions::indent(source, range.start) } else { "" };
    let mut comments: Vec<&str> = Vec::new();
    for line in inner.split(['\n', '\r']) {
        // A name can't hold a `#`: what follows one is a comment.
        comments
            .extend(line.find('#').and_then(|at| line.get(at..)).map(|c| c.trim_end_matches([' ', '\t'])));
    }
    comments.retain(|comment| !belongs_to_import(comment));
    let trailing_stays = !trailing.is_empty() && !belongs_to_import(trailing);
    if let Some(word) = stays {
        if !comments.is_empty() {
            return None;
        }
        let end = if trailing_stays || trailing.is_empty() { range.end } else { end };
        return Some(SourceEdit { range: range.start..end, text: word.to_owned() });
    }
    if !own_line {
        return None;
    }
    if comments.is_empty() && !trailing_stays {
        let start = positions::line_start(source, range.start);
        return Some(SourceEdit {
            range: start..positions::next_line(source, range.end),
            text: String::new(),
        });
    }
    comments.extend(trailing_stays.then_some(trailing));
    Some(SourceEdit { range: range.start..end, text: comments.join(&format!("{newline}{indent}")) })
}
