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

/// Why a file is left out whose content git filters.
const BEHIND_FILTER: &str = "a git filter (`.gitattributes`) stands before it, and T4 runs none";

/// What the batches share.
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
    /// Makes the batch of a rule; what stands in its way is told in it.
    pub fn batch(&self, code: &str) -> FixBatch {
        let files = self.survey.get(code);
        let found = files.map_or(0, |files| files.values().map(|counted| counted.found).sum());
        let mut batch = FixBatch { code: code.to_owned(), found, ..FixBatch::default() };
        let has_codemod = Codemod::ALL.iter().any(|one| one.code() == code);
        let fixable = files.is_some_and(|files| files.values().any(|counted| counted.fixable > 0));
        if found == 0 {
            batch.reason = Some("no findings".to_owned());
        } else if !fixable && !has_codemod {
            let hint = if self.question.unsafe_fixes { "" } else { " that is safe" };
            batch.reason = Some(format!("neither ruff nor a codemod has a fix{hint}"));
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
                "the branch `{branch}` is there already: merge it, or delete it (`git branch -D {branch}`)"
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
                0 => "what could be fixed is accepted or waived, or stands in one file with such a finding: \
                      --include-accepted fixes it all the same"
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

    /// Fixes file after file until the batch is full; how many files did not fit.
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
            // The worktree has what git stores of it, which only the filter can turn into a source and back.
            if behind_filter.iter().any(|name| name == file.as_bytes()) {
                let reason = BEHIND_FILTER.to_owned();
                batch.left_out.push(LeftOut { file: file.clone(), row: 1, reason });
                continue;
            }
            // ruff fixes a file as a whole: with one finding that stays, all of them stay.
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

    /// Commits the files, and gives the commit its branch: it must not be there.
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
        // The empty old value means: only if there is no such branch.
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
