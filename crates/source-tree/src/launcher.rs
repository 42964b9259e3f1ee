//! Starter of other programs (git, linters) in a tree that is not trusted.
//!
//! Programs are searched in the folders of `PATH` that are absolute and outside of the tree, so that a tree can't provide
//! them. They get the few environment variables that they need, and none of T4's secrets.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// Variables of every program: where the user's files are, and how texts and times are written.
const COMMON: [&str; 12] = [
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "TZ",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
];

/// Where programs are when there is no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Starter of programs for one tree.
#[derive(Debug, Clone, Default)]
pub struct Launcher {
    variables: Arc<BTreeMap<OsString, OsString>>,
    /// The folders of `PATH` that lie outside of the tree.
    folders: Vec<PathBuf>,
    /// The folder of programs of the active virtual environment, when that is in the tree.
    active: Option<PathBuf>,
}

impl Launcher {
    /// A starter for the tree at `root`, from the environment of this process. `T4_*` variables are dropped.
    #[must_use]
    pub fn new(root: &Path, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let is_own = |name: &OsStr| name.as_bytes().starts_with(b"T4_");
        let variables = variables.into_iter().filter(|(name, _)| !is_own(name)).collect();
        Self { variables: Arc::new(variables), ..Self::default() }.within(root)
    }

    /// The same for the tree of another root.
    #[must_use]
    pub fn within(&self, root: &Path) -> Self {
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let real = |folder: &Path| folder.canonicalize().ok().filter(|_| folder.is_absolute());
        let path = self.variable("PATH").unwrap_or(OsStr::new(DEFAULT_PATH));
        let folders =
            path.as_bytes().split(|byte| *byte == b':').map(|part| Path::new(OsStr::from_bytes(part)));
        // A relative folder would be resolved inside the tree.
        let outside = |folder: &&Path| real(folder).is_some_and(|folder| !folder.starts_with(&root));
        let active = self.variable("VIRTUAL_ENV").map(|folder| Path::new(folder).join("bin"));
        Self {
            variables: self.variables.clone(),
            folders: folders.filter(outside).map(Path::to_owned).collect(),
            active: active.filter(|folder| real(folder).is_some_and(|folder| folder.starts_with(&root))),
        }
    }

    /// A variable of this process.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// A program on `PATH`, outside of the tree; its absolute path.
    #[must_use]
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        self.folders.iter().map(|folder| folder.join(name)).find(|path| is_program(path))
    }

    /// A program of a virtual environment inside the tree, if that environment is active (`VIRTUAL_ENV`).
    #[must_use]
    pub fn program_of_active_environment(&self, name: &str) -> Option<PathBuf> {
        self.active.iter().map(|folder| folder.join(name)).find(|path| is_program(path))
    }

    /// A command in a folder. Its environment has the variables that every program gets, and those of this process that
    /// `also` accepts.
    #[must_use]
    pub fn command(&self, program: &Path, folder: &Path, also: impl Fn(&str) -> bool) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).env_clear();
        let wanted = |name: &OsStr| name.to_str().is_some_and(|name| COMMON.contains(&name) || also(name));
        command.envs(self.variables.iter().filter(|(name, _)| wanted(name)));
        // The program must not find its child programs in the tree either.
        let path =
            self.folders.iter().map(|folder| folder.as_os_str().as_bytes()).collect::<Vec<_>>().join(&b':');
        command.env("PATH", OsStr::from_bytes(&path));
        command
    }
}

/// Whether a path is that of a file that can be run.
fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::symlink;

    use super::*;

    fn program(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }

    /// A launcher with the `PATH` of the tests.
    pub(crate) fn of_this_process(root: &Path) -> Launcher {
        let user = [("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")];
        launcher(root, &[&[("PATH", env!("PATH"))], &user[..]].concat())
    }

    fn launcher(root: &Path, variables: &[(&str, &str)]) -> Launcher {
        Launcher::new(root, variables.iter().map(|(name, value)| ((*name).into(), (*value).into())))
    }

    #[test]
    fn programs_of_the_tree_are_not_found_unless_their_environment_is_active() {
        let folder = tempfile::tempdir().unwrap();
        let (tree, user) = (folder.path().join("tree"), folder.path().join("user"));
        for place in ["tree/tool", "tree/.venv/bin/tool", "tree/sub/tool"] {
            program(&folder.path().join(place));
        }
        fs::create_dir(&user).unwrap();
        symlink(tree.join("sub"), folder.path().join("link")).unwrap();
        let shown = |name: &str| folder.path().join(name).display().to_string();
        let hostile =
            [".", "", "./sub", &shown("tree/sub"), &shown("link"), &shown("tree/.venv/bin")].join(":");
        let path = format!("{hostile}:{}:/no-such-folder", shown("user"));
        let found = launcher(&tree, &[("PATH", &path)]);
        assert_eq!(found.program("tool"), None);
        let command = found.command(Path::new("x"), &tree, |_| false);
        let on_path = command.get_envs().find(|(name, _)| *name == "PATH").unwrap().1;
        assert_eq!(on_path, Some(user.as_os_str()));
        program(&user.join("tool"));
        assert_eq!(found.program("tool"), Some(user.join("tool")));
        assert_eq!(found.program_of_active_environment("tool"), None);
        let active = launcher(&tree, &[("PATH", &path), ("VIRTUAL_ENV", &shown("tree/.venv"))]);
        assert_eq!(active.program("tool"), Some(user.join("tool")));
        assert_eq!(active.program_of_active_environment("tool"), Some(tree.join(".venv/bin/tool")));
        for elsewhere in [".venv", &shown("user"), ""] {
            let other = launcher(&tree, &[("VIRTUAL_ENV", elsewhere)]);
            assert_eq!(other.program_of_active_environment("tool"), None, "{elsewhere}");
        }
    }

    #[test]
    fn a_program_gets_no_variable_that_was_not_named() {
        let variables = [
            ("HOME", "/h"),
            ("T4_API_KEY", "k"),
            ("GITHUB_TOKEN", "t"),
            ("LD_PRELOAD", "x"),
            ("GIT_DIR", "g"),
            ("EMPTY", ""),
        ];
        let launcher = launcher(Path::new("/"), &variables);
        let names = |also: fn(&str) -> bool| {
            let command = launcher.command(Path::new("x"), Path::new("/"), also);
            let set = command.get_envs().filter(|(_, value)| value.is_some());
            set.map(|(name, _)| name.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(|_| false), ["HOME", "PATH"]);
        assert_eq!(names(|name| name.starts_with("GIT_")), ["GIT_DIR", "HOME", "PATH"]);
        assert!(!names(|_| true).contains(&"T4_API_KEY".to_owned()));
    }
}
