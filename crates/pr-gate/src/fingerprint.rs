//! Fingerprints: hashes that recognise findings after their lines have moved or their file was renamed.
//!
//! A fingerprint is a hash of the rule, the linter's message, the functions and classes around the finding, and its
//! text. The name of the file and the row are not part of it. Equal fingerprints in one file are numbered.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use annotations::{Finding, Language};
use sha2::{Digest as _, Sha256};

/// The maximum number of rows of a finding's text that are hashed, and of bytes of each row. A finding may be as long
/// as its file.
const ROWS: usize = 64;
const ROW_BYTES: usize = 1024;

/// The maximum number of enclosing blocks that are hashed.
const DEPTH: usize = 32;

/// Returns the fingerprint of each finding. The findings must be sorted by file and place; `sources` has the texts of
/// their files by name.
pub fn fingerprints(findings: &[Finding], sources: &BTreeMap<String, String>) -> Vec<String> {
    let mut all = Vec::with_capacity(findings.len());
    for of_file in findings.chunk_by(|a, b| a.file == b.file) {
        let Some(file) = of_file.first().map(|finding| &finding.file) else { continue };
        let scopes = sources.get(file).map(|source| Scopes::of(file, source));
        let mut seen: HashMap<String, usize> = HashMap::new();
        for finding in of_file {
            let mut name = identity(finding, scopes.as_ref());
            let count = seen.entry(name.clone()).or_default();
            *count += 1;
            if *count > 1 {
                let _ = write!(name, "-{count}");
            }
            all.push(name);
        }
    }
    all
}

/// Returns the fingerprint of a finding without a number. Equal findings have the same one.
pub fn identity(finding: &Finding, scopes: Option<&Scopes<'_>>) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update(text.as_bytes());
        // UTF-8 never contains this byte, so the end of each text is unambiguous.
        hash.update([0xff]);
    };
    add(&finding.code);
    add(&without_places(&finding.message));
    if let Some(scopes) = scopes {
        scopes.around(finding.start.row, &mut add);
        add("");
        scopes.text(finding, &mut add);
    }
    hex_prefix(hash, 16)
}

/// Returns the first bytes of a SHA-256, in hexadecimal digits.
pub(crate) fn hex_prefix(hash: Sha256, bytes: usize) -> String {
    let mut digits = hex::encode(hash.finalize());
    digits.truncate(bytes * 2);
    digits
}

/// The rows of a source, and the block that contains each row.
pub struct Scopes<'a> {
    rows: Vec<&'a str>,
    /// For each row, the nearest row above with less indentation.
    above: Vec<Option<usize>>,
    python: bool,
}

impl<'a> Scopes<'a> {
    pub fn of(file: &str, source: &'a str) -> Self {
        let rows: Vec<&str> = rows(source).collect();
        let mut above = Vec::with_capacity(rows.len());
        let mut open: Vec<(usize, usize)> = Vec::new();
        for (n, row) in rows.iter().enumerate() {
            let text = row.trim_start();
            let indent = row.len() - text.len();
            // A row without text and a row with only a comment neither open nor close a block.
            let counts = !text.is_empty() && !text.starts_with('#');
            while counts && open.last().is_some_and(|(_, of_open)| *of_open >= indent) {
                open.pop();
            }
            above.push(open.last().map(|(n, _)| *n));
            if counts {
                open.push((n, indent));
            }
        }
        Self { rows, above, python: Language::of_path(file) == Some(Language::Python) }
    }

