//! Report about a batch, for people.

use std::fmt::Write as _;

use pr_gate::batches::{BatchOutcome, FixBatch, LeftOut};
use pr_gate::diff;

use crate::codemod::report::files;
use crate::out;

/// What became of a branch outside.
pub struct Sent {
    pub pushed: anyhow::Result<()>,
    /// The pull request's address; `None` when none was asked for.
    pub pull: Option<anyhow::Result<String>>,
}

impl Sent {
    /// Whether something stood in the way.
    pub fn failed(&self) -> bool {
        self.problem().is_some()
    }

    /// What stood in the way.
    pub fn problem(&self) -> Option<String> {
        match (&self.pushed, &self.pull) {
            (Err(error), _) => Some(format!("not pushed: {error:#}")),
            (Ok(()), Some(Err(error))) => Some(format!("pushed, but there is no pull request: {error:#}")),
            (Ok(()), _) => None,
        }
    }

    /// The pull request's address.
    pub fn url(&self) -> Option<&str> {
        self.pull.as_ref()?.as_ref().ok().map(String::as_str)
    }
}

/// A batch in a few lines.
pub fn batch(batch: &FixBatch, dry_run: bool, sent: Option<&Sent>) -> String {
    let code = &batch.code;
    let reason = || out::plain(batch.reason.as_deref().unwrap_or_default());
    let mut text = diff::shown(&batch.diff);
    let _ = match batch.outcome {
        BatchOutcome::Nothing => writeln!(text, "{code}: nothing to fix: {}", reason()),
        BatchOutcome::Failed => writeln!(text, "{code}: failed: {}", reason()),
        BatchOutcome::Made => {
            let (fixed, found) = (batch.fixed, batch.found);
            let would = if dry_run { "would fix" } else { "fixed" };
            let branch = batch.branch.as_deref().unwrap_or_default();
            writeln!(text, "{code}: {would} {fixed} of {found} in {} on {branch}", files(batch.files.len()))
        }
    };
    for LeftOut { file, row, reason } in &batch.left_out {
        let _ = writeln!(text, "  {}:{row}: file left out: {}", out::plain(file), out::plain(reason));
    }
    if let Some(path) = &batch.worktree {
        let _ = writeln!(text, "  worktree: {}", out::plain(&path.display().to_string()));
    }
    if let Some(sent) = sent {
        let _ = match (sent.problem(), sent.url()) {
            (Some(problem), _) => writeln!(text, "  {}", out::plain(&problem)),
            (None, Some(url)) => writeln!(text, "  pull request: {}", out::plain(url)),
            (None, None) => writeln!(text, "  pushed"),
        };
    }
    text
}
