//! The tree that a command works on.

use std::path::{Path, PathBuf};

use source_tree::{STATE, SourceTree};

use crate::Error;
use crate::settings::GateSettings;

/// The tree that a command works on.
#[derive(Debug, Clone)]
pub struct Project {
    /// Its files and its repository. Without one, the root is the nearest folder above with a `t4.toml`.
    pub tree: SourceTree,
    /// What `t4.toml` says.
    pub settings: GateSettings,
}

impl Project {
    /// The project around a folder (an absolute path).
    ///
    /// # Errors
    /// When git refuses, or `t4.toml` can't be read.
    pub fn find(folder: &Path) -> Result<Self, Error> {
        let tree = SourceTree::find(folder, "t4.toml")?;
        let settings = GateSettings::read(&tree.root)?;
        Ok(Self { tree, settings })
    }

    /// The project of a root without a repository around it.
    ///
    /// # Errors
    /// When `t4.toml` can't be read.
    pub(crate) fn at(root: PathBuf) -> Result<Self, Error> {
        let settings = GateSettings::read(&root)?;
        Ok(Self { tree: SourceTree::at(root), settings })
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
        let project =
            Project { tree: SourceTree::at(PathBuf::from("/r")), settings: GateSettings::default() };
        assert!(project.is_skipped("src/labs/a.py") && !project.is_skipped("src/labs.py"));
    }
}
