//! Batches: fixes for the findings of one rule, each on a new branch.
//!
//! A batch is made from a commit in a separate worktree in a temporary folder. The working tree, its index and its HEAD
//! do not change, and uncommitted changes are ignored. The branch is created last, when its commit exists, and never
//! replaces an existing branch. Git hooks do not run, because they are meant for the working tree. A batch is checked
//! where it is pushed to.
//!
//! T4 fixes the text in memory and then writes it to the file. Neither ruff nor a link in the tree can choose which
//! file is written.

mod batch;
mod fix;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use source_tree::SourceTree;
use source_tree::git;
use source_tree::worktree::Workshop;

use crate::codemod::{Decisions, SYNTAX, UNDEFINED};
use crate::findings::{Ruff, Survey};
use crate::{Error, Progress, Project, files};
use batch::Work;

/// The number of batches that are made in parallel.
const AT_ONCE: usize = 2;

/// Options of a run.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent option")]
pub struct BatchQuestion {
    /// The rules, as for ruff's `--select`; empty for those of the settings.
    pub codes: Vec<String>,
    /// The maximum number of findings that a batch fixes.
    pub most: usize,
    /// The revision that the batches are made from.
    pub base: String,
    /// Whether to apply ruff's unsafe fixes, which could change what a program does.
    pub unsafe_fixes: bool,
    /// Whether to fix also findings that are waived, or whose annotation has the status `accepted`.
    pub include_accepted: bool,
    /// The day on which waivers must be valid.
    pub today: time::Date,
    /// Whether to return diffs and make no branch.
    pub dry_run: bool,
    /// Whether to keep the worktrees of batches.
    pub keep: bool,
    /// The folder for temporary folders, outside the tree.
    pub temporary: PathBuf,
}

/// The result of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Made {
    /// The commit that the batches are made from.
    pub base: String,
    /// ruff and its version.
    pub tool: String,
    /// The batches, sorted by rule.
    pub batches: Vec<FixBatch>,
}

/// The batch of one rule.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FixBatch {
    /// The rule.
    pub code: String,
    /// Whether a branch was made.
    pub outcome: BatchOutcome,
    /// Why no branch was made.
    pub reason: Option<String>,
    /// Its branch; in a dry run, the branch that it would have.
    pub branch: Option<String>,
    /// Its commit; `None` in a dry run.
    pub commit: Option<String>,
    /// The number of findings at the base.
    pub found: usize,
    /// The number of findings that are fixed.
    pub fixed: usize,
    /// The files that are changed.
    pub files: Vec<ChangedFile>,
    /// Reasons why files are left out: findings that are waived or accepted, and git filters.
    pub left_out: Vec<LeftOut>,
    /// The worktree, when it is kept.
    pub worktree: Option<PathBuf>,
    /// The changes as a diff, in a dry run.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub diff: String,
}

/// A file that a batch changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedFile {
    /// The file's name, relative to the root.
    pub file: String,
    /// The number of findings that are fixed in it.
    pub fixed: usize,
}

/// A reason why a file is left out of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The file's name, relative to the root.
    pub file: String,
    /// The row of the finding that stays; 1 when a git filter applies to the file.
    pub row: u32,
    /// The decision that keeps the finding, or the filter.
    pub reason: String,
}

/// The outcome of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchOutcome {
    /// A branch with a commit was made; in a dry run, it would be made.
    Made,
    /// Nothing was fixed. The reason of the batch says why.
    #[default]
    Nothing,
    /// An error prevented the batch.
    Failed,
}

