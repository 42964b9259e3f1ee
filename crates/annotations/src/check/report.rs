//! Report of the check. These types are the published JSON (`docs/schemas/check.schema.json`).

use std::collections::BTreeMap;

use serde::Serialize;

/// The whole answer. Lists are sorted by file and row.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CheckReport {
    /// Whether the change may pass.
    pub status: CheckVerdict,
    /// Counts.
    pub summary: CheckSummary,
    /// Scores, percentages and debts.
    pub metrics: CheckMetrics,
    /// Every finding with its state, those that are let pass included. With a base to compare with: only new ones.
    pub findings: Vec<Annotated>,
    /// Annotations with something wrong.
    pub quality_issues: Vec<Issue>,
    /// Annotations whose finding is gone.
    pub stale: Vec<AnsweredBy>,
    /// Annotations and waivers whose day has passed, or can't be read.
    pub expired: Vec<Expired>,
    /// Ids that more than one annotation has.
    pub duplicates: Vec<Issue>,
    /// What should be looked at, but fails only a strict check: unknown owners, `documented`, waivers that waive nothing.
    pub warnings: Vec<Issue>,
}

/// Whether the change may pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckVerdict {
    /// Every finding is answered for.
    #[default]
    Pass,
    /// Some are not, or an annotation is not fit to answer.
    Fail,
}

/// Counts of findings by their state, and of what is wrong with annotations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CheckSummary {
    /// What the linter found, waived and old ones included.
    pub total_findings: usize,
    /// Of these, what the change adds; all of them without a base.
    pub new_findings: usize,
    /// Answered for by an annotation, legacy ones included.
    pub annotated: usize,
    /// Answered for by nothing.
    pub unannotated: usize,
    /// Let pass by a waiver.
    pub waived: usize,
    /// Answered for by an intent of the registry alone.
    pub registered: usize,
    /// Annotated by a legacy grammar.
    pub legacy_format: usize,
    /// Annotations with something wrong.
    pub quality_issues: usize,
    /// Annotations whose finding is gone.
    pub stale: usize,
    /// Annotations and waivers whose day has passed.
    pub expired: usize,
    /// Ids that are used more than once.
    pub duplicates: usize,
    /// Warnings.
    pub warnings: usize,
}

/// Scores, percentages and debts.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CheckMetrics {
    /// The original's score: the weighted share of annotations that are not planned or committed without owner and
    /// ticket; in percent. 100 when there are none.
    pub annotation_quality_score: f64,
    /// The weight of the good ones.
    pub weighted_good: u64,
    /// The weight of all.
    pub weighted_total: u64,
    /// The share of findings that are answered for, in percent; 100 when there are none.
    pub coverage_percent: f64,
    /// The share of annotations whose finding is gone, in percent; 0 when there are none.
    pub staleness_percent: f64,
    /// Findings by code.
    pub counts_by_code: BTreeMap<String, usize>,
    /// Annotated findings by the annotation's status.
    pub counts_by_status: BTreeMap<String, usize>,
    /// Debt by owner, heaviest first; findings without one are under the owner `null`.
    pub debt_by_owner: Vec<Debt>,
    /// Debt by age, youngest first; empty unless ages are known.
    pub debt_by_age: Vec<Age>,
}

/// What one owner has to answer for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Debt {
    /// The owner as the annotations write it.
    pub owner: Option<String>,
    /// Findings.
    pub findings: usize,
    /// Their weight.
    pub weight: u64,
    /// The oldest finding's day, when ages are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest: Option<String>,
}

/// Findings of an age.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Age {
    /// `0-7 days`, `8-30 days`, `31-90 days`, `91-365 days`, `over a year`, `unknown`.
    pub age: &'static str,
    /// Findings.
    pub findings: usize,
    /// Their weight.
    pub weight: u64,
}

/// A finding and what answers for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Annotated {
    /// The finding.
    #[serde(flatten)]
    pub finding: crate::Finding,
    /// Stable over moved lines and renamed files.
    pub fingerprint: String,
    /// How it stands.
    pub state: FindingState,
    /// What answers for it; `null` for nothing.
    pub by: Option<AnsweredBy>,
    /// The day of the commit that last changed its row, `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<String>,
}

/// How a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FindingState {
    /// Nothing answers for it.
    Unannotated,
    /// A unified annotation does.
    Annotated,
    /// A legacy annotation does.
    Legacy,
    /// A waiver lets it pass.
    Waived,
    /// An intent of the registry answers for it.
    Registered,
}

impl FindingState {
    /// The state as the JSON writes it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unannotated => "unannotated",
            Self::Annotated => "annotated",
            Self::Legacy => "legacy",
            Self::Waived => "waived",
            Self::Registered => "registered",
        }
    }
}

/// An annotation, waiver or intent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AnsweredBy {
    /// The file where it stands (a waiver: the waiver file; an intent: the file it is about).
    pub file: String,
    /// The row there; 0 for none.
    pub row: u32,
    /// `annotation`, `legacy`, `waiver`, `intent`.
    pub kind: &'static str,
    /// Its id.
    pub id: Option<String>,
    /// The code it is about.
    pub code: Option<String>,
    /// Its status.
    pub status: Option<String>,
    /// Who answers.
    pub owner: Option<String>,
    /// The ticket.
    pub ticket: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Until when.
    pub eta: Option<String>,
}

/// Something wrong with an annotation, or worth a look.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Issue {
    /// The file.
    pub file: String,
    /// The row; 0 for none.
    pub row: u32,
    /// The annotation's code, or the finding's.
    pub code: Option<String>,
    /// The annotation's id.
    pub id: Option<String>,
    /// What is wrong and what to do about it, a line each.
    pub problems: Vec<String>,
}

/// Something whose day has passed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Expired {
    /// The annotation or waiver.
    #[serde(flatten)]
    pub by: AnsweredBy,
    /// The date as written.
    pub date: String,
    /// Whether the date can't be read; it counts as passed.
    pub malformed: bool,
}

/// An intent of the registry that answers for a file and a code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registered {
    /// Its id.
    pub id: String,
    /// The file, from the root.
    pub file: String,
    /// The code.
    pub code: String,
    /// The row; `None` answers for any row of the file.
    pub line: Option<u32>,
    /// Its status.
    pub status: String,
    /// Its owner.
    pub owner: Option<String>,
    /// Its ticket.
    pub ticket: Option<String>,
    /// Its reason.
    pub reason: Option<String>,
}
