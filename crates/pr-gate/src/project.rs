//! The tree that a command works on.

use std::path::{Component, Path, PathBuf};

use crate::Error;
use crate::git::Git;
use crate::settings::Settings;

/// The folder below the root where T4 keeps what it needs for undo: ignored by git.
pub const STATE: &str = ".t4";

/// The tree that a command works on.
#[derive(Debug, Clone)]
pub struct Project {
    /// The repository's root; without one, the nearest folder above with a `t4.toml`, else the working directory.
    pub root: PathBuf,
    /// The working directory, from the root; empty when it is the root.
    pub prefix: PathBuf,
    /// The repository, if it is one.
    pub git: Option<Git>,
    /// What `t4.toml` says.
    pub settings: Settings,
}

impl Project {
    /// The project around a folder (an absolute path).
    ///
    /// # Errors
    /// When git refuses, or `t4.toml` can't be read.
    pub fn find(folder: &Path) -> Result<Self, Error> {
        let folder = folder.canonicalize().map_err(Error::file(folder, "can't be entered"))?;
        let git = Git::find(&folder)?;
        let root = match &git {
            Some(git) => git.root().to_owned(),
            None => {
                folder.ancestors().find(|above| above.join("t4.toml").is_file()).unwrap_or(&folder).to_owned()
            }
        };
        let prefix = folder.strip_prefix(&root).unwrap_or(Path::new("")).to_owned();
        let settings = Settings::read(&root)?;
        Ok(Self { root, prefix, git, settings })
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
    fn names_are_from_the_root_and_never_outside() {
        let project = Project {
            root: PathBuf::from("/r"),
            prefix: PathBuf::from("src"),
            git: None,
            settings: Settings::default(),
        };
        for (path, name) in [
            ("a.py", Some("src/a.py")),
            ("./x/../a.py", Some("src/a.py")),
            ("..", Some(".")),
            ("/r/b/", Some("b")),
        ] {
            assert_eq!(project.name(Path::new(path)).ok().as_deref(), name, "{path}");
        }
        assert!(project.name(Path::new("../..")).is_err());
        assert!(project.name(Path::new("/etc")).is_err());
        assert!(project.is_skipped("src/labs/a.py") && !project.is_skipped("src/labs.py"));
    }
}
