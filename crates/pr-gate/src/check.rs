//! The check of a working tree.

mod age;
mod compat;
mod gather;
pub(crate) mod links;
mod since;

use std::collections::{BTreeMap, BTreeSet};

use annotations::{CheckReport, CodeOwners, Finding, FindingFacts, Input, Registered, Waivers};

pub use compat::{CompatAnswer, CompatQuestion, compat};
pub(crate) use gather::UNREADABLE;
pub use gather::gather;

use crate::Project;
use crate::findings::Ruff;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct CheckQuestion {
    /// Files and folders, from the root; empty takes those of the settings.
    pub paths: Vec<String>,
    /// The rules to look for, as ruff's `--select` takes them; empty takes those of the settings.
    pub codes: Vec<String>,
    /// Where the findings are from.
    pub source: FindingSource,
    /// Only what the change since this revision adds.
    pub since: Option<String>,
    /// Whether to ask git how old each finding is.
    pub age: bool,
}

impl CheckQuestion {
    /// The files and folders that are looked at.
    #[must_use]
    pub fn paths<'a>(&'a self, project: &'a Project) -> &'a [String] {
        if self.paths.is_empty() { &project.settings.check.paths } else { &self.paths }
    }

    /// The rules that ruff looks for.
    #[must_use]
    pub fn codes<'a>(&'a self, project: &'a Project) -> &'a [String] {
        if self.codes.is_empty() { &project.settings.check.codes } else { &self.codes }
    }
}

/// Where the findings are from.
#[derive(Debug, Clone, Default)]
pub enum FindingSource {
    /// ruff is run.
    #[default]
    Ruff,
    /// A linter's output: ruff's JSON or any SARIF.
    Given(Vec<u8>),
}

/// What was found, before it is known what answers for it.
#[derive(Debug)]
pub struct Gathered {
    /// The findings, sorted by file and place.
    pub findings: Vec<Finding>,
    /// What is known of each finding beside what the linter says, in the same order.
    pub facts: Vec<FindingFacts>,
    /// The sources of the files that have a finding or may have an annotation, by name.
    pub sources: BTreeMap<String, String>,
    /// The linter and its version, such as `ruff 0.14.2`.
    pub tool: String,
    /// What was left out and why, and what the linter said beside its findings.
    pub warnings: Vec<String>,
    /// The rules that were looked for, as prefixes; empty is all.
    pub codes: Vec<String>,
    /// The files and folders that were looked into, from the root.
    pub paths: Vec<String>,
    waivers: Waivers,
    owners: Option<CodeOwners>,
    linter: Option<Linter>,
}

/// The ruff that was run, and on what.
#[derive(Debug)]
struct Linter {
    ruff: Ruff,
    names: Vec<String>,
}

impl Gathered {
    /// What answers for each finding. `registered` is what the registry said, empty when it was not asked.
    #[must_use]
    pub fn check(&self, project: &Project, registered: &[Registered], today: time::Date) -> CheckReport {
        let report = self.report(project, &self.sources, registered, today);
        let candidates: BTreeSet<&str> = report.stale.iter().map(|stale| stale.file.as_str()).collect();
        let unseen = self.unseen(project, &candidates);
        if unseen.is_empty() {
            return report;
        }
        // An annotation where the linter never looks is not stale: nobody knows.
        let mut sources = self.sources.clone();
        sources.retain(|file, _| !unseen.contains(file.as_str()));
        self.report(project, &sources, registered, today)
    }

    fn report(
        &self,
        project: &Project,
        sources: &BTreeMap<String, String>,
        registered: &[Registered],
        today: time::Date,
    ) -> CheckReport {
        annotations::check(&Input {
            findings: &self.findings,
            facts: &self.facts,
            sources,
            codes: &self.codes,
            paths: &self.paths,
            waivers: &self.waivers,
            owners: self.owners.as_ref(),
            registered,
            weights: &project.settings.weights(),
            today,
        })
    }

    /// Which of these files the linter does not look at. It is asked only when that matters; files with findings were
    /// looked at.
    fn unseen<'a>(&'a self, project: &Project, candidates: &BTreeSet<&'a str>) -> BTreeSet<&'a str> {
        let Some(linter) = &self.linter else { return BTreeSet::new() };
        let found: BTreeSet<&str> = self.findings.iter().map(|finding| finding.file.as_str()).collect();
        let asked: BTreeSet<&str> = candidates.difference(&found).copied().collect();
        if asked.is_empty() {
            return asked;
        }
        // Without an answer, nothing is called stale.
        let seen = linter.ruff.files(project, &linter.names).unwrap_or_default();
        asked.into_iter().filter(|file| !seen.contains(*file)).collect()
    }
}
