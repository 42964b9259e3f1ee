//! The batch of one rule.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use codemods::Codemod;
use source_tree::atomic;
use source_tree::worktree::{Workshop, Worktree, output};

use super::{BatchOutcome, BatchQuestion, ChangedFile, FixBatch, LeftOut};
use crate::codemod::Decisions;
use crate::findings::{Ruff, Survey};
use crate::{Error, Project, diff};

/// Why a file with a git filter is left out.
const BEHIND_FILTER: &str = "a git filter (`.gitattributes`) applies to it, and T4 runs no filters";

/// The inputs that all batches of a run share.
pub struct Work<'a> {
    pub question: &'a BatchQuestion,
    pub shop: &'a Workshop<'a>,
    pub ruff: &'a Ruff,
    pub tool: &'a str,
    pub survey: &'a Survey,
    pub decisions: &'a Decisions,
    pub base: &'a str,
    pub stop: &'a AtomicBool,
}

impl Work<'_> {
    /// Makes the batch of a rule. The reason of the batch reports an error.
    pub fn batch(&self, code: &str) -> FixBatch {
        let files = self.survey.get(code);
        let found = files.map_or(0, |files| files.values().map(|counted| counted.found).sum());
        let mut batch = FixBatch { code: code.to_owned(), found, ..FixBatch::default() };
        let has_codemod = Codemod::ALL.iter().any(|one| one.code() == code);
        let fixable = files.is_some_and(|files| files.values().any(|counted| counted.fixable > 0));
        if found == 0 {
            batch.reason = Some("no findings".to_owned());
        } else if !fixable && !has_codemod {
            let kind = if self.question.unsafe_fixes { "fix" } else { "safe fix" };
            batch.reason = Some(format!("neither ruff nor a codemod has a {kind}"));
        } else if let Err(error) = self.make(code, &mut batch) {
            let reason = Some(error.to_string());
            batch = FixBatch {
                code: code.to_owned(),
                outcome: BatchOutcome::Failed,
                reason,
                found,
                ..FixBatch::default()
            };
        }
        batch
    }

    fn make(&self, code: &str, batch: &mut FixBatch) -> Result<(), Error> {
        let short: String = self.base.chars().take(8).collect();
        let branch = format!("t4/autofix-{code}-{short}");
        let name = format!("refs/heads/{branch}");
        if output(self.shop.git().args(["rev-parse", "--verify", "--quiet", &name]), None).is_ok() {
            return Err(Error::Refused(format!(
                "the branch `{branch}` already exists: merge it, or delete it (`git branch -D {branch}`)"
            )));
        }
        let mut worktree = self.shop.worktree(code)?;
        let left_out = self.write(code, &worktree, batch)?;
        if batch.files.is_empty() {
            worktree.forget();
            batch.reason = Some(match left_out {
                0 if batch.left_out.is_empty() => "nothing could be fixed safely".to_owned(),
                0 if batch.left_out.iter().all(|one| one.reason == BEHIND_FILTER) => {
                    format!("the files that could be fixed are left out: {BEHIND_FILTER}")
                }
                0 => "every file that could be fixed has a finding that is accepted or waived: \
                      --include-accepted fixes these files too"
                    .to_owned(),
                files => format!(
                    "{files} files have more than {} findings that can be fixed: raise --max-per-batch",
                    self.question.most
                ),
            });
            return Ok(());
        }
        if !self.question.dry_run {
            batch.commit = Some(self.commit(&worktree, batch, &name)?);
        }
        batch.branch = Some(branch);
        batch.outcome = BatchOutcome::Made;
        batch.worktree = worktree.stays().then(|| worktree.path.clone());
        Ok(())
    }

    /// Fixes files until the batch is full. Returns the number of files with more fixes than fit into the batch.
    fn write(&self, code: &str, worktree: &Worktree<'_>, batch: &mut FixBatch) -> Result<usize, Error> {
        let project = Project::at(worktree.path.clone())?;
        let ruff = self.ruff.at(&project.tree.root);
        let has_codemod = Codemod::ALL.iter().any(|one| one.code() == code);
        let names: Vec<_> = self.survey.get(code).into_iter().flatten().map(|(file, _)| file).collect();
        let behind_filter = worktree.git.behind_filter(&names)?;
        let mut left_out = 0;
        for (file, counted) in self.survey.get(code).into_iter().flatten() {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Error::Refused("stopped".to_owned()));
            }
            if batch.fixed >= self.question.most {
                break;
            }
            if counted.fixable == 0 && !has_codemod {
                continue;
            }
            // Without the filter the worktree holds the bytes that git stores. Only the filter converts them to a
            // source and back.
            if behind_filter.iter().any(|name| name == file.as_bytes()) {
                let reason = BEHIND_FILTER.to_owned();
                batch.left_out.push(LeftOut { file: file.clone(), row: 1, reason });
                continue;
            }
            // ruff fixes all findings of a file. If one must stay, the file is left out.
            let stays = self.stays(&project, &ruff, code, file)?;
            if !stays.is_empty() {
                batch.left_out.extend(stays);
                continue;
            }
            let Some(fixed) = self.fix(&project, &ruff, code, file)? else { continue };
            if batch.fixed + fixed.fixed > self.question.most {
                left_out += 1;
                continue;
            }
            atomic::write_inside(&project.tree.root, file, fixed.after.as_bytes(), None)?;
            batch.fixed += fixed.fixed;
            batch.files.push(ChangedFile { file: file.clone(), fixed: fixed.fixed });
            if self.question.dry_run {
                batch.diff.push_str(&diff::unified(file, Some(&fixed.before), &fixed.after));
            }
        }
        Ok(left_out)
    }

    /// Commits the files and creates the branch, which must not exist.
    fn commit(&self, worktree: &Worktree<'_>, batch: &FixBatch, name: &str) -> Result<String, Error> {
        let mut names = String::new();
        for changed in &batch.files {
            names.push_str(&changed.file);
            names.push('\0');
        }
        let mut add = worktree.git();
        add.args(["add", "--pathspec-from-file=-", "--pathspec-file-nul"]);
        output(&mut add, Some(names.as_bytes()))?;
        let message = self.message(batch);
        output(worktree.git().args(["commit", "--quiet", "--file=-"]), Some(message.as_bytes()))?;
        let commit = output(worktree.git().args(["rev-parse", "--verify", "HEAD"]), None)?;
        // The empty old value means that the branch must not exist.
        output(worktree.git().args(["update-ref", "-m", "t4 batches", "--", name, &commit, ""]), None)?;
        Ok(commit)
    }

    fn message(&self, batch: &FixBatch) -> String {
        let FixBatch { code, fixed, found, files, .. } = batch;
        let findings = if *fixed == 1 { "finding" } else { "findings" };
        let mut text = format!("Fix {fixed} {findings} of {code}\n\n");
        let codemod = Codemod::ALL.into_iter().find(|one| one.code() == code);
        let by = codemod.map_or(String::new(), |one| format!(" and the codemod {one} ({})", one.about()));
        let kind = if self.question.unsafe_fixes { "safe and unsafe fixes" } else { "safe fixes" };
        let _ = write!(
            text,
            "{fixed} of {found} findings of {code} are fixed in {} files, with the {kind} of {}{by}.\n\
             Made by `t4 batches` from {}.\n",
            files.len(),
            self.tool,
            self.base
        );
        text
    }
}
