//! Setup of a repository: `t4.toml`, the workflows and the pre-commit hook.
//!
//! Existing files do not change. The texts are in `templates/`.

mod hook;
mod settings;

use source_tree::contained;
use source_tree::snapshot::FileChange;

use crate::{Error, Project};

pub use hook::{Hook, LINE, hook, install, remove};
pub use settings::{guess_paths, settings_text};

/// The largest file that is compared with what T4 would write, in bytes.
const LARGEST: u64 = 1 << 20;

/// A file for GitHub Actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workflow {
    /// The file's name, relative to the root.
    pub file: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// The workflows. The first three define the checks that `t4 protect` requires.
pub const WORKFLOWS: [Workflow; 4] = [
    Workflow {
        file: ".github/workflows/t4-validator.yml",
        text: include_str!("init/templates/t4-validator.yml"),
    },
    Workflow {
        file: ".github/workflows/t4-intent-api-health.yml",
        text: include_str!("init/templates/t4-intent-api-health.yml"),
    },
    Workflow { file: ".github/workflows/t4-tests.yml", text: include_str!("init/templates/t4-tests.yml") },
    Workflow {
        file: ".github/workflows/t4-waivers.yml",
        text: include_str!("init/templates/t4-waivers.yml"),
    },
];

/// The script with which the workflows install `t4` and ruff. It is a file and not a variable of the repository,
/// because GitHub passes no variables to pull requests from forks.
pub const INSTALL: Workflow =
    Workflow { file: ".github/t4-install.sh", text: include_str!("init/templates/t4-install.sh") };

/// A file that must exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The file's name, relative to the root.
    pub file: String,
    /// The text to write when the file does not exist.
    pub text: String,
}

/// The plan for a list of wanted files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InitPlan {
    /// The files to write.
    pub changes: Vec<FileChange>,
    /// Existing files with the text that T4 would write.
    pub same: Vec<String>,
    /// Existing files with another text. They do not change.
    pub kept: Vec<String>,
}

/// Returns the workflows and the script that they call.
#[must_use]
pub fn workflows() -> Vec<Wanted> {
    let wanted = |file: &str, text: &str| Wanted { file: file.to_owned(), text: text.to_owned() };
    let mut files: Vec<_> = WORKFLOWS.iter().map(|one| wanted(one.file, one.text)).collect();
    files.push(wanted(INSTALL.file, INSTALL.text));
    files
}

/// Plans which of the files must be written.
///
/// # Errors
/// A file is a link, is outside the tree, or can't be read.
pub fn plan(project: &Project, wanted: Vec<Wanted>) -> Result<InitPlan, Error> {
    let mut plan = InitPlan::default();
    for Wanted { file, text } in wanted {
        match contained::text(&project.tree.root, &file, LARGEST)? {
            None => plan.changes.push(FileChange { file, before: None, after: text.into_bytes() }),
            Some(found) if found == text => plan.same.push(file),
            Some(_) => plan.kept.push(file),
        }
    }
    Ok(plan)
}

#[cfg(test)]
mod tests;
