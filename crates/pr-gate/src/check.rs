//! The check of a working tree.

mod age;
mod compat;
mod gather;
pub(crate) mod links;
mod since;

use std::collections::{BTreeMap, BTreeSet};

use annotations::{
    CheckReport, CodeOwners, Input, Judgement, KnownFinding, TreeAnnotations, Waivers, Weights,
};

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
    /// The findings, sorted by file and place, each with what is known of it.
    pub findings: Vec<KnownFinding>,
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
    weights: Weights,
    linter: Option<Linter>,
}

/// The ruff that was run, and on what.
#[derive(Debug)]
struct Linter {
    ruff: Ruff,
    names: Vec<String>,
}

impl Gathered {
    /// What answers for each finding in the tree, and what else the check has to say.
    #[must_use]
    pub fn check(&self, project: &Project, today: time::Date) -> CheckReport {
        self.judge(project, today).report()
    }

    /// What answers for each finding in the tree. The registry may answer for others.
    #[must_use]
    pub fn judge(&self, project: &Project, today: time::Date) -> Judgement<'_> {
        let input = Input {
            findings: &self.findings,
            codes: &self.codes,
            paths: &self.paths,
            waivers: &self.waivers,
            owners: self.owners.as_ref(),
            weights: &self.weights,
            today,
        };
        let judgement = Judgement::new(input, TreeAnnotations::read(&self.sources));
        let unseen = self.unseen(project, &judgement.stale_files());
        // An annotation where the linter never looks is not stale: nobody knows.
        if unseen.is_empty() { judgement } else { judgement.without_files(&unseen) }
    }

    /// Which of these files the linter does not look at. It is asked only when that matters; files with findings were
    /// looked at.
    fn unseen(&self, project: &Project, candidates: &BTreeSet<&str>) -> BTreeSet<String> {
        let Some(linter) = &self.linter else { return BTreeSet::new() };
        let found: BTreeSet<&str> = self.findings.iter().map(|known| known.finding.file.as_str()).collect();
        let mut asked = candidates.difference(&found).peekable();
        if asked.peek().is_none() {
            return BTreeSet::new();
        }
        // Without an answer, nothing is called stale.
        let seen = linter.ruff.files(project, &linter.names).unwrap_or_default();
        asked.filter(|file| !seen.contains(**file)).map(|file| (*file).to_owned()).collect()
    }
}
