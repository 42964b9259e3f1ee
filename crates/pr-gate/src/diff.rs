//! Unified diffs of one file: exact ones, which `git apply` accepts, and their printed form.

mod shown;

use std::fmt::Write as _;
use std::time::Duration;

use similar::{DiffOp, DiffTag, TextDiff};

pub use shown::shown;

/// The maximum time of the search for the shortest difference.
const ENOUGH: Duration = Duration::from_secs(2);

/// The number of unchanged lines around a change.
const CONTEXT: usize = 3;

/// Returns the exact unified diff of one file, or an empty string when nothing changed. `before` is `None` for a new
/// file.
///
/// The name has the prefix `a/` or `b/` and is quoted as git quotes it. The lines are not escaped: print the result of
/// [`shown()`] instead.
#[must_use]
pub fn unified(file: &str, before: Option<&str>, after: &str) -> String {
    if before == Some(after) {
        return String::new();
    }
    // Lines end at LF alone, as git counts them.
    let old: Vec<&str> = before.unwrap_or_default().split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    // The search is slow for very many similar lines. After the timeout the diff is correct, but not the shortest.
    let diff = TextDiff::configure().timeout(ENOUGH).diff_slices(&old, &new);
    let from = before.map_or_else(|| "/dev/null".to_owned(), |_| label("a/", file));
    let mut text = format!("--- {from}\n+++ {}\n", label("b/", file));
    for ops in diff.grouped_ops(CONTEXT) {
        hunk(&mut text, &ops, &old, &new);
    }
    text
}

fn hunk(text: &mut String, ops: &[DiffOp], old: &[&str], new: &[&str]) {
    let (Some(first), Some(last)) = (ops.first(), ops.last()) else { return };
    let from = place(first.old_range().start, last.old_range().end);
    let to = place(first.new_range().start, last.new_range().end);
    // Writing to a `String` does not fail.
    let _ = writeln!(text, "@@ -{from} +{to} @@");
    for op in ops {
        let (removed, added) = (old.get(op.old_range()), new.get(op.new_range()));
        if op.tag() == DiffTag::Equal {
            rows(text, ' ', removed);
        } else {
            rows(text, '-', removed);
            rows(text, '+', added);
        }
    }
}

fn rows(text: &mut String, mark: char, rows: Option<&[&str]>) {
    for row in rows.unwrap_or_default() {
        text.push(mark);
        text.push_str(row);
        if !row.ends_with('\n') {
            text.push_str("\n\\ No newline at end of file\n");
        }
    }
}

/// Formats the rows of a hunk from a range that counts from 0: the first row, counted from 1, and the number of rows
/// unless it is 1. An empty range has the row before it.
fn place(start: usize, end: usize) -> String {
    match end.saturating_sub(start) {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        count => format!("{},{count}", start + 1),
    }
}

/// Formats a name as git does in the header of a diff, with the default `core.quotePath`.
///
/// A name with a control character, a quote, a backslash or a byte beyond ASCII is quoted with the escapes of C. A name
/// with a space is followed by a tab, at which older tools end the name.
fn label(prefix: &str, name: &str) -> String {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    let mut label = format!("{prefix}{name}");
    if !name.bytes().all(is_plain) {
        label = quoted(label.as_bytes());
    }
    if label.contains(' ') {
        label.push('\t');
    }
    label
}

/// Quotes a text with the escapes of C.
fn quoted(text: &[u8]) -> String {
    let mut quoted = "\"".to_owned();
    for byte in text {
        let escape = match byte {
            0x07 => 'a',
            0x08 => 'b',
            b'\t' => 't',
            b'\n' => 'n',
            0x0b => 'v',
            0x0c => 'f',
            b'\r' => 'r',
            b'"' | b'\\' => char::from(*byte),
            b' '..=b'~' => {
                quoted.push(char::from(*byte));
                continue;
            }
            _ => {
                let _ = write!(quoted, "\\{byte:03o}");
                continue;
            }
        };
        quoted.push('\\');
        quoted.push(escape);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests;
