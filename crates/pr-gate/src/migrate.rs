//! Legacy annotations of a tree into unified ones.

mod report;
mod row_owners;

use annotations::{Language, Migration, may_be_annotated};
use registry_core::{Entropy, Timestamp};
use source_tree::snapshot::FileChange;

pub use report::{FileReport, MigrateReport, Skipped};

use crate::{Error, Progress, Project, files, rewriting};
pub(crate) use row_owners::RowOwners;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct MigrateQuestion {
    /// Files and folders, from the root; empty takes those of the settings.
    pub paths: Vec<String>,
    /// Whether to ask git who may own what has no owner.
    pub blame: bool,
}

/// What would change.
#[derive(Debug)]
pub struct MigratePlan {
    /// The files that change, sorted.
    pub changes: Vec<FileChange>,
    /// What becomes of each legacy annotation.
    pub report: MigrateReport,
}

/// One file with legacy annotations.
struct MigratedFile {
    name: String,
    change: Option<FileChange>,
    migration: Migration,
}

/// Plans the conversion of every legacy annotation below the paths. Nothing is written.
///
/// # Errors
/// When a file can't be read, git can't be run, or `.git-blame-ignore-revs` is broken.
pub fn plan(
    project: &Project,
    question: &MigrateQuestion,
    entropy: &dyn Entropy,
    now: Timestamp,
    progress: &dyn Progress,
) -> Result<MigratePlan, Error> {
    let paths = if question.paths.is_empty() { &project.settings.check.paths } else { &question.paths };
    let mut names = files::list(project, paths)?;
    names.retain(|name| Language::of_path(name).is_some());
    let git = project.tree.git.as_ref().filter(|_| question.blame);
    let work = |name: &String| {
        let Some(bytes) = rewriting::read(project, name)?.filter(|bytes| may_be_annotated(bytes)) else {
            return Ok(None);
        };
        let mut owners = RowOwners::of(git, name, &bytes, now);
        let file = convert(project, name, bytes, entropy, now, &mut owners);
        owners.end()?;
        Ok(file)
    };
    let found = rewriting::each(&names, "Reading sources", progress, work)?;
    let mut plan = MigratePlan { changes: Vec::new(), report: MigrateReport::new(now, names.len()) };
    for MigratedFile { name, change, migration } in found {
        plan.report.add(&name, &migration, change.is_some());
        plan.changes.extend(change);
    }
    Ok(plan)
}

/// What becomes of one file; `None` when it has no legacy annotation.
fn convert(
    project: &Project,
    name: &str,
    bytes: Vec<u8>,
    entropy: &dyn Entropy,
    now: Timestamp,
    owners: &mut RowOwners<'_>,
) -> Option<MigratedFile> {
    let language = Language::of_path(name)?;
    let text = rewriting::decode(&bytes);
    let created_at = seconds(now);
    let mut migration = annotations::migrate(
        &text,
        language,
        &mut |row| owners.of_row(row),
        &mut || new_id(entropy),
        &created_at,
    );
    if migration.edits.is_empty() && migration.skipped.is_empty() {
        return None;
    }
    let after = if migration.edits.is_empty() { None } else { rewriting::splice(&bytes, &migration.edits) };
    let after = after.filter(|_| rewriting::is_inside(project, name));
    if after.is_none() && !migration.edits.is_empty() {
        let why = "the file lies behind a link that leads out of its folder";
        migration.skipped = migration.converted.iter().map(|one| (one.row, why.to_owned())).collect();
        migration.converted.clear();
    }
    drop(text);
    let change = after.map(|after| FileChange { file: name.to_owned(), before: Some(bytes), after });
    Some(MigratedFile { name: name.to_owned(), change, migration })
}

/// An id for an annotation: `t4-` and 8 hexadecimal digits.
pub(crate) fn new_id(entropy: &dyn Entropy) -> String {
    format!("t4-{:08x}", entropy.next_u64() & 0xffff_ffff)
}

/// A time in RFC 3339, to seconds.
pub(crate) fn seconds(now: Timestamp) -> String {
    let whole = Timestamp::from_micros(now.unix_seconds().saturating_mul(1_000_000)).to_string();
    whole.replace(".000000", "")
}

/// The day of a time, in UTC.
pub(crate) fn day(now: Timestamp) -> time::Date {
    let time = time::OffsetDateTime::from_unix_timestamp(now.unix_seconds());
    time.unwrap_or(time::OffsetDateTime::UNIX_EPOCH).date()
}
