//! The check: which findings are answered for, and which annotations no longer answer for anything.

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

use std::collections::BTreeMap;

pub use report::{
    Age, Annotated, AnsweredBy, CheckMetrics, CheckReport, CheckSummary, CheckVerdict, Debt, Expired,
    FindingState, Issue, Registered,
};

use crate::codeowners::CodeOwners;
use crate::waivers::Waivers;
use crate::{Finding, Weights};

/// What the check looks at. Everything outside of it (linter, git, files, registry, clock) has been asked before.
#[derive(Debug)]
pub struct Input<'a> {
    /// The findings, sorted by file, then place.
    pub findings: &'a [Finding],
    /// What is known of each finding beside what the linter says: as many as `findings`, in their order.
    pub facts: &'a [FindingFacts],
    /// The sources by name: each file that has a finding or an annotation. Decoded as UTF-8, bad bytes replaced.
    pub sources: &'a BTreeMap<String, String>,
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
    /// Intents of the registry that answer for a file and a code; empty when it was not asked.
    pub registered: &'a [Registered],
    /// The weights of the score.
    pub weights: &'a Weights,
    /// Today, in UTC: an annotation's `eta` and a waiver's `expires` are good through their own day.
    pub today: time::Date,
}

/// What is known of a finding from elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindingFacts {
    /// Its fingerprint: stable over moved lines and renamed files.
    pub fingerprint: String,
    /// Whether the change adds it. Always true without a base to compare with.
    pub new: bool,
    /// The day of the commit that last changed its row (`--age`).
    pub first_seen: Option<time::Date>,
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

    fn facts(&self, finding: usize) -> FindingFacts {
        self.facts
            .get(finding)
            .cloned()
            .unwrap_or_else(|| FindingFacts { new: true, ..FindingFacts::default() })
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

/// Checks the findings.
///
/// A finding is answered for by the first of: a waiver; a unified annotation on its first row (the one of its code
/// before one of another code, which is a quality issue); a legacy annotation there; a unified annotation of its code
/// further down its rows, or in the comment lines right above it; a legacy one there; an intent of the registry. On
/// first rows that is what the original checker says, except that it knows nothing of other rows: an annotation of the
/// finding's own code above or below is taken before one of another code on the first row.
#[must_use]
pub fn check(input: &Input<'_>) -> CheckReport {
    let notes = tree_annotations::Notes::read(input.sources);
    let answers = answers::Answers::find(input, &notes);
    let mut report = CheckReport {
        metrics: metrics::measure(input, &notes, &answers),
        quality_issues: answers.quality_issues(input, &notes),
        stale: upkeep::stale(input, &notes, &answers),
        expired: upkeep::expired(input, &notes),
        duplicates: upkeep::duplicates(&notes),
        warnings: upkeep::warnings(input, &notes, &answers),
        findings: answers.findings(input, &notes),
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

#[cfg(test)]
mod tests;
