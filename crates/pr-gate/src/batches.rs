//! Fixes, one branch per rule, made where nobody works.
//!
//! Each batch is made in a worktree of its own in a temporary folder, from a commit: the working tree, its index and
//! its HEAD are not touched, and what is not committed does not matter. The branch comes into being last, with the
//! commit that it is for, and never over one that is there. Hooks are not run: they stand in the repository's folder
//! and are meant for the working tree beside them; what a batch brings is checked where it is pushed to.
//!
//! A fix is made on the text and then written, so neither ruff nor a link in the tree decides where.

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

/// How many batches are made at once.
const AT_ONCE: usize = 2;

/// What is asked.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct BatchQuestion {
    /// The rules, as ruff's `--select` takes them; empty takes those of the settings.
    pub codes: Vec<String>,
    /// How many findings a batch fixes at most.
    pub most: usize,
    /// The revision that the batches are made from.
    pub base: String,
    /// Whether ruff may use the fixes that could change what a program does.
    pub unsafe_fixes: bool,
    /// Whether to fix findings too that are waived, or whose annotation says that they stay.
    pub include_accepted: bool,
    /// The day for which waivers are read.
    pub today: time::Date,
    /// Whether to make no branch, only what it would hold.
    pub dry_run: bool,
    /// Whether the worktrees of batches stay.
    pub keep: bool,
    /// The folder for temporary folders, outside of the tree.
    pub temporary: PathBuf,
}

/// What was made.
#[derive(Debug, Clone, Serialize)]
pub struct Made {
    /// The commit that the batches are made from.
    pub base: String,
    /// ruff and its version.
    pub tool: String,
    /// The batches, by rule.
    pub batches: Vec<FixBatch>,
}

/// The batch of one rule.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FixBatch {
    /// The rule.
    pub code: String,
    /// What became of it.
    pub outcome: BatchOutcome,
    /// Why, when nothing was made.
    pub reason: Option<String>,
    /// Its branch; in a dry run the one it would have.
    pub branch: Option<String>,
    /// Its commit.
    pub commit: Option<String>,
    /// How many findings there were.
    pub found: usize,
    /// How many are fixed.
    pub fixed: usize,
    /// The files that are changed.
    pub files: Vec<ChangedFile>,
    /// The findings that are waived, or whose annotation says that they stay, and files behind a filter of git's. All
    /// these files are left out.
    pub left_out: Vec<LeftOut>,
    /// The worktree, when it stays.
    pub worktree: Option<PathBuf>,
    /// What changes, in a dry run.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub diff: String,
}

/// A file that a batch changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedFile {
    /// Its name from the root.
    pub file: String,
    /// How many findings are fixed in it.
    pub fixed: usize,
}

/// A finding that is to stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its file, from the root.
    pub file: String,
    /// Its row.
    pub row: u32,
    /// Who decided that it stays.
    pub reason: String,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchOutcome {
    /// A branch with a commit; in a dry run, what would be one.
    Made,
    /// There was nothing to fix.
    #[default]
    Nothing,
    /// Something stood in the way.
    Failed,
}

/// Makes a batch for each rule that has something to fix. `stop` is looked at between files: once it is set, no
/// further batch is made, and what was begun is cleared away.
///
/// # Errors
/// When no batch could be begun: no repository, no such revision, no ruff, or it was stopped. What stands in the way
/// of one batch is told in it.
pub fn run(
    project: &Project,
    question: &BatchQuestion,
    stop: &AtomicBool,
    progress: &dyn Progress,
) -> Result<Made, Error> {
    let git = project.tree.git.as_ref().ok_or_else(|| {
        Error::Refused("batches are branches, and there is no git repository here".to_owned())
    })?;
    let base = git
        .commit(&question.base)?
        .ok_or_else(|| Error::Usage(format!("`{}` names no commit", question.base)))?;
    if question.most == 0 {
        return Err(Error::Usage("a batch of no findings is none".to_owned()));
    }
    let asked = if question.codes.is_empty() { &project.settings.check.codes } else { &question.codes };
    for code in asked {
        if code.is_empty() || !code.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
            return Err(Error::Usage(format!("`{}` is no rule such as F401", code.escape_debug())));
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

/// Pushes a branch of a project as [`git::push`] does.
///
/// # Errors
/// When there is no repository, or git refuses, with what it said.
pub fn push(project: &Project, remote: &str, branch: &str) -> Result<(), Error> {
    let repository = project.tree.git.as_ref();
    let repository =
        repository.ok_or_else(|| Error::Refused("there is no git repository here".to_owned()))?;
    git::push(repository, remote, branch)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What there is to fix at the base, and what is waived there.
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

/// The rules that were found, and those that were asked for and were not.
fn codes(asked: &[String], survey: &Survey) -> Vec<String> {
    let is_asked = |code: &String| asked.iter().any(|asked| code.starts_with(asked.as_str()));
    let found: BTreeSet<String> =
        survey.keys().filter(|code| *code != SYNTAX && is_asked(code)).cloned().collect();
    let missing = asked.iter().filter(|asked| !found.iter().any(|code| code.starts_with(asked.as_str())));
    let all: BTreeSet<String> = found.iter().cloned().chain(missing.cloned()).collect();
    all.into_iter().collect()
}

/// How many findings of a rule a file has.
fn found(survey: &Survey, code: &str, file: &str) -> usize {
    survey.get(code).and_then(|files: &BTreeMap<_, _>| files.get(file)).map_or(0, |counted| counted.found)
}
