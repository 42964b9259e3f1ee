//! What the tests of this binary share.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use t4_tests::process;
use tempfile::TempDir;

/// The repository's root.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent").to_owned()
}

/// The folder of the ruff that `scripts/ensure-ruff.sh` installed.
pub fn ruff_folder() -> PathBuf {
    let folder = process::built().parent().expect("target").join("tools/ruff/bin");
    assert!(folder.join("ruff").exists(), "ruff is missing: run scripts/ensure-ruff.sh first");
    folder
}

/// PATH with the tests' ruff in front.
pub fn path_with_ruff() -> OsString {
    let mut folders = vec![ruff_folder()];
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    std::env::join_paths(folders).expect("a PATH")
}

/// How a run ended.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// stdout as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The run, which ended with this code.
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

/// A folder of its own, with git or without.
pub struct Repo {
    folder: TempDir,
}

impl Repo {
    /// An empty repository on `main`, untouched by the user's settings.
    pub fn new() -> Self {
        let repo = Self::without_git();
        repo.git(&["init", "-q", "-b", "main"]);
        repo.git(&["config", "user.name", "Ada Example"]);
        repo.git(&["config", "user.email", "ada@example.com"]);
        repo.git(&["config", "commit.gpgsign", "false"]);
        repo
    }

    /// A folder without git.
    pub fn without_git() -> Self {
        Self { folder: TempDir::new().expect("a folder") }
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Writes a file, with the folders above it.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        std::fs::write(path, text).expect("a file");
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn read(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).expect("UTF-8")
    }

    /// git, which succeeds; what it printed.
    pub fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.current_dir(self.root()).args(arguments);
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        process::stdout_of(&mut git)
    }

    /// Commits everything that is there.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// `t4`, about to be run in the root, with the tests' ruff on PATH and nothing of the user's environment.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut t4 = process::command("t4");
        t4.current_dir(self.root()).args(arguments).env("PATH", path_with_ruff());
        t4.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        t4.env("RUFF_NO_CACHE", "true");
        t4
    }

    /// Runs `t4` in the root.
    pub fn t4<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Run {
        Run::of(process::run(&mut self.command(arguments)))
    }
}
