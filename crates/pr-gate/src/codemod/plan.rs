//! The plan of a codemod run.

use std::collections::BTreeMap;
use std::path::Path;

use annotations::{Finding, may_be_annotated};
use codemods::{Codemod, CodemodTarget};

use super::{
    CodemodFile, CodemodPlan, CodemodQuestion, Decisions, Fix, SYNTAX, Skip, UNDEFINED, UnparsableFile,
};
use crate::check::links;
use crate::findings::{self, Excluded};
use crate::{Error, Progress, Project, files};

/// Returns the changes that the codemods would make. Writes nothing.
///
/// The codemods run one after the other, each on the findings in the text that the previous one made. Links, notebooks,
/// files that are too large and files in skipped folders are not changed. Findings that are waived or accepted are not
/// fixed, unless the question includes them.
///
/// # Errors
/// ruff can't be run, or a source or waiver file can't be read. [`Error::Usage`] for a path that does not exist.
pub fn plan(
    project: &Project,
    question: &CodemodQuestion,
    progress: &dyn Progress,
) -> Result<CodemodPlan, Error> {
    let codemods: Vec<Codemod> = Codemod::ALL
        .into_iter()
        .filter(|one| question.only.is_empty() || question.only.contains(one))
        .collect();
    let codes = codes(&codemods);
    let decisions = Decisions::read(project, question.today, question.include_accepted)?;
    let names = if question.paths.is_empty() { &project.settings.check.paths } else { &question.paths };
    progress.begin("looking for findings", None);
    let (mut found, ruff) = findings::ruff_in_its_order(project, names, &codes)?;
    findings::sort(&mut found.findings);
    let by_file = group(found.findings);
    let steps = u64::try_from(by_file.len()).ok();
    let mut plan = CodemodPlan { tool: found.tool, warnings: found.warnings, ..CodemodPlan::default() };
    progress.begin("fixing", steps);
    for (file, findings) in by_file {
        progress.step(1);
        // ruff's messages could quote the linked file, which is not part of the tree.
        if links::leads_outside(project, &file) {
            let problem = "it is a link to a file outside the tree".to_owned();
            plan.unparsable.push(UnparsableFile { file, problem });
            continue;
        }
        let wanted = findings.iter().any(|finding| codemods.iter().any(|one| one.code() == finding.code));
        if !wanted {
            if let Some(error) = findings.into_iter().find(|finding| finding.code == SYNTAX) {
                plan.unparsable.push(UnparsableFile { file, problem: error.message });
            }
            continue;
        }
        match read(project, &file)? {
            ReadSource::Text(before) => {
                let lint = |text: &str| {
                    ruff.check_text(project, &file, text.as_bytes(), &codes, Excluded::WhenFound)
                };
                let job = FixJob { codemods: &codemods, codes: &codes, decisions: &decisions, lint: &lint };
                match job.fix(file.clone(), before, findings)? {
                    Ok(fixed) => plan.files.push(fixed),
                    Err(unparsable) => plan.unparsable.push(unparsable),
                }
            }
            ReadSource::Other(problem) => {
                plan.unparsable.push(UnparsableFile { file, problem: problem.to_owned() });
            }
        }
    }
    Ok(plan)
}

/// Returns the rules to check: those that the codemods fix, those that they read, and undefined names, which reveal a
/// wrong fix.
pub(super) fn codes(codemods: &[Codemod]) -> Vec<String> {
    let own =
        codemods.iter().flat_map(|one| std::iter::once(one.code()).chain(one.also_reads().iter().copied()));
    let mut codes: Vec<String> = own.chain([UNDEFINED]).map(str::to_owned).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

fn group(findings: Vec<Finding>) -> BTreeMap<String, Vec<Finding>> {
    let mut groups: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
    for finding in findings {
        groups.entry(finding.file.clone()).or_default().push(finding);
    }
    groups
}

enum ReadSource {
    Text(String),
    Other(&'static str),
}

fn read(project: &Project, file: &str) -> Result<ReadSource, Error> {
    if is_notebook(file) {
        return Ok(ReadSource::Other("it is a notebook"));
    }
    let Some(bytes) = files::read(project, file)? else {
        return Ok(ReadSource::Other("it is a link, or too large"));
    };
    Ok(String::from_utf8(bytes).map_or(ReadSource::Other("it is not UTF-8"), ReadSource::Text))
}

/// Whether a file is a notebook. The rows of its findings count within a cell, not in the file.
pub(crate) fn is_notebook(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|ending| ending.eq_ignore_ascii_case("ipynb"))
}

/// The inputs for the fixes of one file.
struct FixJob<'a> {
    codemods: &'a [Codemod],
    codes: &'a [String],
    decisions: &'a Decisions,
    lint: &'a dyn Fn(&str) -> Result<Vec<Finding>, Error>,
}

