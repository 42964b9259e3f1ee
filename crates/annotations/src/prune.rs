//! Removal of stale annotations from a source.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::comments::Comment;
use crate::edit::Edit;
use crate::grammar::{AnnotationKind, Located, scan};
use crate::language::Language;
use crate::migrate::directive;
use crate::tag::{SUBSTITUTE, SourceRows};

/// Edits that take the annotations of these rows out (unified and legacy ones, whatever the check calls stale), and
/// nothing else: the comment goes when nothing else is said in it, the line when nothing else stands on it. U+001A in
/// the source stands for a byte that is not UTF-8: a comment with one is left alone.
#[must_use]
pub fn prune(source: &str, language: Language, rows: &[u32]) -> Vec<Edit> {
    if rows.is_empty() {
        return Vec::new();
    }
    let rows: BTreeSet<u32> = rows.iter().copied().collect();
    let lines = SourceRows::of(source);
    let located: Vec<Located> =
        scan(source, language).into_iter().filter(|one| rows.contains(&one.row)).collect();
    let mut edits: Vec<Edit> = Vec::new();
    for group in located.chunk_by(|one, other| one.comment.whole == other.comment.whole) {
        let Some(comment) = group.first().map(|one| &one.comment) else { continue };
        let Some(text) = source.get(comment.whole.clone()).filter(|text| !text.contains(SUBSTITUTE)) else {
            continue;
        };
        let marker = text.get(..comment.body.start - comment.whole.start).unwrap_or_default();
        let spans: Vec<_> = group.iter().filter_map(|one| span(source, one, marker)).collect();
        if !spans.is_empty() && says_nothing_else(source, comment, &spans) {
            edits.push(comment_out(source, language, &lines, comment.whole.clone()));
        } else {
            edits.extend(spans.into_iter().filter_map(|span| without(source, &lines, comment, marker, span)));
        }
    }
    edits
}

/// Whether nothing but markers and blanks stands in a comment beside these annotations.
fn says_nothing_else(source: &str, comment: &Comment, spans: &[Range<usize>]) -> bool {
    let mut from = comment.body.start;
    let ends = spans.iter().map(|span| (span.start, span.end)).chain([(comment.body.end, comment.body.end)]);
    for (start, end) in ends {
        let between = source.get(from..start).unwrap_or_default();
        if !between.chars().all(|c| c.is_whitespace() || matches!(c, '#' | '/' | '*' | '-' | '!')) {
            return false;
        }
        from = end;
    }
    true
}

/// The edit that takes one annotation out of a comment that says more: with the blanks and the marker before it, or,
/// where it comes first, with those after it.
fn without(
    source: &str,
    rows: &SourceRows,
    comment: &Comment,
    marker: &str,
    span: Range<usize>,
) -> Option<Edit> {
    let row = rows.text(rows.at(span.start))?;
    let before = source.get(comment.body.start.max(row.start)..span.start)?;
    let after = source.get(span.end..comment.body.end.min(row.end).max(span.end))?;
    let bare =
        |text: &str| text.chars().all(|c| c.is_whitespace() || matches!(c, '#' | '/' | '*' | '-' | '!'));
    if bare(before) {
        let rest = after.trim_start();
        let rest = rest.strip_prefix(marker).unwrap_or(rest).trim_start();
        let rest = if rest.is_empty() { 0 } else { rest.len() };
        let end = if comment.body.start < row.start && rest == 0 {
            span.end
        } else {
            span.end + after.len() - rest
        };
        return Some(Edit { range: span.start..end, text: String::new() });
    }
    let said = before.trim_end();
    let own = [marker, "#"]
        .iter()
        .find_map(|marker| said.strip_suffix(*marker).filter(|rest| rest.ends_with(char::is_whitespace)));
    let kept = own.unwrap_or(said).trim_end();
    let start = span.start - (before.len() - kept.len());
    let last = after.trim().is_empty() && comment.body.end == comment.whole.end;
    let end = if last { span.end + after.len() } else { span.end };
    Some(Edit { range: start..end, text: String::new() })
}

/// The bytes of an annotation; a legacy one ends before a tool's directive (`# noqa`).
fn span(source: &str, one: &Located, marker: &str) -> Option<Range<usize>> {
    let text = source.get(one.span.clone())?;
    let length = match one.kind {
        AnnotationKind::Unified(_) => text.len(),
        AnnotationKind::UnusedImport(_) | AnnotationKind::LintIssue(_) | AnnotationKind::KeyValue(_) => {
            directive(text, marker)
                .and_then(|end| text.get(..end))
                .map_or(text.len(), |said| said.trim_end().len())
        }
        AnnotationKind::Malformed(_) => return None,
    };
    Some(one.span.start..one.span.start + length)
}

/// A whole comment out: with the blanks before it, or with its line when nothing else stands there.
fn comment_out(source: &str, language: Language, rows: &SourceRows, comment: Range<usize>) -> Edit {
    let blanks = [' ', '\t', '\u{c}'];
    let (first, last) = (rows.at(comment.start), rows.at(comment.end));
    let line = rows.text(first).zip(rows.text(last)).map(|(start, end)| start.start..end.end);
    let line = line.unwrap_or(comment.clone());
    let before = source.get(line.start..comment.start).unwrap_or_default();
    let after = source.get(comment.end..line.end).unwrap_or_default();
    let bare = before.trim_start_matches('\u{feff}').trim_matches(blanks).is_empty();
    if bare && after.trim_matches(blanks).is_empty() {
        let start = line.start + if before.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        // Python reads the encoding from the first two rows: no other row may move up there.
        let stays = language == Language::Python && first <= 2;
        let end = if stays { line.end } else { rows.whole(last).map_or(line.end, |whole| whole.end) };
        return Edit { range: start..end, text: String::new() };
    }
    let start = comment.start - (before.len() - before.trim_end_matches(blanks).len());
    let start = if bare { comment.start } else { start };
    if after.trim_matches(blanks).is_empty() {
        return Edit { range: start..line.end, text: String::new() };
    }
    // Between two words one blank must stay.
    let joins = !after.starts_with(char::is_whitespace);
    Edit { range: start..comment.end, text: if joins { " ".to_owned() } else { String::new() } }
}

#[cfg(test)]
mod tests;
