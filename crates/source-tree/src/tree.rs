//! Working tree: its root, the caller's folder in it, and its repository.

use std::path::{Component, Path, PathBuf};

use crate::git::Git;
use crate::{Error, Launcher};

/// The folder below the root where T4 keeps what it needs for undo: ignored by git.
pub const STATE: &str = ".t4";

/// Why a path has no name from the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameFault {
    /// It leads out of the root.
    Outside,
    /// It is not UTF-8.
    NotUtf8,
}

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
        let seen = if path.is_absolute() { path.to_owned() } else { self.prefix.join(path) };
        self.name_from_root(&seen).map_err(|fault| {
            Error::Usage(match fault {
                NameFault::Outside => {
                    format!("`{}` is outside of `{}`", path.display(), self.root.display())
                }
                NameFault::NotUtf8 => format!("`{}` is not UTF-8", path.display()),
            })
        })
    }

    /// A path that is absolute, or seen from the root, as a name from the root. `..` is resolved by the parts of the
    /// path; no link below the root is followed.
    ///
    /// # Errors
    /// When it leads out of the root, or is not UTF-8.
    pub fn name_from_root(&self, path: &Path) -> Result<String, NameFault> {
        let real;
        let below = if !path.is_absolute() {
            path
        } else if let Ok(below) = path.strip_prefix(&self.root) {
            below
        } else {
            // Whoever named it may have come to the root through a link.
            let of_link = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
            real = of_link().ok_or(NameFault::Outside)?;
            real.strip_prefix(&self.root).map_err(|_| NameFault::Outside)?
        };
        let mut parts: Vec<&str> = Vec::new();
        for part in below.components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir => {
                    parts.pop().ok_or(NameFault::Outside)?;
                }
                Component::Normal(name) => parts.push(name.to_str().ok_or(NameFault::NotUtf8)?),
                Component::RootDir | Component::Prefix(_) => return Err(NameFault::Outside),
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

    #[test]
    fn an_absolute_name_through_a_link_to_the_root_is_inside_and_any_other_is_not() {
        use std::os::unix::fs::symlink;

        let folder = tempfile::tempdir().unwrap();
        let top = folder.path().canonicalize().unwrap();
        let root = top.join("root");
        std::fs::create_dir_all(root.join("src")).unwrap();
        std::fs::create_dir(top.join("other")).unwrap();
        symlink(&root, top.join("to-root")).unwrap();
        symlink(top.join("other"), top.join("to-other")).unwrap();
        symlink(top.join("gone"), top.join("dangling")).unwrap();
        let tree = SourceTree::at(root);
        let name = |path: &str| tree.name_from_root(&top.join(path));
        assert_eq!(name("to-root/src/a.py").as_deref(), Ok("src/a.py"));
        assert_eq!(name("to-root/src/../a.py").as_deref(), Ok("a.py"));
        for path in ["to-other/a.py", "dangling/a.py", "to-root/../other/a.py", "root/../other/a.py"] {
            assert_eq!(name(path), Err(NameFault::Outside), "{path}");
        }
    }
}
