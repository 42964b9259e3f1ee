//! The workflows that define the required checks.

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
    Workflow { file: ".github/workflows/t4-validator.yml", text: include_str!("templates/t4-validator.yml") },
    Workflow {
        file: ".github/workflows/t4-intent-api-health.yml",
        text: include_str!("templates/t4-intent-api-health.yml"),
    },
    Workflow { file: ".github/workflows/t4-tests.yml", text: include_str!("templates/t4-tests.yml") },
    Workflow { file: ".github/workflows/t4-waivers.yml", text: include_str!("templates/t4-waivers.yml") },
];

/// What the workflows call to get `t4` and ruff. A file and not a repository's variable: GitHub hands no variables to
/// pull requests from forks.
pub const INSTALL: Workflow =
    Workflow { file: ".github/t4-install.sh", text: include_str!("templates/t4-install.sh") };
