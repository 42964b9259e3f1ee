//! Grammars of annotations: the unified one and the legacy ones.

mod payload;

use std::ops::Range;

use crate::comments::{Comment, comments, line_ends};
use crate::language::Language;
use crate::pyjson::{self, JsonObject};

/// Something in a comment that one of the grammars knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Located {
    /// The row of the tag, from 1.
    pub row: u32,
    /// The comment around it.
    pub comment: Comment,
    /// The bytes of the annotation itself: from its tag (`TODO[`, or `T4:`) through its payload.
    pub span: Range<usize>,
    /// What it is.
    pub kind: AnnotationKind,
}

/// The grammars.
#[derive(Debug, Clone, PartialEq)]
pub enum AnnotationKind {
    /// `TODO[T4-ISSUE]: {json}`, and the JSON is an object that is not empty. Behind it the comment ends, or a further
    /// one begins (`# noqa`).
    Unified(Annotation),
    /// `TODO[T4-ISSUE]` with something else than such an object, or with text after it: what is wrong and how to write
    /// it.
    Malformed(String),
    /// `TODO[T4-UNUSED-IMPORT]`, with what follows the colon.
    UnusedImport(String),
    /// `TODO[T4-LINT-ISSUE]`, with what follows the colon.
    LintIssue(String),
    /// `T4: key=value | key=value`.
    KeyValue(Vec<(String, String)>),
}

/// The fields of a unified annotation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Annotation {
    /// All of them, in the order of the source; of a key that stands twice, the last value at the first place.
    pub fields: JsonObject,
}

impl Annotation {
    /// A field that is a text and not empty, without the spaces around it.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        let text = pyjson::get(&self.fields, name)?.as_text()?.trim();
        (!text.is_empty()).then_some(text)
    }
}

/// The tags, and what each begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    Unified,
    UnusedImport,
    LintIssue,
    KeyValue,
}

const TAGS: [(&str, Tag); 4] = [
    ("TODO[T4-ISSUE]", Tag::Unified),
    ("TODO[T4-UNUSED-IMPORT]", Tag::UnusedImport),
    ("TODO[T4-LINT-ISSUE]", Tag::LintIssue),
    ("T4:", Tag::KeyValue),
];

/// After so many texts that look like JSON and are none, the rest of a comment is not read: each may cost as much time
/// as the comment is long.
const MOST_FAILURES: usize = 100;

/// The annotations of a source, in order, of every grammar.
///
/// A tag counts at the start of a comment, of a row of a block comment, or behind a further comment's marker
/// (`# noqa # TODO[T4-ISSUE]: {...}`); in the middle of a sentence it is only mentioned.
#[must_use]
pub fn scan(source: &str, language: Language) -> Vec<Located> {
    if !may_be_annotated(source.as_bytes()) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for comment in comments(source, language) {
        in_comment(source, &comment, &mut found);
    }
    found
}

/// Adds the annotations of one comment.
fn in_comment(source: &str, comment: &Comment, found: &mut Vec<Located>) {
    let mut at = comment.body.start;
    let (mut row, mut counted) = (comment.row, comment.whole.start);
    let (mut line, mut failures) = (line_end(source, at, comment.body.end), 0);
    while let Some((start, tag, text)) = next_tag(source, at..comment.body.end, comment.body.start) {
        if text > line {
            line = line_end(source, text, comment.body.end);
        }
        let rest = source.get(text..line).unwrap_or_default();
        let (kind, length) = match tag {
            Tag::Unified => payload::unified(rest),
            Tag::UnusedImport => payload::legacy(rest, AnnotationKind::UnusedImport),
            Tag::LintIssue => payload::legacy(rest, AnnotationKind::LintIssue),
            Tag::KeyValue => {
                let Some(read) = payload::key_values(rest) else {
                    // A sentence about T4.
                    at = text;
                    continue;
                };
                read
            }
        };
        failures += usize::from(is_failure(&kind));
        row += line_ends(source.as_bytes(), counted..start);
        counted = start;
        at = text + length;
        found.push(Located { row, comment: comment.clone(), span: start..at, kind });
        if failures > MOST_FAILURES {
            return;
        }
    }
}

/// Whether JSON may have been read in vain.
fn is_failure(kind: &AnnotationKind) -> bool {
    match kind {
        AnnotationKind::Malformed(_) => true,
        AnnotationKind::UnusedImport(text) | AnnotationKind::LintIssue(text) => text.starts_with('{'),
        AnnotationKind::Unified(_) | AnnotationKind::KeyValue(_) => false,
    }
}

/// The next tag: where it begins, which it is, where the text after it begins.
fn next_tag(source: &str, range: Range<usize>, body: usize) -> Option<(usize, Tag, usize)> {
    let text = source.get(range.clone())?;
    for place in memchr::memmem::find_iter(text.as_bytes(), b"T4") {
        let place = range.start + place;
        // `T4` begins a tag, or stands behind `TODO[` in one.
        for start in [place.checked_sub(5), Some(place)].into_iter().flatten() {
            let Some(rest) = source.get(start..range.end) else { continue };
            let tag = TAGS.iter().find(|(tag, _)| rest.starts_with(tag));
            if let Some((word, tag)) = tag
                && start >= range.start
                && begins(source, body, start)
            {
                return Some((start, *tag, start + word.len()));
            }
        }
    }
    None
}

/// Whether nothing but spaces stands between this place and a marker, the start of the comment or that of its row.
fn begins(source: &str, body: usize, start: usize) -> bool {
    let before = source.get(body..start).unwrap_or_default();
    let marker = before.chars().rev().find(|char| !is_space(*char) || matches!(char, '\n' | '\r'));
    marker.is_none_or(|char| matches!(char, '#' | '/' | '*' | '-' | '!' | '\n' | '\r'))
}

fn line_end(source: &str, from: usize, end: usize) -> usize {
    let rest = source.get(from..end).unwrap_or_default();
    memchr::memchr2(b'\n', b'\r', rest.as_bytes()).map_or(end, |length| from + length)
}

/// Whether Python's `\s` takes this character.
pub(crate) fn is_space(char: char) -> bool {
    char.is_whitespace() || matches!(char, '\u{1c}'..='\u{1f}')
}

/// Whether a file's bytes may hold an annotation: a quick look that never says no wrongly.
#[must_use]
pub fn may_be_annotated(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, b"T4").is_some()
}

#[cfg(test)]
mod tests;
