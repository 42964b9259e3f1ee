//! Positions in a source: rows and columns, line ends, indentation.

use std::ops::Range;

/// What Python skips at the start of a file.
pub(crate) const BOM: char = '\u{feff}';

/// The bytes where rows begin. Rows end at LF, CR LF or CR.
pub(crate) fn row_starts(source: &str) -> Vec<usize> {
    let bytes = source.as_bytes();
    let mut starts = vec![0];
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')) {
            starts.push(at + 1);
        }
    }
    starts
}

/// The byte of a row and a column (both from 1; the column in characters).
pub(crate) fn offset(source: &str, starts: &[usize], row: u32, column: u32) -> Option<usize> {
    let row = usize::try_from(row).ok()?.checked_sub(1)?;
    let column = usize::try_from(column).ok()?.checked_sub(1)?;
    let start = *starts.get(row)?;
    let end = starts.get(row + 1).copied().unwrap_or(source.len());
    let line = source.get(start..end)?;
    match line.char_indices().nth(column) {
        Some((byte, _)) => Some(start + byte),
        None if line.chars().count() == column => Some(end),
        None => None,
    }
}

/// The line end a source uses: that of its first row.
pub(crate) fn newline(source: &str) -> &'static str {
    match source.find(['\n', '\r']).and_then(|at| source.get(at..)) {
        Some(rest) if rest.starts_with("\r\n") => "\r\n",
        Some(rest) if rest.starts_with('\r') => "\r",
        _ => "\n",
    }
}

/// Where the physical line of a byte begins.
pub(crate) fn line_start(source: &str, at: usize) -> usize {
    source.get(..at).and_then(|before| before.rfind(['\n', '\r'])).map_or(0, |found| found + 1)
}

/// Where the physical line of a byte ends, before its line end.
pub(crate) fn line_end(source: &str, at: usize) -> usize {
    source.get(at..).and_then(|after| after.find(['\n', '\r'])).map_or(source.len(), |found| at + found)
}

/// Where the next physical line begins.
pub(crate) fn next_line(source: &str, at: usize) -> usize {
    let end = line_end(source, at);
    match source.get(end..) {
        Some(rest) if rest.starts_with("\r\n") => end + 2,
        Some("") | None => end,
        Some(_) => end + 1,
    }
}

/// The white space a physical line begins with.
pub(crate) fn indent(source: &str, at: usize) -> &str {
    let line = source.get(line_start(source, at)..line_end(source, at)).unwrap_or("");
    let text = line.trim_start_matches([' ', '\t', '\u{c}']);
    line.strip_suffix(text).unwrap_or("")
}

/// Whether nothing but white space is in these bytes, line ends included.
pub(crate) fn blank(source: &str, range: Range<usize>) -> bool {
    source
        .get(range)
        .is_some_and(|text| text.chars().all(|c| matches!(c, ' ' | '\t' | '\u{c}' | '\r' | '\n')))
}

/// Where the white space that follows on the same line ends.
pub(crate) fn skip_spaces(source: &str, at: usize) -> usize {
    let rest = source.get(at..).unwrap_or("");
    at + rest.len() - rest.trim_start_matches([' ', '\t', '\u{c}']).len()
}

/// Where the white space that stands before on the same line begins.
pub(crate) fn skip_spaces_back(source: &str, at: usize) -> usize {
    source.get(..at).map_or(at, |before| before.trim_end_matches([' ', '\t', '\u{c}']).len())
}
