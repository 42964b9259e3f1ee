//! Rows of a source as Python splits them, and what the original checker reads in a row.

use std::ops::Range;

use crate::grammar::is_space;
use crate::pyjson::{JsonObject, Value, loads};

/// What answers for a finding.
#[derive(Debug)]
pub(super) enum RowAnswer {
    /// The source has no such row.
    OutOfRange,
    /// Nothing.
    None,
    /// A legacy annotation.
    Legacy,
    /// A unified annotation.
    Unified(JsonObject),
}

/// A source in rows.
pub(super) struct PythonRows {
    text: String,
    rows: Vec<Range<usize>>,
}

impl PythonRows {
    /// The rows of a source: decoded without the bytes that are no UTF-8, split as Python's `splitlines` does.
    pub fn new(bytes: &[u8]) -> Self {
        let text: String = bytes.utf8_chunks().map(|chunk| chunk.valid()).collect();
        let mut rows = Vec::new();
        let mut start = 0;
        let mut chars = text.char_indices().peekable();
        while let Some((at, char)) = chars.next() {
            let ends = matches!(
                char,
                '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
            );
            if ends {
                rows.push(start..at);
                if char == '\r' {
                    chars.next_if(|(_, next)| *next == '\n');
                }
                start = chars.peek().map_or(text.len(), |(next, _)| *next);
            }
        }
        if start < text.len() {
            rows.push(start..text.len());
        }
        Self { text, rows }
    }

    /// What answers for a finding on this row.
    pub fn answer(&self, row: u32) -> RowAnswer {
        let place = usize::try_from(row).ok().and_then(|row| row.checked_sub(1));
        let Some(range) = place.and_then(|place| self.rows.get(place)) else { return RowAnswer::OutOfRange };
        let row = self.text.get(range.clone()).unwrap_or_default();
        if let Some(Value::Object(fields)) = unified(row).and_then(|json| loads(json).ok())
            && !fields.is_empty()
        {
            return RowAnswer::Unified(fields);
        }
        let legacy = ["TODO[T4-UNUSED-IMPORT]", "TODO[T4-LINT-ISSUE]"];
        let has_legacy = legacy.iter().any(|tag| tags(row, tag).next().is_some());
        if has_legacy { RowAnswer::Legacy } else { RowAnswer::None }
    }
}

/// The texts behind each `#\s*TAG` of a row.
fn tags<'a>(row: &'a str, tag: &'a str) -> impl Iterator<Item = &'a str> {
    row.match_indices(tag).filter_map(move |(place, _)| {
        let (before, after) = row.split_at(place);
        before.trim_end_matches(is_space).ends_with('#').then(|| after.get(tag.len()..).unwrap_or_default())
    })
}

/// The JSON of a row: what `#\s*TODO\[T4-ISSUE\]\s*:\s*(\{.*\})\s*$` finds first.
fn unified(row: &str) -> Option<&str> {
    let row = row.trim_end_matches(is_space);
    if !row.ends_with('}') {
        return None;
    }
    tags(row, "TODO[T4-ISSUE]").find_map(|after| {
        let json = after.trim_start_matches(is_space).strip_prefix(':')?.trim_start_matches(is_space);
        json.starts_with('{').then_some(json)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `"...".splitlines()` of Python 3.11 has them.
    #[test]
    fn rows_are_those_of_python() {
        for (text, expected) in [
            ("", vec![]),
            ("a", vec!["a"]),
            ("a\n", vec!["a"]),
            ("\n\n", vec!["", ""]),
            ("a\r\nb\rc\n\rd", vec!["a", "b", "c", "", "d"]),
            (
                "a\u{b}b\u{c}c\u{1c}d\u{1d}e\u{1e}f\u{85}g\u{2028}h\u{2029}i",
                vec!["a", "b", "c", "d", "e", "f", "g", "h", "i"],
            ),
            ("a\u{1f}b\u{a0}", vec!["a\u{1f}b\u{a0}"]),
        ] {
            let rows = PythonRows::new(text.as_bytes());
            let found: Vec<_> = rows.rows.iter().map(|row| rows.text.get(row.clone()).unwrap()).collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_left_out() {
        let rows = PythonRows::new(b"a\xff\xe2\x82b\n\xf0\x9f\x98");
        assert_eq!(rows.text, "ab\n");
    }

    #[test]
    fn the_first_tag_that_json_may_follow_counts() {
        for (row, json) in [
            ("x # TODO[T4-ISSUE]: {1} \u{1f}", Some("{1}")),
            ("#\u{a0}TODO[T4-ISSUE]\t:{}", Some("{}")),
            ("# TODO[T4-ISSUE] # TODO[T4-ISSUE]: {2}", Some("{2}")),
            ("# TODO[T4-ISSUE]: {1} # TODO[T4-ISSUE]: {2}", Some("{1} # TODO[T4-ISSUE]: {2}")),
            ("'# TODO[T4-ISSUE]: {1}'", None),
            ("TODO[T4-ISSUE]: {1}", None),
            ("# x TODO[T4-ISSUE]: {1}", None),
            ("# TODO[T4-ISSUE]: 1}", None),
        ] {
            assert_eq!(unified(row), json, "{row}");
        }
    }
}
