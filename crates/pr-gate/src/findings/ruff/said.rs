//! What ruff says beside its findings, as far as it may be told.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::NO_FILES;
use super::configuration::{self, ConfigProblem};

/// What may be told of ruff's words in a tree. The tree is looked into once, and only when ruff says something.
#[derive(Debug, Clone)]
pub struct RuffSaid {
    root: PathBuf,
    problem: Arc<OnceLock<Option<ConfigProblem>>>,
}

impl RuffSaid {
    pub fn of(root: &Path) -> Self {
        Self { root: root.to_owned(), problem: Arc::default() }
    }

    /// What may be told of it: all, or that and why it is not.
    pub fn told(&self, said: &str) -> String {
        let said = said.trim();
        // About our own arguments, or about there being nothing.
        if said.is_empty() || said == NO_FILES || said.starts_with("error: invalid value '") {
            return said.to_owned();
        }
        match self.problem.get_or_init(|| configuration::of_tree(&self.root)) {
            None => said.to_owned(),
            Some(ConfigProblem::Outside { file, to, .. }) => format!(
                "its configuration leads out of the tree, by `{file}` to `{to}`: what it says is not shown, as it may quote \
                 that file (`ruff check` shows it)"
            ),
            Some(ConfigProblem::Unreadable { file, problem }) => {
                format!("its configuration `{file}` can't be read: {problem}")
            }
        }
    }
}
