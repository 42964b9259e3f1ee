//! Filter for ruff's messages on stderr, which may quote files outside the tree.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::NO_FILES;
use super::configuration::{self, ConfigProblem};

/// Filter for the messages of ruff in one tree. The tree is searched at most once, and only when ruff wrote a message.
#[derive(Debug, Clone)]
pub struct RuffSaid {
    root: PathBuf,
    problem: Arc<OnceLock<Option<ConfigProblem>>>,
}

impl RuffSaid {
    pub fn of(root: &Path) -> Self {
        Self { root: root.to_owned(), problem: Arc::default() }
    }

    /// Returns the message, or the reason why it is not shown.
    pub fn told(&self, said: &str) -> String {
        let said = said.trim();
        // Messages about T4's arguments, or about a tree without Python, quote no configuration.
        if said.is_empty() || said == NO_FILES || said.starts_with("error: invalid value '") {
            return said.to_owned();
        }
        match self.problem.get_or_init(|| configuration::of_tree(&self.root)) {
            None => said.to_owned(),
            Some(ConfigProblem::Outside { file, to, .. }) => format!(
                "its configuration `{file}` refers to `{to}` outside the tree, so its messages are not shown: they may \
                 quote that file; run `ruff check` to see them"
            ),
            Some(ConfigProblem::Unreadable { file, problem }) => {
                format!("its configuration `{file}` can't be read: {problem}")
            }
        }
    }
}
