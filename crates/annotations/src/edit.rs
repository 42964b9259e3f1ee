//! Edits of a text, in bytes.

use std::ops::Range;

/// One change: these bytes become that text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Which bytes go.
    pub range: Range<usize>,
    /// What stands there afterwards.
    pub text: String,
}

impl Edit {
    /// The text after the edits, which are sorted and do not overlap; all other bytes stay as they are. `None` when
    /// they do overlap, or cut a character in half.
    #[must_use]
    pub fn apply(source: &str, edits: &[Self]) -> Option<String> {
        let mut changed = String::with_capacity(source.len());
        let mut done = 0;
        for edit in edits {
            changed.push_str(source.get(done..edit.range.start)?);
            changed.push_str(&edit.text);
            done = edit.range.end.max(edit.range.start);
        }
        changed.push_str(source.get(done..)?);
        Some(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_bytes_change() {
        let edit = |range, text: &str| Edit { range, text: text.to_owned() };
        let edits = [edit(0..1, "x"), edit(2..2, "-"), edit(3..4, "")];
        assert_eq!(Edit::apply("abcdé", &edits).as_deref(), Some("xb-cé"));
        assert_eq!(Edit::apply("abcdé", &[edit(4..5, "")]), None);
        assert_eq!(Edit::apply("abc", &[edit(1..2, ""), edit(0..1, "")]), None);
    }
}