impl FixJob<'_> {
    /// Runs one codemod after the other, each on the findings in the current text.
    fn fix(
        &self,
        file: String,
        before: String,
        mut findings: Vec<Finding>,
    ) -> Result<Result<CodemodFile, UnparsableFile>, Error> {
        let mut left =
            BTreeMap::from([UNDEFINED, SYNTAX].map(|code| (code.to_owned(), count(&findings, code))));
        let stale_before = self.stale(&file, &before, &findings);
        let (mut fixed, mut skipped) = (Vec::new(), Vec::new());
        let mut text = before.clone();
        let mut moved = false;
        let mut last = None;
        for codemod in self.codemods {
            // The previous fix has moved the findings. ruff runs again only when this codemod had a finding, or may
            // have a new one: names that replaced a star import may be unused.
            let may_come = last == Some(Codemod::ImportStar);
            if moved && (may_come || count(&findings, codemod.code()) > 0) {
                findings = (self.lint)(&text)?;
                moved = false;
            }
            let own = count(&findings, codemod.code());
            if own == 0 {
                continue;
            }
            let reasons = self.decisions.about(&file, &before, &text, &findings);
            let (open, decided) = part(*codemod, &findings, reasons);
            skipped.extend(decided);
            let targets = targets(*codemod, &open);
            let done = match codemod.fix(&text, &targets) {
                Ok(done) => done,
                // The source did not parse before any fix. A fix never makes such a source.
                Err(error) => return Ok(Err(UnparsableFile { file, problem: error.to_string() })),
            };
            let name = codemod.name();
            let is_own = |target: &&CodemodTarget| target.code == codemod.code();
            for target in done.fixed.iter().filter_map(|place| targets.get(*place)).filter(is_own) {
                let (code, message) = (target.code.clone(), target.message.clone());
                fixed.push(Fix { codemod: name, code, row: target.row, message });
            }
            for (place, reason) in done.skipped {
                if let Some(target) = targets.get(place).filter(is_own) {
                    let (code, message) = (target.code.clone(), target.message.clone());
                    skipped.push(Skip { codemod: name, code, row: target.row, message, reason });
                }
            }
            let gone = fixed.iter().filter(|fix| fix.codemod == name).count();
            left.insert(codemod.code().to_owned(), own.saturating_sub(gone));
            moved |= done.source != text;
            last = Some(*codemod);
            text = done.source;
        }
        let mut stale = 0;
        if text != before && may_be_annotated(text.as_bytes()) {
            if moved {
                findings = (self.lint)(&text)?;
            }
            stale = self.stale(&file, &text, &findings).saturating_sub(stale_before);
        }
        Ok(Ok(CodemodFile { file, fixed, skipped, stale, before, after: text, left }))
    }

    fn stale(&self, file: &str, text: &str, findings: &[Finding]) -> usize {
        if !may_be_annotated(text.as_bytes()) {
            return 0;
        }
        self.decisions.stale(file, text, findings, self.codes)
    }
}

/// Splits findings into those that the codemod may use, and those of its rule that a decision keeps.
fn part(codemod: Codemod, findings: &[Finding], reasons: Vec<Option<String>>) -> (Vec<Finding>, Vec<Skip>) {
    let (mut open, mut decided) = (Vec::new(), Vec::new());
    for (finding, reason) in findings.iter().zip(reasons) {
        match reason.filter(|_| finding.code == codemod.code()) {
            None => open.push(finding.clone()),
            Some(reason) => decided.push(Skip {
                codemod: codemod.name(),
                code: finding.code.clone(),
                row: finding.start.row,
                message: finding.message.clone(),
                reason,
            }),
        }
    }
    (open, decided)
}

/// Returns the findings that a codemod reads, converted to its type.
pub(crate) fn targets(codemod: Codemod, findings: &[Finding]) -> Vec<CodemodTarget> {
    let reads = |code: &str| codemod.code() == code || codemod.also_reads().contains(&code);
    let target = |finding: &Finding| CodemodTarget {
        code: finding.code.clone(),
        message: finding.message.clone(),
        row: finding.start.row,
        column: finding.start.column,
        end_row: finding.end.row,
        end_column: finding.end.column,
    };
    findings.iter().filter(|finding| reads(&finding.code)).map(target).collect()
}

pub(super) fn count(findings: &[Finding], code: &str) -> usize {
    findings.iter().filter(|finding| finding.code == code).count()
}
