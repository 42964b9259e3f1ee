//! Removes annotations whose finding is gone.

use std::collections::BTreeMap;

use annotations::{AnsweredBy, Language};
use registry_core::Timestamp;
use source_tree::snapshot::FileChange;

use crate::annotate::INVALID_SYNTAX;
use crate::check::{CheckQuestion, gather};
use crate::migrate::{Skipped, day};
use crate::{Error, Progress, Project, rewriting};

/// The changes of a prune.
#[derive(Debug, Default)]
pub struct PrunePlan {
    /// The files that change, sorted.
    pub changes: Vec<FileChange>,
    /// The annotations that are removed. They are those that the check reports as stale.
    pub pruned: Vec<AnsweredBy>,
    /// The stale annotations that can't be removed.
    pub skipped: Vec<Skipped>,
    /// The files that do not parse. It is unknown which of their annotations are stale.
    pub unparsed: Vec<String>,
}

/// Plans the removal of every stale annotation. Writes nothing.
///
/// # Errors
/// Same errors as [`gather()`]; also when a file can't be read.
pub fn plan(
    project: &Project,
    question: &CheckQuestion,
    now: Timestamp,
    progress: &dyn Progress,
) -> Result<PrunePlan, Error> {
    let report = gather(project, question, progress)?.check(project, day(now));
    let mut plan = PrunePlan::default();
    let broken = report.findings.iter().filter(|one| one.finding.code == INVALID_SYNTAX);
    plan.unparsed = broken.map(|one| one.finding.file.clone()).collect();
    plan.unparsed.dedup();
    let mut stale: BTreeMap<String, Vec<AnsweredBy>> = BTreeMap::new();
    for by in report.stale {
        if matches!(by.kind, "annotation" | "legacy") && !plan.unparsed.contains(&by.file) {
            stale.entry(by.file.clone()).or_default().push(by);
        }
    }
    for (file, list) in stale {
        let rows: Vec<u32> = list.iter().map(|by| by.row).collect();
        match change(project, &file, &rows)? {
            Some(change) => {
                plan.changes.push(change);
                plan.pruned.extend(list);
            }
            None => plan.skipped.extend(list.into_iter().map(|by| Skipped {
                file: by.file,
                line: by.row,
                reason: "its comment is not UTF-8, or the file is reached through a link".to_owned(),
            })),
        }
    }
    Ok(plan)
}

fn change(project: &Project, file: &str, rows: &[u32]) -> Result<Option<FileChange>, Error> {
    let bytes = rewriting::read(project, file)?.filter(|_| rewriting::is_inside(project, file));
    let (Some(bytes), Some(language)) = (bytes, Language::of_path(file)) else { return Ok(None) };
    let edits = annotations::prune(&rewriting::decode(&bytes), language, rows);
    let after = if edits.is_empty() { None } else { rewriting::splice(&bytes, &edits) };
    Ok(after.map(|after| FileChange { file: file.to_owned(), before: Some(bytes), after }))
}
