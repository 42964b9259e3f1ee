//! The check: which findings are answered for, and which annotations no longer answer for anything.

mod report;

use std::collections::BTreeMap;

pub use report::{
    Age, Annotated, By, Debt, Expired, Issue, Metrics, Registered, Report, State, Summary, Verdict,
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
    pub facts: &'a [Facts],
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
pub struct Facts {
    /// Its fingerprint: stable over moved lines and renamed files.
    pub fingerprint: String,
    /// Whether the change adds it. Always true without a base to compare with.
    pub new: bool,
    /// The day of the commit that last changed its row (`--age`).
    pub first_seen: Option<time::Date>,
}

/// Checks the findings.
#[must_use]
pub fn check(input: &Input<'_>) -> Report {
    let _ = input;
    Report::default()
}
