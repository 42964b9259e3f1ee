//! Tag of a unified annotation as it is written into a comment, and the rows of a source.

use std::fmt::Write as _;
use std::ops::Range;

use crate::language::Language;
use crate::pyjson::{self, JsonObject, Value};

/// What stands before the payload.
pub(crate) const TAG: &str = "TODO[T4-ISSUE]: ";

/// Stands in a decoded source for a byte that is not UTF-8, so that places in the text are places in the bytes. A
/// comment that holds one is left alone.
pub(crate) const SUBSTITUTE: char = '\u{1a}';

/// The marker of a language's line comments and what ends them: `("/*", "*/")` where there are none.
pub(crate) fn marker(language: Language) -> (&'static str, &'static str) {
    language.line_marker().map_or(("/*", "*/"), |marker| (marker, ""))
}

/// An annotation as it may stand in a comment that ends with `closer` (nothing for the end of the line). `None` when
/// it would end the comment.
pub(crate) fn render(fields: &JsonObject, closer: &str, ascii: bool) -> Option<String> {
    let json = pyjson::dumps(&Value::Object(fields.clone()));
    let mut text = String::with_capacity(TAG.len() + json.len());
    text.push_str(TAG);
    let mut before = '\0';
    let mut rest = json.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            // `/` has an escape in JSON: with it, a payload neither ends a block comment nor opens one inside.
            '/' if !closer.is_empty() && (before == '*' || rest.peek() == Some(&'*')) => text.push_str("\\/"),
            // Python would take `coding:` in its first rows for the file's encoding.
            'g' if matches!(rest.peek(), Some(':' | '=')) && text.ends_with("codin") => {
                text.push_str("\\u0067");
            }
            // Some readers end a line at these.
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => escape(c, &mut text),
            c if ascii && !c.is_ascii() => escape(c, &mut text),
            c => text.push(c),
        }
        before = c;
    }
    (closer.is_empty() || !text.contains(closer)).then_some(text)
}

fn escape(c: char, text: &mut String) {
    let mut units = [0; 2];
    for unit in c.encode_utf16(&mut units) {
        // Writing to a text can't fail.
        let _ = write!(text, "\\u{unit:04x}");
    }
}

/// Whether other characters than ASCII must be escaped in what is written: the source is in another encoding than
/// UTF-8, as it says in its first two rows (PEP 263) or as its bytes show.
pub(crate) fn needs_ascii(source: &str, language: Language) -> bool {
    source.contains(SUBSTITUTE)
        || (language == Language::Python
            && cookie(source).is_some_and(|name| {
                !matches!(
                    name.to_ascii_lowercase().replace('_', "-").as_str(),
                    "utf-8" | "utf8" | "utf-8-sig"
                )
            }))
}

/// The encoding that a Python source declares.
pub(crate) fn cookie(source: &str) -> Option<&str> {
    let rows = SourceRows::of(source);
    for row in 1..=2 {
        let text = source.get(rows.text(row)?)?.trim_start_matches(['\u{feff}', ' ', '\t', '\u{c}']);
        if let Some(comment) = text.strip_prefix('#') {
            let found = comment.match_indices("coding").find_map(|(at, word)| {
                let name = comment.get(at + word.len()..)?.strip_prefix([':', '='])?;
                let name = name.trim_start_matches([' ', '\t']);
                let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')));
                name.get(..end.unwrap_or(name.len())).filter(|name| !name.is_empty())
            });
            if found.is_some() {
                return found;
            }
        } else if !text.is_empty() {
            return None;
        }
    }
    None
}

/// The rows of a source: they end at LF, CR LF or CR.
#[derive(Debug)]
pub(crate) struct SourceRows {
    /// Where each row begins, its text ends, and its line end ends.
    rows: Vec<(usize, usize, usize)>,
}

impl SourceRows {
    pub(crate) fn of(source: &str) -> Self {
        let bytes = source.as_bytes();
        let mut rows = Vec::new();
        let mut start = 0;
        for end in memchr::memchr2_iter(b'\n', b'\r', bytes) {
            if end < start {
                continue; // The LF of a CR LF.
            }
            let crlf = bytes.get(end..end + 2) == Some(b"\r\n");
            let next = end + if crlf { 2 } else { 1 };
            rows.push((start, end, next));
            start = next;
        }
        rows.push((start, bytes.len(), bytes.len()));
        Self { rows }
    }

    fn row(&self, row: u32) -> Option<(usize, usize, usize)> {
        self.rows.get(usize::try_from(row).ok()?.checked_sub(1)?).copied()
    }

    /// A row without its line end.
    pub(crate) fn text(&self, row: u32) -> Option<Range<usize>> {
        self.row(row).map(|(start, end, _)| start..end)
    }

    /// A row with its line end.
    pub(crate) fn whole(&self, row: u32) -> Option<Range<usize>> {
        self.row(row).map(|(start, _, next)| start..next)
    }

    /// The line end of a row; of the last row, that of the one before; LF in a source of one row.
    pub(crate) fn line_end<'a>(&self, source: &'a str, row: u32) -> &'a str {
        let end = |row| {
            self.row(row).and_then(|(_, end, next)| source.get(end..next)).filter(|end| !end.is_empty())
        };
        end(row).or_else(|| end(row.saturating_sub(1))).unwrap_or("\n")
    }

    /// The row that a place is in.
    pub(crate) fn at(&self, place: usize) -> u32 {
        u32::try_from(self.rows.partition_point(|(start, _, _)| *start <= place)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_end_at_every_kind_of_line_end() {
        let source = "a\nb\r\nc\rd\n";
        let rows = SourceRows::of(source);
        let text = |row| rows.text(row).and_then(|range| source.get(range));
        assert_eq!(
            [text(1), text(2), text(3), text(4), text(5), text(6)],
            [Some("a"), Some("b"), Some("c"), Some("d"), Some(""), None]
        );
        assert_eq!([rows.at(0), rows.at(1), rows.at(2), rows.at(5), rows.at(9)], [1, 1, 2, 3, 5]);
        assert_eq!(rows.line_end(source, 2), "\r\n");
        assert_eq!(rows.line_end(source, 5), "\n");
    }

    #[test]
    fn a_payload_never_ends_its_comment_or_declares_an_encoding() {
        let fields = vec![("r".to_owned(), Value::Text("a */ /* b coding: x é\u{2028}😀".to_owned()))];
        let block = render(&fields, "*/", false).unwrap();
        assert_eq!(block, "TODO[T4-ISSUE]: {\"r\":\"a *\\/ \\/* b codin\\u0067: x é\\u2028😀\"}");
        assert!(render(&fields, "", true).unwrap().ends_with("\\u0067: x \\u00e9\\u2028\\ud83d\\ude00\"}"));
        assert_eq!(render(&fields, "\"", false), None);
    }

    #[test]
    fn the_declared_encoding_is_found_where_python_looks() {
        assert_eq!(cookie("#!/bin/x\n# -*- coding: latin-1 -*-\n"), Some("latin-1"));
        assert_eq!(cookie("\u{feff}# vim: fileencoding=utf8\n"), Some("utf8"));
        assert_eq!(cookie("x = 1\n# coding: latin-1\n"), None);
        assert_eq!(cookie("\n\n# coding: latin-1\n"), None);
        assert!(!needs_ascii("# coding: utf_8\n", Language::Python));
        assert!(needs_ascii("# coding: cp1252\n", Language::Python));
    }
}
