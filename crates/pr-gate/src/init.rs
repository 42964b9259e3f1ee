//! The files that a repository needs to be gated: settings, workflows, the pre-commit hook.
//!
//! What is there already stays as it is. The texts are files beside this one; a test holds each to what it promises.

mod hook;
mod settings;

use source_tree::contained;
use source_tree::snapshot::FileChange;

use crate::{Error, Project};

pub use hook::{Hook, LINE, hook, install, remove};
pub use settings::{guess_paths, settings_text};

/// The largest file that is compared with what T4 would write, in bytes.
const LARGEST: u64 = 1 << 20;

/// A file of GitHub Actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workflow {
    /// The file, from the root.
    pub file: &'static str,
    /// What it holds.
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

/// What the workflows call to get `t4` and ruff. A file and not a repository's variable: GitHub hands no variables to
/// pull requests from forks.
pub const INSTALL: Workflow =
    Workflow { file: ".github/t4-install.sh", text: include_str!("init/templates/t4-install.sh") };

/// A file that is to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The file, from the root.
    pub file: String,
    /// What it is to hold when it is not there yet.
    pub text: String,
}

/// What is to be done about files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InitPlan {
    /// What is written.
    pub changes: Vec<FileChange>,
    /// Files that are there and are what T4 would write.
    pub same: Vec<String>,
    /// Files that are there and hold something else: they are left alone.
    pub kept: Vec<String>,
}

/// The workflows and the script that they call, as wanted files.
#[must_use]
pub fn workflows() -> Vec<Wanted> {
    let wanted = |file: &str, text: &str| Wanted { file: file.to_owned(), text: text.to_owned() };
    let mut files: Vec<_> = WORKFLOWS.iter().map(|one| wanted(one.file, one.text)).collect();
    files.push(wanted(INSTALL.file, INSTALL.text));
    files
}

/// What is to be done so that the files are there.
///
/// # Errors
/// When a file is a link, leads out of the tree, or can't be read.
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
