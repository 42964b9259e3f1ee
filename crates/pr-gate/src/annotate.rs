//! Writes skeleton annotations for findings that have none.

use std::collections::{BTreeMap, BTreeSet};

use annotations::{CodeOwners, Finding, FindingState, Language, Skeleton, skeleton_fields};
use registry_core::{Entropy, Timestamp};
use serde::Serialize;
use source_tree::snapshot::FileChange;

use crate::check::{CheckQuestion, UNREADABLE, gather};
use crate::migrate::{RowOwners, Skipped, day, new_id, seconds};
use crate::{Error, Progress, Project, rewriting};

/// The code of the findings of sources that do not parse.
pub(crate) const INVALID_SYNTAX: &str = "invalid-syntax";

/// The annotations that would be written.
#[derive(Debug, Default)]
pub struct AnnotatePlan {
    /// The files that change, sorted.
    pub changes: Vec<FileChange>,
    /// The annotations in these changes.
    pub written: Vec<Written>,
    /// The findings that can't have an annotation.
    pub skipped: Vec<Skipped>,
    /// The files that do not parse. They do not change.
    pub unparsed: Vec<String>,
}

/// One new annotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// The file's name, relative to the root.
    pub file: String,
    /// The first row of the finding, before the change.
    pub line: u32,
    /// The code of the finding.
    pub code: String,
    /// The id of the annotation.
    pub id: String,
    /// The owner by CODEOWNERS or `git blame`, if any.
    pub owner: Option<String>,
}

/// The findings of one file.
#[derive(Debug, Default)]
struct AnnotateJob {
    file: String,
    open: Vec<Finding>,
    /// Rows of findings that an annotation or an intent already answers for.
    taken: BTreeSet<u32>,
}

/// Plans an annotation for every unanswered finding. Writes nothing.
///
/// # Errors
/// Same errors as [`gather()`]; also when a file can't be read or git can't be run.
pub fn plan(
    project: &Project,
    question: &CheckQuestion,
    blame: bool,
    entropy: &dyn Entropy,
    now: Timestamp,
    progress: &dyn Progress,
) -> Result<AnnotatePlan, Error> {
    let report = gather(project, question, progress)?.check(project, day(now));
    let unparsed: BTreeSet<String> = report
        .findings
        .iter()
        .filter(|one| matches!(one.finding.code.as_str(), INVALID_SYNTAX | UNREADABLE))
        .map(|one| one.finding.file.clone())
        .collect();
    let mut jobs: BTreeMap<String, AnnotateJob> = BTreeMap::new();
    for one in report.findings {
        let file = one.finding.file.clone();
        let job = jobs.entry(file.clone()).or_insert_with(|| AnnotateJob { file, ..AnnotateJob::default() });
        match one.state {
            FindingState::Unannotated => job.open.push(one.finding),
            FindingState::Annotated | FindingState::Legacy | FindingState::Registered => {
                job.taken.insert(one.finding.start.row);
            }
            FindingState::Waived => {}
        }
    }
    let jobs: Vec<AnnotateJob> =
        jobs.into_values().filter(|job| !job.open.is_empty() && !unparsed.contains(&job.file)).collect();
    let owners = crate::codeowners::codeowners(project)?;
    let work = |job: &AnnotateJob| annotate(project, job, owners.as_ref(), blame, entropy, now).map(Some);
    let mut plan = AnnotatePlan { unparsed: unparsed.into_iter().collect(), ..AnnotatePlan::default() };
    for part in rewriting::each(&jobs, "Writing annotations", progress, work)? {
        plan.changes.extend(part.changes);
        plan.written.extend(part.written);
        plan.skipped.extend(part.skipped);
    }
    Ok(plan)
}

/// Plans the annotations of one file.
fn annotate(
    project: &Project,
    job: &AnnotateJob,
    codeowners: Option<&CodeOwners>,
    blame: bool,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<AnnotatePlan, Error> {
    let name = &job.file;
    let bytes = rewriting::read(project, name)?.filter(|_| rewriting::is_inside(project, name));
    let (Some(bytes), Some(language)) = (bytes, Language::of_path(name)) else {
        return Ok(AnnotatePlan::skipping(job, "this kind of file can't have annotations"));
    };
    let text = rewriting::decode(&bytes);
    let listed = codeowners.and_then(|owners| owners.of(name).first());
    let git = project.tree.git.as_ref().filter(|_| blame && listed.is_none());
    let mut blamed = RowOwners::of(git, name, &bytes, now);
    let created_at = seconds(now);
    let mut written = Vec::new();
    let mut skeletons = Vec::new();
    for finding in &job.open {
        let owner = listed.cloned().or_else(|| blamed.of_row(finding.start.row).owner);
        let id = new_id(entropy);
        let fields = skeleton_fields(finding, id.clone(), owner.as_deref(), &created_at);
        skeletons.push(Skeleton { finding, fields });
        let Finding { file, code, start, .. } = finding;
        written.push(Written { file: file.clone(), line: start.row, code: code.clone(), id, owner });
    }
    blamed.end()?;
    let done = annotations::annotate(&text, language, &skeletons, &job.taken);
    let mut plan = AnnotatePlan::default();
    for (place, one) in written.into_iter().enumerate() {
        let found = done.skipped.binary_search_by_key(&place, |(skipped, _)| *skipped);
        if let Some((_, why)) = found.ok().and_then(|at| done.skipped.get(at)) {
            plan.skipped.push(Skipped {
                file: one.file,
                line: one.line,
                reason: format!("{}: {why}", one.code),
            });
        } else if done.written.binary_search(&place).is_ok() {
            plan.written.push(one);
        }
    }
    if let Some(after) = rewriting::splice(&bytes, &done.edits).filter(|_| !done.edits.is_empty()) {
        plan.changes.push(FileChange { file: name.clone(), before: Some(bytes.clone()), after });
    }
    Ok(plan)
}

impl AnnotatePlan {
    fn skipping(job: &AnnotateJob, why: &str) -> Self {
        let skipped = |finding: &Finding| Skipped {
            file: finding.file.clone(),
            line: finding.start.row,
            reason: format!("{}: {why}", finding.code),
        };
        Self { skipped: job.open.iter().map(skipped).collect(), ..Self::default() }
    }
}
