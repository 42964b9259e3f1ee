//! Index of annotations by the findings that they may answer for.

use std::collections::HashMap;

use super::tree_annotations::{About, Grammar, Note};

/// The annotations of one file and one grammar.
#[derive(Default)]
pub struct Side {
    by_code: HashMap<String, AnnotationColumn>,
    unknown: AnnotationColumn,
    missing: AnnotationColumn,
    first_on_row: HashMap<u32, usize>,
}

/// Annotations about the same, by row.
#[derive(Default)]
struct AnnotationColumn {
    /// Row, and place in the list of all annotations.
    notes: Vec<(u32, usize)>,
    /// At `n`: how many findings more (or fewer) the `n`th could answer for than the one before.
    steps: Vec<i64>,
}

/// The rows where an annotation can answer for a finding.
#[derive(Debug, Clone, Copy)]
pub struct AnswerRows {
    /// The first comment row right above, or `start`.
    pub above: u32,
    /// Its first row.
    pub start: u32,
    /// Its last row.
    pub last: u32,
}

impl Side {
    /// Takes an annotation in; they come in the order of rows.
    pub fn push(&mut self, place: usize, note: &Note<'_>) {
        self.first_on_row.entry(note.row).or_insert(place);
        let column = match &note.about {
            About::Code(code) => self.by_code.entry(code.clone()).or_default(),
            About::Unknown => &mut self.unknown,
            About::Missing => &mut self.missing,
        };
        column.notes.push((note.row, place));
    }

    /// The one on the first row: of the same code, else unknown, else whatever comes first.
    pub fn on_start(&self, rows: AnswerRows, code: &str) -> Option<usize> {
        let only = |column: &AnnotationColumn| column.first_in(rows.start, rows.start);
        self.same(code)
            .and_then(only)
            .or_else(|| only(&self.unknown))
            .or_else(|| self.first_on_row.get(&rows.start).copied())
    }

    /// The one of the same code on another row: further down, the nearest first, else above, the nearest first.
    pub fn elsewhere(&self, rows: AnswerRows, code: &str) -> Option<usize> {
        self.same(code).and_then(|column| column.below(rows).or_else(|| column.above(rows)))
    }

    /// The same as `elsewhere`, but further down an unknown one goes before one above.
    pub fn elsewhere_or_unknown(&self, rows: AnswerRows, code: &str) -> Option<usize> {
        let same = self.same(code);
        same.and_then(|column| column.below(rows))
            .or_else(|| self.unknown.below(rows))
            .or_else(|| same.and_then(|column| column.above(rows)))
            .or_else(|| self.unknown.above(rows))
    }

    /// Notes that a finding of this code stands here: those about it, and those that do not say, have a purpose.
    pub fn mark(&mut self, rows: AnswerRows, code: &str) {
        if let Some(column) = self.by_code.get_mut(code) {
            column.mark(rows);
        }
        self.unknown.mark(rows);
        self.missing.mark(rows);
    }

    /// The annotations that a finding was marked for.
    pub fn marked(&self) -> impl Iterator<Item = usize> {
        self.by_code.values().chain([&self.unknown, &self.missing]).flat_map(AnnotationColumn::marked)
    }

    fn same(&self, code: &str) -> Option<&AnnotationColumn> {
        self.by_code.get(code)
    }
}

impl AnnotationColumn {
    fn first_in(&self, from: u32, to: u32) -> Option<usize> {
        let (row, place) = self.notes.get(self.notes.partition_point(|(row, _)| *row < from))?;
        (*row <= to).then_some(*place)
    }

    fn below(&self, rows: AnswerRows) -> Option<usize> {
        self.first_in(rows.start.saturating_add(1), rows.last)
    }

    fn above(&self, rows: AnswerRows) -> Option<usize> {
        let after = self.notes.partition_point(|(row, _)| *row < rows.start);
        let (row, _) = self.notes.get(after.checked_sub(1)?)?;
        // Of several on the nearest row, the first.
        if *row < rows.above { None } else { self.first_in(*row, *row) }
    }

    fn mark(&mut self, rows: AnswerRows) {
        let from = self.notes.partition_point(|(row, _)| *row < rows.above);
        let to = self.notes.partition_point(|(row, _)| *row <= rows.last);
        if from >= to {
            return;
        }
        self.steps.resize(self.notes.len() + 1, 0);
        for (at, step) in [(from, 1), (to, -1)] {
            if let Some(steps) = self.steps.get_mut(at) {
                *steps += step;
            }
        }
    }

    fn marked(&self) -> impl Iterator<Item = usize> {
        let findings = self.steps.iter().scan(0, |sum, step| {
            *sum += step;
            Some(*sum)
        });
        self.notes.iter().zip(findings).filter(|(_, findings)| *findings > 0).map(|((_, place), _)| *place)
    }
}

/// The annotations of one file.
#[derive(Default)]
pub struct FileIndex {
    /// Unified ones.
    pub unified: Side,
    /// Legacy ones.
    pub legacy: Side,
    /// Runs of comment rows.
    pub runs: Vec<(u32, u32)>,
}

impl FileIndex {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.unified.first_on_row.is_empty() && self.legacy.first_on_row.is_empty()
    }

    /// The side of a grammar.
    pub fn side(&mut self, grammar: Grammar) -> &mut Side {
        match grammar {
            Grammar::Unified => &mut self.unified,
            Grammar::Legacy => &mut self.legacy,
        }
    }

    /// The annotation that answers for a finding.
    pub fn answer(&self, rows: AnswerRows, code: &str, is_about: impl Fn(usize) -> bool) -> Option<usize> {
        if let Some(place) = self.unified.on_start(rows, code) {
            let better = if is_about(place) { None } else { self.unified.elsewhere(rows, code) };
            return Some(better.unwrap_or(place));
        }
        self.legacy
            .on_start(rows, code)
            .or_else(|| self.unified.elsewhere_or_unknown(rows, code))
            .or_else(|| self.legacy.elsewhere_or_unknown(rows, code))
    }
}
