//! Command lines of git: which program is run, and with which environment.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::overrides::GitOverrides;
use crate::{Error, Launcher};

/// Variables that locate a repository and its parts. git sets them for a hook, which may call T4.
const REPOSITORY: [&str; 8] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_PREFIX",
    "GIT_NAMESPACE",
];

/// Variables that every git gets: where the user's configuration is, who the user is, where to stop looking for a
/// repository.
const USER: [&str; 14] = [
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_EXEC_PATH",
    "GIT_AUTHOR_NAME",
    "GIT_AUTHOR_EMAIL",
    "GIT_AUTHOR_DATE",
    "GIT_COMMITTER_NAME",
    "GIT_COMMITTER_EMAIL",
    "GIT_COMMITTER_DATE",
    "GIT_CEILING_DIRECTORIES",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
];

/// Beginnings of the names of further settings that the user gives by variables.
const USER_SETTINGS: [&str; 2] = ["GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_"];

/// A way to run git.
#[derive(Debug, Clone)]
pub struct GitInvocation {
    program: PathBuf,
    pub launcher: Launcher,
    /// Whether the variables that name a repository count.
    of_environment: bool,
}

impl GitInvocation {
    /// git on `PATH`; `None` when there is none.
    pub fn find(launcher: &Launcher) -> Option<Self> {
        let program = launcher.program("git")?;
        Some(Self { program, launcher: launcher.clone(), of_environment: true })
    }

    /// The same without the variables that locate a repository.
    pub fn elsewhere(&self) -> Self {
        Self { of_environment: false, ..self.clone() }
    }

    /// Whether variables locate the repository.
    pub fn is_named(&self) -> bool {
        ["GIT_DIR", "GIT_WORK_TREE"].iter().any(|name| self.variable(name).is_some())
    }

    /// A variable that locates the repository or a part of it.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.launcher.variable(name).filter(|_| self.of_environment)
    }

    /// A git command in a folder. It never prompts, never uses the network, and takes no lock only to refresh the index.
    pub fn command(&self, folder: &Path, overrides: &GitOverrides) -> Command {
        let mut git = self.bare(folder);
        overrides.apply(&mut git);
        git
    }

    /// Everything but overrides.
    fn bare(&self, folder: &Path) -> Command {
        let also = |name: &str| {
            USER.contains(&name)
                || USER_SETTINGS.iter().any(|start| name.starts_with(start))
                || (self.of_environment && REPOSITORY.contains(&name))
        };
        let mut git = self.launcher.command(&self.program, folder, also);
        // Error messages are matched by their English text.
        git.env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0").env("GIT_LITERAL_PATHSPECS", "1");
        // In a partial clone, git would fetch missing objects.
        git.env("GIT_TERMINAL_PROMPT", "0").env("GIT_NO_LAZY_FETCH", "1").env("GIT_ALLOW_PROTOCOL", "");
        git.arg("--no-pager");
        git
    }

    /// A git command that may push over `protocols`. It keeps the user's environment, which ssh and credential helpers
    /// read.
    pub fn pushing(&self, folder: &Path, overrides: &GitOverrides, protocols: &str) -> Command {
        let is_elsewhere = |name: &str| name == "GIT_CONFIG" || REPOSITORY.contains(&name);
        let mut git = self.launcher.command(&self.program, folder, |name| !is_elsewhere(name));
        git.env("LC_ALL", "C").env("GIT_ALLOW_PROTOCOL", protocols).arg("--no-pager");
        overrides.apply(&mut git);
        git
    }

    /// Output of `git config --list`: for each setting its scope and `key<LF>value`, separated by NUL.
    pub fn listed_settings(&self, folder: &Path) -> Result<Vec<u8>, Error> {
        let mut git = self.bare(folder);
        // In a folder that looks like a bare repository there is none.
        git.args([
            "-c",
            "safe.bareRepository=explicit",
            "config",
            "--list",
            "-z",
            "--show-scope",
            "--includes",
        ]);
        let output = run(&mut git)?;
        if output.status.success() { Ok(output.stdout) } else { Err(refused(&output.stderr)) }
    }

    /// Paths that a configuration file includes, whatever the condition: `key<LF>path`, separated by NUL. The file is read
    /// outside of its repository, where git reads no other file of it.
    pub fn includes(&self, file: &Path) -> Result<Vec<u8>, Error> {
        let mut git = self.elsewhere().bare(Path::new("/"));
        git.args(["config", "--no-includes", "-z", "--type=path", "--file"]).arg(file);
        let output = run(git.args(["--get-regexp", r"^include(if\..*)?\.path$"]))?;
        // 1: there are none.
        if output.status.success() || output.status.code() == Some(1) {
            Ok(output.stdout)
        } else {
            Err(refused(&output.stderr))
        }
    }
}

/// Runs git without an input to its end.
pub fn run(git: &mut Command) -> Result<Output, Error> {
    git.stdin(Stdio::null()).output().map_err(|error| unstarted(&error))
}

/// Error for a git that could not be started.
pub fn unstarted(error: &std::io::Error) -> Error {
    Error::Program { program: "git".to_owned(), problem: format!("can't be run: {error}") }
}

/// Error for a git that failed with this text on stderr.
pub fn refused(said: &[u8]) -> Error {
    Error::Program { program: "git".to_owned(), problem: without_settings(&String::from_utf8_lossy(said)) }
}

/// git's message without quoted configuration. A repository can make git parse any file of the machine as configuration.
fn without_settings(said: &str) -> String {
    const QUOTING: [&str; 5] =
        ["key does not contain", "invalid key", "config value", "missing value for", "config variable"];
    let is_quoting = |line: &&str| QUOTING.iter().any(|words| line.contains(words));
    let said = said.trim();
    if !said.lines().any(|line| is_quoting(&line)) {
        return said.to_owned();
    }
    let mut kept: Vec<_> = said.lines().filter(|line| !is_quoting(line)).collect();
    kept.push("git does not understand its configuration here: `git config --list --show-origin` tells more");
    kept.join("\n")
}
