//! How git is run: which program, with which variables.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::overrides::GitOverrides;
use crate::{Error, Launcher};

/// Variables that say where a repository and its parts are: a hook that calls T4 names its own by them.
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
pub struct Invocation {
    program: PathBuf,
    pub launcher: Launcher,
    /// Whether the variables that name a repository count.
    of_environment: bool,
}

impl Invocation {
    /// git on `PATH`; `None` when there is none.
    pub fn find(launcher: &Launcher) -> Option<Self> {
        let program = launcher.program("git")?;
        Some(Self { program, launcher: launcher.clone(), of_environment: true })
    }

    /// The same for another working tree than that of the variables.
    pub fn elsewhere(&self) -> Self {
        Self { of_environment: false, ..self.clone() }
    }

    /// Whether the caller named the repository by variables.
    pub fn is_named(&self) -> bool {
        let names = ["GIT_DIR", "GIT_WORK_TREE"];
        self.of_environment && names.iter().any(|name| self.launcher.variable(name).is_some())
    }

    /// git about to be run in a folder. It asks nobody anything, talks to no other machine and takes no lock for a mere
    /// look.
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
        // Its words are looked for.
        git.env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0").env("GIT_LITERAL_PATHSPECS", "1");
        // A clone without all objects would fetch those that are missing.
        git.env("GIT_TERMINAL_PROMPT", "0").env("GIT_NO_LAZY_FETCH", "1").env("GIT_ALLOW_PROTOCOL", "");
        git.arg("--no-pager");
        git
    }

    /// git about to push from a folder: it may use the user's own ssh and credential helpers, whatever variables these
    /// read, over `protocols` alone.
    pub fn pushing(&self, folder: &Path, overrides: &GitOverrides, protocols: &str) -> Command {
        let is_elsewhere = |name: &str| name == "GIT_CONFIG" || REPOSITORY.contains(&name);
        let mut git = self.launcher.command(&self.program, folder, |name| !is_elsewhere(name));
        git.env("LC_ALL", "C").env("GIT_ALLOW_PROTOCOL", protocols).arg("--no-pager");
        overrides.apply(&mut git);
        git
    }

    /// What `git config --list` tells: for each setting its scope and `key<LF>value`, with NULs between.
    pub fn listed_settings(&self, folder: &Path) -> Result<Vec<u8>, Error> {
        let mut git = self.bare(folder);
        // In a folder that looks like a bare repository there is none.
        git.args(["-c", "safe.bareRepository=explicit", "config", "--list", "-z", "--show-scope", "--includes"]);
        let output = run(&mut git)?;
        if output.status.success() { Ok(output.stdout) } else { Err(refused(&output.stderr)) }
    }
}

/// Runs git without an input to its end.
pub fn run(git: &mut Command) -> Result<Output, Error> {
    git.stdin(Stdio::null()).output().map_err(|error| unstarted(&error))
}

/// git can't be run.
pub fn unstarted(error: &std::io::Error) -> Error {
    Error::Program { program: "git".to_owned(), problem: format!("can't be run: {error}") }
}

/// git failed, and said this.
pub fn refused(said: &[u8]) -> Error {
    Error::Program { program: "git".to_owned(), problem: without_settings(&String::from_utf8_lossy(said)) }
}

/// What git says, without what it quotes of a configuration that it does not understand: a repository can have it read any
/// file as one.
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
