//! The source tree of a command, with its settings.

use std::path::{Path, PathBuf};

use source_tree::{Launcher, STATE, SourceTree};

use crate::Error;
use crate::settings::GateSettings;

/// The source tree of a command, with its settings.
#[derive(Debug, Clone)]
pub struct Project {
    /// The files and the repository. Without a repository, the root is the nearest ancestor folder with a `t4.toml`.
    pub tree: SourceTree,
    /// The settings of `t4.toml`.
    pub settings: GateSettings,
    /// The absolute path of the ruff to run, if the caller names one.
    pub ruff: Option<PathBuf>,
}

impl Project {
    /// Finds the project that contains a folder (an absolute path). `launcher` has the environment of this process.
    ///
    /// # Errors
    /// git fails, or `t4.toml` can't be read.
    pub fn find(folder: &Path, launcher: &Launcher) -> Result<Self, Error> {
        let tree = SourceTree::find(folder, "t4.toml", launcher)?;
        let settings = GateSettings::read(&tree.root)?;
        Ok(Self { tree, settings, ruff: None })
    }

    /// Returns the project with this root, without its git repository.
    ///
    /// # Errors
    /// `t4.toml` can't be read.
    pub(crate) fn at(root: PathBuf) -> Result<Self, Error> {
        let settings = GateSettings::read(&root)?;
        Ok(Self { tree: SourceTree::at(root), settings, ruff: None })
    }

    /// Whether a file is in a skipped folder: one of the settings, `.git` or `.t4`.
    #[must_use]
    pub fn is_skipped(&self, name: &str) -> bool {
        let skip = &self.settings.check.skip;
        name.split('/').any(|part| part == ".git" || part == STATE || skip.iter().any(|skip| skip == part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_the_settings_name_are_skipped() {
        let tree = SourceTree::at(PathBuf::from("/r"));
        let project = Project { tree, settings: GateSettings::default(), ruff: None };
        assert!(project.is_skipped("src/labs/a.py") && !project.is_skipped("src/labs.py"));
    }
}