    /// Returns the text of a row, counted from 1.
    pub fn row(&self, row: u32) -> Option<&'a str> {
        let n = usize::try_from(row).ok()?.checked_sub(1)?;
        self.rows.get(n).copied()
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns a row (counted from 0) without annotations, `noqa` comments and trailing spaces.
    pub fn bare(&self, row: usize) -> &'a str {
        without_remarks(self.rows.get(row).copied().unwrap_or_default()).trim_end()
    }

    /// Returns [`Self::bare`] with runs of spaces replaced by one space.
    pub fn plain(&self, row: usize) -> String {
        normal(self.bare(row))
    }

    /// Returns for each row a hash that identifies the block that contains it.
    pub fn blocks(&self) -> Vec<u64> {
        let mut blocks: Vec<u64> = Vec::with_capacity(self.rows.len());
        for above in &self.above {
            let block = above.map_or(0, |n| {
                let outer = blocks.get(n).copied().unwrap_or_default();
                let Some(header) = self.header(n) else { return outer };
                let mut hasher = DefaultHasher::new();
                (outer, normal(header)).hash(&mut hasher);
                hasher.finish()
            });
            blocks.push(block);
        }
        blocks
    }

    /// Returns the header of the block that a row (counted from 0) opens.
    fn header(&self, row: usize) -> Option<&'a str> {
        let text = without_remarks(self.rows.get(row).copied().unwrap_or_default()).trim();
        if self.python { header(text) } else { Some(text) }
    }

    /// Passes the headers of the blocks around a row to `add`, innermost first. In Python these are functions and
    /// classes; in other languages, every line with less indentation.
    fn around(&self, row: u32, add: &mut impl FnMut(&str)) {
        let mut at = usize::try_from(row).ok().and_then(|row| row.checked_sub(1));
        let mut depth = 0;
        while let Some(n) = at.and_then(|n| self.above.get(n).copied().flatten()) {
            at = Some(n);
            if let Some(header) = self.header(n) {
                add(&normal(header));
                depth += 1;
            }
            if depth == DEPTH {
                break;
            }
        }
    }

    /// Passes the rows of a finding's text to `add`, without annotations and `noqa` comments, and with runs of spaces
    /// replaced by one space.
    fn text(&self, finding: &Finding, add: &mut impl FnMut(&str)) {
        let (start, last) = (finding.start, finding.last_row());
        for row in (start.row..=last).take(ROWS) {
            let Some(text) = self.row(row) else { break };
            let text = without_remarks(text);
            // A finding of zero width covers its whole row.
            let whole = start == finding.end || start.column == 0;
            let to =
                if row == finding.end.row && !whole { column(text, finding.end.column) } else { text.len() };
            let from = if row == start.row && !whole { column(text, start.column) } else { 0 };
            add(&normal(text.get(from..to).unwrap_or_default()));
        }
    }
}

/// Splits a source into rows as linters count them: a row ends at LF, CR LF or CR.
pub fn rows(source: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(source);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = memchr::memchr2(b'\n', b'\r', text.as_bytes()) else {
            rest = None;
            return Some(text);
        };
        let (row, after) = text.split_at_checked(end)?;
        rest = after.strip_prefix("\r\n").or_else(|| after.get(1..));
        Some(row)
    })
}

/// Returns the byte offset of a column, which is counted in characters from 1.
fn column(text: &str, column: u32) -> usize {
    let before = usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX);
    text.char_indices().nth(before).map_or(text.len(), |(at, _)| at)
}

/// Returns the start of a Python function or class header, up to and including the name.
fn header(text: &str) -> Option<&str> {
    let definition = ["def ", "class ", "async def "].iter().any(|word| text.starts_with(word));
    definition.then(|| text.split(['(', ':', '[']).next().unwrap_or(text))
}

/// Removes the comment of a row if it is an annotation or a `noqa` comment.
fn without_remarks(row: &str) -> &str {
    for (at, _) in row.match_indices('#').chain(row.match_indices("//")) {
        let said = row.get(at..).unwrap_or_default().trim_start_matches(['#', '/']).trim_start();
        let lower = said.get(..4).map(str::to_ascii_lowercase);
        if said.starts_with("TODO[T4") || said.starts_with("T4:") || lower.as_deref() == Some("noqa") {
            return row.get(..at).unwrap_or(row);
        }
    }
    row
}

/// Replaces runs of spaces by one space, and cuts the text after the word that reaches the maximum length.
fn normal(text: &str) -> String {
    let mut normal = String::with_capacity(text.len().min(ROW_BYTES));
    for word in text.split_whitespace() {
        if normal.len() >= ROW_BYTES {
            break;
        }
        if !normal.is_empty() {
            normal.push(' ');
        }
        normal.push_str(word);
    }
    normal
}

/// Removes the numbers of rows and columns from a message.
fn without_places(message: &str) -> String {
    let mut words = Vec::new();
    let mut after_place = false;
    for word in message.split(' ') {
        let number = word.trim_end_matches([',', '.', ')', ':', ';']);
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        if !(after_place && is_number) {
            words.push(word);
        }
        let bare = word.trim_start_matches('(');
        after_place = ["line", "lines", "row", "rows", "column", "columns", "col", "Line"].contains(&bare);
    }
    words.join(" ")
}

#[cfg(test)]
mod tests;
