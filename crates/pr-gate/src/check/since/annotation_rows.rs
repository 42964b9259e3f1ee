//! The rows of annotations in one version of a file.

use std::collections::HashSet;

use annotations::{AnnotationKind, Finding, Language, scan};

/// The rows of annotations, counted from 1.
#[derive(Debug, Default)]
pub struct Tags {
    rows: HashSet<u32>,
    /// The rows that have only an annotation.
    alone: HashSet<u32>,
}

impl Tags {
    /// Finds the annotations of a source that can answer for findings, including legacy ones.
    pub fn of(file: &str, source: &str) -> Self {
        let mut tags = Self::default();
        let Some(language) = Language::of_path(file) else { return tags };
        for one in scan(source, language) {
            match one.kind {
                AnnotationKind::Unified(_)
                | AnnotationKind::UnusedImport(_)
                | AnnotationKind::LintIssue(_) => {}
                AnnotationKind::Malformed(_) | AnnotationKind::KeyValue(_) => continue,
            }
            tags.rows.insert(one.row);
            let before = source.get(..one.comment.whole.start).unwrap_or_default();
            if before.rsplit(['\n', '\r']).next().is_some_and(|code| code.trim().is_empty()) {
                tags.alone.insert(one.row);
            }
        }
        tags
    }

    /// Whether a row has an annotation.
    pub fn on(&self, row: u32) -> bool {
        self.rows.contains(&row)
    }

    /// Whether a row of the finding has an annotation, or the row above has only an annotation.
    pub fn answer(&self, finding: &Finding) -> bool {
        let (first, last) = (finding.start.row, finding.last_row());
        let above = || first.checked_sub(1).is_some_and(|row| self.alone.contains(&row));
        above() || self.rows.iter().any(|row| (first..=last).contains(row))
    }
}
