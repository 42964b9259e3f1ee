//! Names for findings that outlive moved lines and renamed files.
//!
//! A fingerprint is a hash of the rule, the functions and classes around the finding, the text that it is about, and
//! what the linter says of it. It holds neither the file's name nor a row. Findings of one file that are the same in
//! all of that are numbered.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use annotations::{Finding, Language};
use sha2::{Digest as _, Sha256};

/// How many rows of a finding's text count, and how many bytes of each: a finding may be as long as its file.
const ROWS: usize = 64;
const ROW_BYTES: usize = 1024;

/// How many blocks around a finding count.
const DEPTH: usize = 32;

/// The fingerprint of each finding. The findings are sorted by file and place; `sources` are their files.
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

/// What findings that are the same have in common, whatever their number.
pub fn identity(finding: &Finding, scopes: Option<&Scopes<'_>>) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update(text.as_bytes());
        // No text of a source holds this byte, so two texts can't be taken for one another.
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

/// The first bytes of a SHA-256, in hexadecimal digits.
pub(crate) fn hex_prefix(hash: Sha256, bytes: usize) -> String {
    let mut digits = hex::encode(hash.finalize());
    digits.truncate(bytes * 2);
    digits
}

/// The rows of a source, and the block that each one stands in.
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
            // Neither a row without text nor a comment opens a block, or ends one.
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

    /// The text of a row, from 1.
    pub fn row(&self, row: u32) -> Option<&'a str> {
        let n = usize::try_from(row).ok()?.checked_sub(1)?;
        self.rows.get(n).copied()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// A row (from 0) without annotations and `noqa` comments, and without the spaces at its end.
    pub fn bare(&self, row: usize) -> &'a str {
        without_remarks(self.rows.get(row).copied().unwrap_or_default()).trim_end()
    }

    /// The same with its spaces made one.
    pub fn plain(&self, row: usize) -> String {
        normal(self.bare(row))
    }

    /// For each row, what tells the block that it stands in from the other blocks.
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

    /// What names the block that a row (from 0) opens.
    fn header(&self, row: usize) -> Option<&'a str> {
        let text = without_remarks(self.rows.get(row).copied().unwrap_or_default()).trim();
        if self.python { header(text) } else { Some(text) }
    }

    /// The headers of the blocks around a row, from the inside: functions and classes of Python; elsewhere every line
    /// with less indentation.
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

    /// The text that a finding is about, without annotations and `noqa` comments, its spaces made one.
    fn text(&self, finding: &Finding, add: &mut impl FnMut(&str)) {
        let (start, last) = (finding.start, finding.last_row());
        for row in (start.row..=last).take(ROWS) {
            let Some(text) = self.row(row) else { break };
            let text = without_remarks(text);
            // A finding without a width is about its row.
            let whole = start == finding.end || start.column == 0;
            let to =
                if row == finding.end.row && !whole { column(text, finding.end.column) } else { text.len() };
            let from = if row == start.row && !whole { column(text, start.column) } else { 0 };
            add(&normal(text.get(from..to).unwrap_or_default()));
        }
    }
}

/// The rows of a source, as linters count them: they end at LF, CR LF or CR.
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

/// Where a column (in characters, from 1) begins, in bytes.
fn column(text: &str, column: u32) -> usize {
    let before = usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX);
    text.char_indices().nth(before).map_or(text.len(), |(at, _)| at)
}

/// The name of a function or class of Python, as its header says it, without what it takes.
fn header(text: &str) -> Option<&str> {
    let definition = ["def ", "class ", "async def "].iter().any(|word| text.starts_with(word));
    definition.then(|| text.split(['(', ':', '[']).next().unwrap_or(text))
}

/// A row without the comment that is an annotation or silences a linter.
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

/// A text with its spaces made one, and no longer than what counts.
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

/// A message without the rows and columns that it names.
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
