//! Repository with a program that leaves a trace when it is run.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking as well")]

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use source_tree::git::Git;
use source_tree::{Error, Launcher};
use tempfile::TempDir;

/// A repository, and what is beside it.
pub struct Scene {
    folder: TempDir,
}

impl Scene {
    /// A repository with two commits on `main`, a file that is changed since and one that is new.
    pub fn new() -> Self {
        let scene = Self { folder: TempDir::new().unwrap() };
        fs::create_dir_all(scene.temporary()).unwrap();
        scene.write(
            "user.gitconfig",
            "[user]\n\tname = Ada\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n",
        );
        let trace = format!("#!/bin/sh\n(echo \"$0 $*\"; env) >> '{}'\ncat\n", scene.path("trace").display());
        scene.write("program", trace);
        fs::set_permissions(scene.program(), Permissions::from_mode(0o755)).unwrap();
        scene.write("quitter", fs::read_to_string(scene.program()).unwrap().replace("cat\n", "exit 1\n"));
        fs::set_permissions(scene.path("quitter"), Permissions::from_mode(0o755)).unwrap();
        fs::create_dir_all(scene.root()).unwrap();
        scene.git(&["init", "-q"]);
        scene.write("repo/a.py", "import os\n");
        scene.write("repo/b.py", "import re\n");
        scene.commit("one");
        scene.write("repo/b.py", "import re\nimport sys\n");
        scene.commit("two");
        scene.write("repo/a.py", "import os\nimport io\n");
        scene
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn root(&self) -> PathBuf {
        self.path("repo")
    }

    pub fn temporary(&self) -> PathBuf {
        self.path("temporary")
    }

    /// The program that leaves a trace; as a filter it changes nothing. Where it talks with git, `quitter` does not wait.
    pub fn program(&self) -> PathBuf {
        self.path("program")
    }

    /// The program as a text of settings.
    pub fn shown(&self) -> String {
        self.program().display().to_string()
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Adds to the repository's own configuration.
    pub fn configure(&self, text: &str) {
        let path = self.path("repo/.git/config");
        let before = fs::read_to_string(&path).unwrap();
        fs::write(path, before + text).unwrap();
    }

    /// git without any protection, about to be run in a folder.
    pub fn bare_git(&self, folder: &Path) -> Command {
        let mut git = Command::new("git");
        git.current_dir(folder).env("GIT_CONFIG_GLOBAL", self.path("user.gitconfig"));
        git.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
        git
    }

    pub fn git_in(&self, folder: &Path, arguments: &[&str]) -> String {
        let output = self.bare_git(folder).args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        self.git_in(&self.root(), arguments)
    }

    pub fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    /// A launcher with these variables beside those that lead to the user's configuration.
    pub fn launcher(&self, variables: &[(&str, &str)]) -> Launcher {
        let user = self.path("user.gitconfig").display().to_string();
        let own = [
            ("PATH", env!("PATH")),
            ("HOME", "/no-such-home"),
            ("GIT_CONFIG_GLOBAL", user.as_str()),
            ("GIT_CONFIG_NOSYSTEM", "1"),
        ];
        let variables =
            own.iter().chain(variables).map(|(name, value)| (OsString::from(name), OsString::from(value)));
        Launcher::new(&self.root(), variables)
    }

    /// The repository as T4 opens it.
    pub fn open(&self) -> Result<Git, Error> {
        Ok(Git::find(&self.root(), &self.launcher(&[]))?.expect("a repository"))
    }

    /// What the program left, once.
    pub fn trace(&self) -> Option<String> {
        let path = self.path("trace");
        let trace = fs::read_to_string(&path).ok();
        let _ = fs::remove_file(path);
        trace
    }
}

/// Does all that T4 ever does with git, as far as git lets it; the errors.
pub fn everything(scene: &Scene) -> Vec<String> {
    let mut errors = Vec::new();
    let mut note = |result: Result<(), Error>| errors.extend(result.err().map(|error| error.to_string()));
    let git = match scene.open() {
        Ok(git) => git,
        Err(error) => return vec![error.to_string()],
    };
    note(git.default_base().map(drop));
    note(git.changed("HEAD~1").map(drop));
    note(git.merge_base("HEAD~1").map(drop));
    note(git.dirty_submodules(true).map(drop));
    note(git.behind_filter(&["a.py", "b.py"]).map(drop));
    note(git.hooks_folder().map(drop));
    note(source_tree::blame::blame(&git, "a.py").map(drop));
    let diff = [
        "diff",
        "--name-status",
        "-z",
        "-M",
        "--no-ext-diff",
        "--no-textconv",
        "--ignore-submodules=dirty",
        "HEAD~1",
        "--",
    ];
    for arguments in [
        &diff[..],
        &["ls-files", "-z", "--cached", "--stage"],
        &["ls-files", "-z", "--cached", "--ignored", "--exclude-standard"],
        &["cat-file", "blob", "HEAD~1:b.py"],
        &["ls-tree", "-z", "-l", "--full-tree", "HEAD", "--", "audit/"],
        &["remote", "get-url", "origin"],
        &["rev-parse", "--git-common-dir"],
    ] {
        note(git.run(arguments).map(drop));
    }
    note(batch(&git, &scene.temporary()));
    errors
}

/// What `t4 batches` does: a worktree, a change, a commit, a branch.
pub fn batch(git: &Git, temporary: &Path) -> Result<(), Error> {
    use source_tree::worktree::{Workshop, output};
    let base = git.commit("HEAD")?.ok_or_else(|| Error::Refused("no commit".to_owned()))?;
    let shop = Workshop::open(git, temporary, &base, false)?;
    let tree = shop.worktree("batch")?;
    fs::write(tree.path.join("b.py"), "import re\n").unwrap();
    output(tree.git().args(["add", "--pathspec-from-file=-", "--pathspec-file-nul"]), Some(b"b.py\0"))?;
    output(tree.git().args(["commit", "--quiet", "--file=-"]), Some(b"Fix\n"))?;
    let commit = output(tree.git().args(["rev-parse", "--verify", "HEAD"]), None)?;
    output(tree.git().args(["update-ref", "--", "refs/heads/t4/x", &commit]), None).map(drop)
}
