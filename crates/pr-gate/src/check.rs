//! The check of a working tree: gathers findings, and determines which annotations and waivers answer for them.

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

/// Options of a check.
#[derive(Debug, Clone, Default)]
pub struct CheckQuestion {
    /// Files and folders, relative to the root; empty for those of the settings.
    pub paths: Vec<String>,
    /// The rules to check, as for ruff's `--select`; empty for those of the settings.
    pub codes: Vec<String>,
    /// The source of the findings.
    pub source: FindingSource,
    /// The base revision: only findings that the change since then adds count.
    pub since: Option<String>,
    /// Whether to determine the age of each finding with `git blame`.
    pub age: bool,
}

impl CheckQuestion {
    /// Returns the files and folders to check.
    #[must_use]
    pub fn paths<'a>(&'a self, project: &'a Project) -> &'a [String] {
        if self.paths.is_empty() { &project.settings.check.paths } else { &self.paths }
    }

    /// Returns the rules to check.
    #[must_use]
    pub fn codes<'a>(&'a self, project: &'a Project) -> &'a [String] {
        if self.codes.is_empty() { &project.settings.check.codes } else { &self.codes }
    }
}

/// The source of the findings.
#[derive(Debug, Clone, Default)]
pub enum FindingSource {
    /// A run of ruff.
    #[default]
    Ruff,
    /// A linter's output: ruff's JSON or any SARIF.
    Given(Vec<u8>),
}

/// The inputs of a check: the findings, and the files that may answer for them.
#[derive(Debug)]
pub struct Gathered {
    /// The findings, sorted by file and place, with fingerprint, age, and whether the change adds them.
    pub findings: Vec<KnownFinding>,
    /// The sources of the files that have a finding or may have an annotation, by name.
    pub sources: BTreeMap<String, String>,
    /// The linter and its version, such as `ruff 0.14.2`.
    pub tool: String,
    /// Findings and files that were left out, with the reason, and the linter's messages.
    pub warnings: Vec<String>,
    /// The rules that were checked, as prefixes; empty for all.
    pub codes: Vec<String>,
    /// The files and folders that were checked, relative to the root.
    pub paths: Vec<String>,
    waivers: Waivers,
    owners: Option<CodeOwners>,
    weights: Weights,
    linter: Option<Linter>,
}

/// The ruff that ran, and its files and folders.
#[derive(Debug)]
struct Linter {
    ruff: Ruff,
    names: Vec<String>,
}

impl Gathered {
    /// Returns the report of the check.
    #[must_use]
    pub fn check(&self, project: &Project, today: time::Date) -> CheckReport {
        self.judge(project, today).report()
    }

    /// Returns the answers in the tree for each finding. The caller may add answers of the registry before it makes the
    /// report.
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
        // An annotation in a file that the linter does not check is not stale: its finding may still exist.
        if unseen.is_empty() { judgement } else { judgement.without_files(&unseen) }
    }

    /// Returns those of the files that the linter does not check. Files with findings were checked; the linter runs
    /// only if there are other files.
    fn unseen(&self, project: &Project, candidates: &BTreeSet<&str>) -> BTreeSet<String> {
        let Some(linter) = &self.linter else { return BTreeSet::new() };
        let found: BTreeSet<&str> = self.findings.iter().map(|known| known.finding.file.as_str()).collect();
        let mut asked = candidates.difference(&found).peekable();
        if asked.peek().is_none() {
            return BTreeSet::new();
        }
        // If ruff fails, no file counts as checked, so nothing is stale.
        let seen = linter.ruff.files(project, &linter.names).unwrap_or_default();
        asked.filter(|file| !seen.contains(**file)).map(|file| (*file).to_owned()).collect()
    }
}
