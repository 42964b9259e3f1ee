//! The tree that a command works on.

use std::path::{Path, PathBuf};

use source_tree::{Launcher, STATE, SourceTree};

use crate::Error;
use crate::settings::GateSettings;

/// The tree that a command works on.
#[derive(Debug, Clone)]
pub struct Project {
    /// Its files and its repository. Without one, the root is the nearest folder above with a `t4.toml`.
    pub tree: SourceTree,
    /// What `t4.toml` says.
    pub settings: GateSettings,
    /// The ruff to run, when the caller names one (an absolute path).
    pub ruff: Option<PathBuf>,
}

impl Project {
    /// The project around a folder (an absolute path); `launcher` has the variables of this process.
    ///
    /// # Errors
    /// When git refuses, or `t4.toml` can't be read.
    pub fn find(folder: &Path, launcher: &Launcher) -> Result<Self, Error> {
        let tree = SourceTree::find(folder, "t4.toml", launcher)?;
        let settings = GateSettings::read(&tree.root)?;
        Ok(Self { tree, settings, ruff: None })
    }

    /// The project of a root without a repository around it.
    ///
    /// # Errors
    /// When `t4.toml` can't be read.
    pub(crate) fn at(root: PathBuf) -> Result<Self, Error> {
        let settings = GateSettings::read(&root)?;
        Ok(Self { tree: SourceTree::at(root), settings, ruff: None })
    }

    /// Whether a name lies in a folder that is not looked into: git's own and T4's never are.
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
