//! Check: which findings have an answer, and which annotations answer for nothing any more.

mod answers;
mod comment_rows;
mod index;
mod intents;
mod metrics;
mod quality;
mod report;
mod tree_annotations;
mod upkeep;
mod waiver_match;

use std::collections::{BTreeMap, BTreeSet};

pub use tree_annotations::TreeAnnotations;

pub use report::{
    Age, Annotated, AnsweredBy, CheckMetrics, CheckReport, CheckSummary, CheckVerdict, Debt, Expired,
    FindingState, Issue, Registered,
};

use crate::codeowners::CodeOwners;
use crate::waivers::Waivers;
use crate::{Finding, Weights};

/// What findings are judged by. Everything outside of it (linter, git, files, registry, clock) has been asked before.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The findings, sorted by file, then place.
    pub findings: &'a [KnownFinding],
    /// The rules that the linter looked for, as prefixes (`F`, `F401`); empty is all. An annotation of another code is
    /// not stale: nobody looked.
    pub codes: &'a [String],
    /// The files and folders that were looked into, from the root; empty, or `.`, is everything. A waiver of another
    /// file is not idle: nobody looked.
    pub paths: &'a [String],
    /// The waivers.
    pub waivers: &'a Waivers,
    /// CODEOWNERS, where there is one.
    pub owners: Option<&'a CodeOwners>,
    /// The weights of the score.
    pub weights: &'a Weights,
    /// Today, in UTC: an annotation's `eta` and a waiver's `expires` are good through their own day.
    pub today: time::Date,
}

/// A finding, and what is known of it beside what the linter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFinding {
    /// The finding.
    pub finding: Finding,
    /// Its fingerprint: stable over moved lines and renamed files.
    pub fingerprint: String,
    /// Whether the change adds it. Always true without a base to compare with.
    pub new: bool,
    /// The day of the commit that last changed its row (`--age`).
    pub first_seen: Option<time::Date>,
}

impl From<Finding> for KnownFinding {
    /// A finding of which nothing more is known; it counts as new.
    fn from(finding: Finding) -> Self {
        Self { finding, fingerprint: String::new(), new: true, first_seen: None }
    }
}

impl Input<'_> {
    /// Whether the linter looked for this rule.
    fn looked_for(&self, code: &str) -> bool {
        self.codes.is_empty() || self.codes.iter().any(|prefix| selects(prefix, code))
    }

    /// Whether the linter looked into this file.
    fn looked_into(&self, file: &str) -> bool {
        let below =
            |path: &String| file.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('/'));
        self.paths.is_empty() || self.paths.iter().any(|path| path == "." || path == file || below(path))
    }
}

/// Whether ruff's `--select PREFIX` takes a rule. A linter's letters are not the beginning of another linter's: `F` is
/// neither `FA102` nor `FBT001`. The exception is `PL`, whose rules have a letter more.
fn selects(prefix: &str, code: &str) -> bool {
    let linter = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_uppercase());
    prefix == "ALL"
        || code.strip_prefix(prefix).is_some_and(|rest| {
            !linter || prefix == "PL" || !rest.starts_with(|next: char| next.is_ascii_uppercase())
        })
}

/// Checks findings against the annotations of `sources` and the intents that the registry has.
///
/// A finding is answered for by the first of: a waiver; a unified annotation on its first row (the one of its code
/// before one of another code, which is a quality issue); a legacy annotation there; a unified annotation of its code
/// further down its rows, or in the comment lines right above it; a legacy one there; an intent of the registry. On
/// first rows that is what the original checker says, except that it knows nothing of other rows: an annotation of the
/// finding's own code above or below is taken before one of another code on the first row.
#[must_use]
pub fn check(input: Input<'_>, sources: &BTreeMap<String, String>, registered: &[Registered]) -> CheckReport {
    let mut judgement = Judgement::new(input, TreeAnnotations::read(sources));
    judgement.answer_by_intents(registered);
    judgement.report()
}

/// What answers for each finding. Annotations are read once; what answers is found as more becomes known, and the
/// report is made at the end.
pub struct Judgement<'a> {
    input: Input<'a>,
    annotations: TreeAnnotations<'a>,
    answers: answers::Answers<'a>,
}

impl<'a> Judgement<'a> {
    /// Judges findings by waivers and annotations.
    #[must_use]
    pub fn new(input: Input<'a>, annotations: TreeAnnotations<'a>) -> Self {
        let answers = answers::Answers::find(input, &annotations);
        Self { input, annotations, answers }
    }

    /// The files that have annotations whose finding is gone.
    #[must_use]
    pub fn stale_files(&self) -> BTreeSet<&str> {
        upkeep::stale_notes(&self.input, &self.annotations, &self.answers).map(|note| note.file).collect()
    }

    /// The same without the annotations of files that the linter does not look at: an annotation there is not stale,
    /// because nobody knows. They have no findings.
    #[must_use]
    pub fn without_files(self, files: &BTreeSet<String>) -> Self {
        let mut annotations = self.annotations;
        annotations.leave_out(files);
        Self::new(self.input, annotations)
    }

    /// The new findings that nothing answers for so far.
    #[must_use]
    pub fn open(&self) -> Vec<Annotated> {
        let none = |judged: &&answers::Judged<'_>| matches!(judged.answer, answers::FindingAnswer::None);
        let open = self.answers.new_ones().filter(none);
        open.map(|judged| judged.annotated(&self.input, &self.annotations)).collect()
    }

    /// Lets intents of the registry answer for findings that nothing else answers for.
    pub fn answer_by_intents(&mut self, registered: &'a [Registered]) {
        self.answers.answer_by_intents(registered);
    }

    /// The report.
    #[must_use]
    pub fn report(&self) -> CheckReport {
        let (input, notes, answers) = (&self.input, &self.annotations, &self.answers);
        let mut report = CheckReport {
            metrics: metrics::measure(input, notes, answers),
            quality_issues: answers.quality_issues(notes),
            stale: upkeep::stale_notes(input, notes, answers).map(tree_annotations::Note::by).collect(),
            expired: upkeep::expired(input, notes),
            duplicates: upkeep::duplicates(notes),
            warnings: upkeep::warnings(input, notes, answers),
            findings: answers.new_ones().map(|judged| judged.annotated(input, notes)).collect(),
            ..CheckReport::default()
        };
        let states = |wanted: &[FindingState]| {
            report.findings.iter().filter(|found| wanted.contains(&found.state)).count()
        };
        report.summary = CheckSummary {
            total_findings: input.findings.len(),
            new_findings: report.findings.len(),
            annotated: states(&[FindingState::Annotated, FindingState::Legacy]),
            unannotated: states(&[FindingState::Unannotated]),
            waived: states(&[FindingState::Waived]),
            registered: states(&[FindingState::Registered]),
            legacy_format: states(&[FindingState::Legacy]),
            quality_issues: report.quality_issues.len(),
            stale: report.stale.len(),
            expired: report.expired.len(),
            duplicates: report.duplicates.len(),
            warnings: report.warnings.len(),
        };
        if report.summary.unannotated > 0 || report.summary.quality_issues > 0 {
            report.status = CheckVerdict::Fail;
        }
        report
    }
}

#[cfg(test)]
mod tests;
