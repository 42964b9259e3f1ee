//! Converts the legacy annotations of a tree to the current format.

mod report;
mod row_owners;

use annotations::{Language, Migration, may_be_annotated};
use registry_core::{Entropy, Timestamp};
use source_tree::snapshot::FileChange;

pub use report::{FileReport, MigrateReport, Skipped};

use crate::{Error, Progress, Project, files, rewriting};
pub(crate) use row_owners::RowOwners;

/// Options of a migration.
#[derive(Debug, Clone, Default)]
pub struct MigrateQuestion {
    /// Files and folders, relative to the root; empty for those of the settings.
    pub paths: Vec<String>,
    /// Whether annotations without an owner get one from `git blame`.
    pub blame: bool,
}

/// The changes of a migration.
#[derive(Debug)]
pub struct MigratePlan {
    /// The files that change, sorted.
    pub changes: Vec<FileChange>,
    /// The result for each legacy annotation.
    pub report: MigrateReport,
}

/// One file with legacy annotations.
struct MigratedFile {
    name: String,
    change: Option<FileChange>,
    migration: Migration,
}

/// Plans the conversion of every legacy annotation in the paths. Writes nothing.
///
/// # Errors
/// A file can't be read, git can't be run, or `.git-blame-ignore-revs` is malformed. [`Error::Usage`] for a path that
/// does not exist.
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

/// Plans the conversion of one file. Returns `None` when it has no legacy annotation.
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
        let why = "the file is reached through a link";
        migration.skipped = migration.converted.iter().map(|one| (one.row, why.to_owned())).collect();
        migration.converted.clear();
    }
    drop(text);
    let change = after.map(|after| FileChange { file: name.to_owned(), before: Some(bytes), after });
    Some(MigratedFile { name: name.to_owned(), change, migration })
}

/// Returns a random id for an annotation: `t4-` and 8 hexadecimal digits.
pub(crate) fn new_id(entropy: &dyn Entropy) -> String {
    format!("t4-{:08x}", entropy.next_u64() & 0xffff_ffff)
}

/// Formats a time in RFC 3339, without fractions of a second.
pub(crate) fn seconds(now: Timestamp) -> String {
    let whole = Timestamp::from_micros(now.unix_seconds().saturating_mul(1_000_000)).to_string();
    whole.replace(".000000", "")
}

/// Returns the day of a time, in UTC.
pub(crate) fn day(now: Timestamp) -> time::Date {
    let time = time::OffsetDateTime::from_unix_timestamp(now.unix_seconds());
    time.unwrap_or(time::OffsetDateTime::UNIX_EPOCH).date()
}
