//! Where annotations stand in one version of a file.

use std::collections::HashSet;

use annotations::{AnnotationKind, Finding, Language, scan};

/// The rows of annotations, from 1.
#[derive(Debug, Default)]
pub struct Tags {
    rows: HashSet<u32>,
    /// Those with nothing else on their row.
    alone: HashSet<u32>,
}

impl Tags {
    /// The annotations of a source that count as an answer, old grammars included.
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

    /// Whether one stands on a row.
    pub fn on(&self, row: u32) -> bool {
        self.rows.contains(&row)
    }

    /// Whether one stands on the rows of a finding, or alone on those above.
    pub fn answer(&self, finding: &Finding) -> bool {
        let (first, last) = (finding.start.row, finding.last_row());
        let above = || first.checked_sub(1).is_some_and(|row| self.alone.contains(&row));
        above() || self.rows.iter().any(|row| (first..=last).contains(row))
    }
}
