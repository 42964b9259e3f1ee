//! Places in a source where a comment can be inserted.

use std::collections::{BTreeSet, HashMap};

use super::python_rows;
use crate::comments::{Comment, comments};
use crate::edit::Edit;
use crate::language::Language;
use crate::tag::{SUBSTITUTE, SourceRows, marker};

/// The rows at whose end a comment can begin.
#[derive(Debug)]
pub(super) struct Safe {
    rows: BTreeSet<u32>,
    /// Rows that begin with `#!`: nothing may be added to them, nor stand above.
    interpreter: bool,
    /// Rows whose text can't take one more comment, but whose end is not inside anything.
    full: BTreeSet<u32>,
}

impl Safe {
    /// Looks at these rows.
    pub(super) fn of(source: &str, language: Language, rows: &SourceRows, asked: BTreeSet<u32>) -> Self {
        let interpreter = source.trim_start_matches('\u{feff}').starts_with("#!");
        let found = comments(source, language);
        let open =
            if language == Language::Python { python_rows::open_rows(source) } else { BTreeSet::new() };
        let mut safe = Self { rows: BTreeSet::new(), interpreter, full: BTreeSet::new() };
        let ending: HashMap<usize, &Comment> = found.iter().map(|one| (one.whole.end, one)).collect();
        let mut probes = Vec::new();
        for row in asked {
            let Some(text) = rows.text(row) else { continue };
            let line = source.get(text.clone()).unwrap_or_default();
            if open.contains(&row) || line.contains(SUBSTITUTE) {
                continue;
            }
            let continued = line.ends_with('\\');
            let ending = ending.get(&text.end).copied();
            match ending {
                // C splices a line that ends with a backslash before it looks for comments.
                Some(_) if continued && language != Language::Python => {}
                Some(one) if !is_block(one) && is_doc(line, one, text.start, language) => {
                    safe.full.insert(row);
                }
                Some(one) if !is_block(one) => {
                    safe.rows.insert(row);
                }
                _ if continued => {}
                _ => probes.push((row, text.end)),
            }
        }
        safe.probe(source, language, &probes);
        safe
    }

    /// Puts an empty comment at the end of each row and looks which of them are comments: that of a row that ends
    /// inside a string is not.
    fn probe(&mut self, source: &str, language: Language, probes: &[(u32, usize)]) {
        let (open, close) = marker(language);
        let text = format!(" {open}{close}");
        let edits: Vec<Edit> =
            probes.iter().map(|(_, place)| Edit { range: *place..*place, text: text.clone() }).collect();
        let Some(changed) = Edit::apply(source, &edits) else { return };
        let begins: BTreeSet<usize> =
            comments(&changed, language).iter().map(|one| one.whole.start).collect();
        for (before, (row, place)) in probes.iter().enumerate() {
            if begins.contains(&(place + before * text.len() + 1)) {
                self.rows.insert(*row);
            }
        }
    }

    /// Whether a comment can stand at the end of a row.
    pub(super) fn trailing(&self, row: u32) -> bool {
        self.rows.contains(&row) && !(self.interpreter && row == 1)
    }

    /// Whether a comment can stand on a line of its own above a row.
    pub(super) fn above(&self, row: u32) -> bool {
        match row {
            0 => false,
            1 => !self.interpreter,
            _ => self.rows.contains(&(row - 1)) || self.full.contains(&(row - 1)),
        }
    }
}

fn is_block(comment: &Comment) -> bool {
    comment.body.end < comment.whole.end
}

/// Whether a comment is documentation that an annotation would end up in.
fn is_doc(line: &str, comment: &Comment, row_start: usize, language: Language) -> bool {
    let text = comment.whole.start.checked_sub(row_start).and_then(|at| line.get(at..)).unwrap_or_default();
    language == Language::Rust && (text.starts_with("///") || text.starts_with("//!"))
}
