//! Findings that a change adds: those of the working tree that its base does not have.

mod annotation_rows;
mod changes;
mod compare;

use std::collections::BTreeMap;
use std::path::Path;

use annotations::KnownFinding;
use source_tree::git::Git;

pub use changes::{BaseVersion, TreeChanges};

use crate::codemod::is_notebook;
use crate::findings::{Excluded, Ruff};
use crate::{Error, Project};
use compare::Pair;

/// The number of files that are compared in parallel. Each runs git and the linter once.
const AT_A_TIME: usize = 2;

/// Marks the findings that the change adds. The findings must be sorted by file.
///
/// With a linter, the base version of each changed file is linted with the settings of the working tree. Without one,
/// findings on unchanged rows are old.
pub fn mark_new(
    project: &Project,
    changes: &TreeChanges,
    linter: Option<(&Ruff, &[String])>,
    findings: &mut [KnownFinding],
    sources: &BTreeMap<String, String>,
) -> Result<(), Error> {
    let git = git(project)?;
    let mut jobs = Vec::new();
    for of_file in findings.chunk_by_mut(|a, b| a.finding.file == b.finding.file) {
        let Some(file) = of_file.first().map(|known| known.finding.file.clone()) else { continue };
        let before = changes.before(&file);
        for known in &mut *of_file {
            known.new = matches!(before, BaseVersion::Nothing);
        }
        if let BaseVersion::Other(before) = before {
            let before = before.to_owned();
            let source = sources.get(&file).map(String::as_str).unwrap_or_default();
            jobs.push(CompareJob { file, before, source, findings: of_file });
        }
    }
    let base = changes.base();
    let queue = std::sync::Mutex::new(jobs.into_iter());
    let work = || -> Result<(), Error> {
        loop {
            let job = queue.lock().map_or(None, |mut queue| queue.next());
            let Some(job) = job else { return Ok(()) };
            job.run(project, git, base, linter)?;
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (1..AT_A_TIME).map(|_| scope.spawn(work)).collect();
        let own = work();
        workers.into_iter().fold(own, |all, worker| {
            let one = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            all.and(one)
        })
    })
}

/// Returns the repository of the project.
///
/// # Errors
/// [`Error::Usage`] when there is none.
pub fn git(project: &Project) -> Result<&Git, Error> {
    let missing =
        || Error::Usage("this is not a git repository, so --since has no base to compare with".to_owned());
    project.tree.git.as_ref().ok_or_else(missing)
}

/// The comparison of one changed file.
struct CompareJob<'a> {
    file: String,
    before: String,
    source: &'a str,
    findings: &'a mut [KnownFinding],
}

impl CompareJob<'_> {
    fn run(
        self,
        project: &Project,
        git: &Git,
        base: &str,
        linter: Option<(&Ruff, &[String])>,
    ) -> Result<(), Error> {
        let bytes = git.run(&["cat-file", "blob", &format!("{base}:{}", self.before)])?;
        let text = String::from_utf8_lossy(&bytes);
        if text == self.source && self.before == self.file {
            return Ok(());
        }
        // A file that was not checked before has no old findings. The rows of a notebook count within its cells, so
        // they can't be compared.
        if !was_looked_at(project, &self.before, &self.file) || is_notebook(&self.file) {
            for known in self.findings {
                known.new = true;
            }
            return Ok(());
        }
        let pair = Pair::of(&self.file, &text, self.source);
        match linter {
            Some((ruff, codes)) => {
                // The base version is linted under its old name, to which settings may apply. If the file was renamed
                // and the settings exclude the old name, it had no findings.
                let excluded = if self.before == self.file { Excluded::WhenFound } else { Excluded::Always };
                let mut old = ruff.check_text(project, &self.before, &bytes, codes, excluded)?;
                old.retain(|finding| finding.file == self.before);
                pair.compare(&old, self.findings);
            }
            None => pair.compare_rows(self.findings),
        }
        Ok(())
    }
}

/// Whether the check covers the old name of a file: it has the same extension, is not in a skipped folder, and is in a
/// checked path.
fn was_looked_at(project: &Project, before: &str, now: &str) -> bool {
    let ending = |name: &str| Path::new(name).extension().map(std::ffi::OsStr::to_owned);
    before == now
        || (ending(before) == ending(now)
            && !project.is_skipped(before)
            && below(before, &project.settings.check.paths))
}

/// Whether a file is one of some files and folders, or is in one of them.
pub(super) fn below(file: &str, names: &[String]) -> bool {
    names.iter().any(|name| {
        name == "."
            || file.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests;
