//! Comments of a source, by its language.

mod curly;
mod cursor;
mod dashes;
mod hashes;
mod javascript;
mod python;
mod rust;
mod shell;
mod yaml;

use std::ops::Range;

use crate::language::Language;

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// The row where it begins, from 1 (rows as in [`crate::Place`]).
    pub row: u32,
    /// All of it in bytes: from its marker to the end of the line (which is not part of it), or through `*/`.
    pub whole: Range<usize>,
    /// What it says: without the marker, and without `*/`.
    pub body: Range<usize>,
    /// Whether it ends with `*/`.
    pub block: bool,
}

/// The comments of a source, in order. Never what stands inside a string. A source that breaks off inside a string or
/// a block comment has no further comments.
#[must_use]
pub fn comments(source: &str, language: Language) -> Vec<Comment> {
    let bytes = source.as_bytes();
    let mut found = match language {
        Language::Python => python::scan(bytes),
        Language::Hash => hashes::scan(bytes, false),
        Language::Toml => hashes::scan(bytes, true),
        Language::Shell => shell::scan(bytes),
        Language::Yaml => yaml::scan(bytes),
        Language::Rust => rust::scan(bytes),
        Language::C => curly::scan(bytes, true),
        Language::Css => curly::scan(bytes, false),
        Language::JavaScript => javascript::scan(bytes),
        Language::Dash => dashes::sql(bytes),
        Language::Lua => dashes::lua(bytes),
        Language::Haskell => dashes::haskell(bytes),
    };
    number(bytes, &mut found);
    found
}

/// Gives each comment its row, in one pass over the source.
fn number(bytes: &[u8], found: &mut [Comment]) {
    let mut row = 1;
    let mut at = 0;
    for comment in found {
        row += line_ends(bytes, at..comment.whole.start);
        at = comment.whole.start;
        comment.row = row;
    }
}

/// How many rows end in these bytes. A CR LF that the end of the range cuts in half counts with its LF.
pub(crate) fn line_ends(bytes: &[u8], range: Range<usize>) -> u32 {
    let slice = bytes.get(range.clone()).unwrap_or_default();
    let ends = memchr::memchr2_iter(b'\n', b'\r', slice)
        .filter(|at| {
            let at = range.start + at;
            bytes.get(at) == Some(&b'\n') || bytes.get(at + 1) != Some(&b'\n')
        })
        .count();
    u32::try_from(ends).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