/// Makes a batch for each rule that has findings.
///
/// `stop` is read before each file. When it is set, no further batch is made, and unfinished batches are removed.
///
/// # Errors
/// No batch could be started: there is no repository, no such revision or no ruff, or the run was stopped. An error in
/// one batch is the reason of that [`FixBatch`].
pub fn run(
    project: &Project,
    question: &BatchQuestion,
    stop: &AtomicBool,
    progress: &dyn Progress,
) -> Result<Made, Error> {
    let git = project.tree.git.as_ref().ok_or_else(|| {
        Error::Refused("`t4 batches` makes branches, and this is not a git repository".to_owned())
    })?;
    let base = git
        .commit(&question.base)?
        .ok_or_else(|| Error::Usage(format!("`{}` is not the name of a commit", question.base)))?;
    if question.most == 0 {
        return Err(Error::Usage("the maximum number of findings in a batch must be at least 1".to_owned()));
    }
    let asked = if question.codes.is_empty() { &project.settings.check.codes } else { &question.codes };
    for code in asked {
        if code.is_empty() || !code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
            return Err(Error::Usage(format!("`{}` is not a rule such as F401", code.escape_debug())));
        }
    }
    let (ruff, version) = Ruff::find(project)?;
    let tool = version.wait()?;
    let workshop = Workshop::open(git, &question.temporary, &base, question.keep)?;
    progress.begin("looking for findings", None);
    let (survey, decisions) = survey(&workshop, &ruff, asked, question)?;
    let codes = codes(asked, &survey);
    progress.begin("making batches", u64::try_from(codes.len()).ok());
    let work = Work {
        question,
        shop: &workshop,
        ruff: &ruff,
        tool: &tool,
        survey: &survey,
        decisions: &decisions,
        base: &base,
        stop,
    };
    let queue = Mutex::new(VecDeque::from(codes));
    let done = Mutex::new(Vec::new());
    let one = || {
        while let Some(code) = lock(&queue).pop_front() {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let batch = work.batch(&code);
            progress.step(1);
            lock(&done).push(batch);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(one);
        }
    });
    let mut batches = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    batches.sort_by(|a, b| a.code.cmp(&b.code));
    if stop.load(Ordering::Relaxed) {
        let made: Vec<_> =
            batches.iter().filter_map(|batch| batch.commit.as_ref().and(batch.branch.clone())).collect();
        let made = if made.is_empty() {
            "no branch was made".to_owned()
        } else {
            format!("made: {}", made.join(", "))
        };
        return Err(Error::Refused(format!("stopped; {made}")));
    }
    drop(workshop);
    Ok(Made { base: base.clone(), tool, batches })
}

/// Pushes a branch of a project with [`git::push`].
///
/// # Errors
/// There is no repository, or git fails; the error then has git's message.
pub fn push(project: &Project, remote: &str, branch: &str) -> Result<(), Error> {
    let repository = project.tree.git.as_ref();
    let repository = repository.ok_or_else(|| Error::Refused("this is not a git repository".to_owned()))?;
    git::push(repository, remote, branch)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts the findings at the base, and reads the waivers there.
fn survey(
    shop: &Workshop<'_>,
    ruff: &Ruff,
    asked: &[String],
    question: &BatchQuestion,
) -> Result<(Survey, Decisions), Error> {
    let scout = shop.scout()?;
    let project = Project::at(scout.path.clone())?;
    let tree = SourceTree { git: Some(scout.git.clone()), ..project.tree.clone() };
    files::refuse_devices(&Project { tree, ..project.clone() })?;
    let decisions = Decisions::read(&project, question.today, question.include_accepted)?;
    let mut codes = asked.to_vec();
    codes.push(UNDEFINED.to_owned());
    let paths = &project.settings.check.paths;
    let names: Vec<String> =
        paths.iter().filter(|name| project.tree.path(name).symlink_metadata().is_ok()).cloned().collect();
    let survey = ruff.at(&project.tree.root).survey(&project, &names, &codes, question.unsafe_fixes)?;
    Ok((survey, decisions))
}

/// Returns the rules that have findings, and the requested rules that have none.
fn codes(asked: &[String], survey: &Survey) -> Vec<String> {
    let is_asked = |code: &String| asked.iter().any(|asked| code.starts_with(asked.as_str()));
    let found: BTreeSet<String> =
        survey.keys().filter(|code| *code != SYNTAX && is_asked(code)).cloned().collect();
    let missing = asked.iter().filter(|asked| !found.iter().any(|code| code.starts_with(asked.as_str())));
    let all: BTreeSet<String> = found.iter().cloned().chain(missing.cloned()).collect();
    all.into_iter().collect()
}

/// Returns the number of findings of a rule in a file.
fn found(survey: &Survey, code: &str, file: &str) -> usize {
    survey.get(code).and_then(|files: &BTreeMap<_, _>| files.get(file)).map_or(0, |counted| counted.found)
}
