//! A working tree: its root, where the caller stands in it, its repository.

use std::path::{Component, Path, PathBuf};

use crate::git::Git;
use crate::{Error, Launcher};

/// The folder below the root where T4 keeps what it needs for undo: ignored by git.
pub const STATE: &str = ".t4";

/// A working tree.
#[derive(Debug, Clone)]
pub struct SourceTree {
    /// The repository's root; without one, the nearest folder above with a marker, else the working directory.
    pub root: PathBuf,
    /// The working directory, from the root; empty when it is the root.
    pub prefix: PathBuf,
    /// The repository, if it is one.
    pub git: Option<Git>,
    /// What starts programs in the tree.
    pub launcher: Launcher,
}

impl SourceTree {
    /// The tree around a folder (an absolute path). `marker` is the file that a root has where there is no repository;
    /// `launcher` has the variables of this process.
    ///
    /// # Errors
    /// When the folder can't be entered, or git refuses.
    pub fn find(folder: &Path, marker: &str, launcher: &Launcher) -> Result<Self, Error> {
        let folder = folder.canonicalize().map_err(Error::file(folder, "can't be entered"))?;
        let git = Git::find(&folder, launcher)?;
        let root = match &git {
            Some(git) => git.root().to_owned(),
            None => {
                folder.ancestors().find(|above| above.join(marker).is_file()).unwrap_or(&folder).to_owned()
            }
        };
        let prefix = folder.strip_prefix(&root).unwrap_or(Path::new("")).to_owned();
        let launcher = launcher.within(&root);
        Ok(Self { root, prefix, git, launcher })
    }

    /// The tree of a root without a repository. It has no launcher, so no program is found.
    #[must_use]
    pub fn at(root: PathBuf) -> Self {
        Self { root, prefix: PathBuf::new(), git: None, launcher: Launcher::default() }
    }

    /// A path of the command line (seen from the working directory) as a name from the root, with `/`; the root itself
    /// is `.`.
    ///
    /// # Errors
    /// [`Error::Usage`] when it leads out of the root, or is not UTF-8.
    pub fn name(&self, path: &Path) -> Result<String, Error> {
        let outside =
            || Error::Usage(format!("`{}` is outside of `{}`", path.display(), self.root.display()));
        let joined = if path.is_absolute() {
            // The caller may have come to the root through a link.
            let real = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
            let below = |path: &Path| path.strip_prefix(&self.root).ok().map(Path::to_owned);
            below(path).or_else(|| below(&real()?)).ok_or_else(outside)?
        } else {
            self.prefix.join(path)
        };
        let mut parts: Vec<&str> = Vec::new();
        for part in joined.components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir => {
                    parts.pop().ok_or_else(outside)?;
                }
                Component::Normal(name) => parts.push(
                    name.to_str()
                        .ok_or_else(|| Error::Usage(format!("`{}` is not UTF-8", path.display())))?,
                ),
                Component::RootDir | Component::Prefix(_) => return Err(outside()),
            }
        }
        Ok(if parts.is_empty() { ".".to_owned() } else { parts.join("/") })
    }

    /// The path of a name from the root.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_from_the_root_and_never_outside() {
        let tree = SourceTree { prefix: PathBuf::from("src"), ..SourceTree::at(PathBuf::from("/r")) };
        for (path, name) in [
            ("a.py", Some("src/a.py")),
            ("./x/../a.py", Some("src/a.py")),
            ("..", Some(".")),
            ("/r/b/", Some("b")),
        ] {
            assert_eq!(tree.name(Path::new(path)).ok().as_deref(), name, "{path}");
        }
        assert!(tree.name(Path::new("../..")).is_err());
        assert!(tree.name(Path::new("/etc")).is_err());
    }
}
