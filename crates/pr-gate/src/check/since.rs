//! What a change adds: the findings of the working tree that its base does not have.

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

/// How many linters run at a time: each reads one file, and git beside it.
const AT_A_TIME: usize = 2;

/// Marks which findings the change adds. They are sorted by file. With a linter, each changed file's base is linted by
/// the settings of the working tree; without one, findings on rows that the change leaves alone are old.
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

/// The repository, without which there is nothing to compare with.
pub fn git(project: &Project) -> Result<&Git, Error> {
    let missing =
        || Error::Usage("this is no git repository: --since has nothing to compare with".to_owned());
    project.tree.git.as_ref().ok_or_else(missing)
}

/// One changed file.
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
        // Nobody answered for what was not looked at before; and the rows of a notebook are those of its cells, which
        // can't be compared.
        if !was_looked_at(project, &self.before, &self.file) || is_notebook(&self.file) {
            for known in self.findings {
                known.new = true;
            }
            return Ok(());
        }
        let pair = Pair::of(&self.file, &text, self.source);
        match linter {
            Some((ruff, codes)) => {
                // Under its name then: what the settings say of that name counted.
                // One that was renamed had no findings where the settings exclude it.
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

/// Whether a file that was renamed was one that the check looks at: of the same kind, and not in another place.
fn was_looked_at(project: &Project, before: &str, now: &str) -> bool {
    let ending = |name: &str| Path::new(name).extension().map(std::ffi::OsStr::to_owned);
    before == now
        || (ending(before) == ending(now)
            && !project.is_skipped(before)
            && below(before, &project.settings.check.paths))
}

/// Whether a file is one of some names, or below one of them.
pub(super) fn below(file: &str, names: &[String]) -> bool {
    names.iter().any(|name| {
        name == "."
            || file.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests;
