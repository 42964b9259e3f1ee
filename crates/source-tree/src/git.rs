//! git, run as a program on a repository that is not trusted: nothing that the repository names is run.
//!
//! The settings that apply in the repository are read first, and those that name programs are overridden. Hooks are off
//! and nothing is fetched. Each submodule is treated as another repository that is not trusted. No filter is run, so files
//! behind one, such as those of Git LFS, are compared and stored as they are in the working tree
//! ([`Git::behind_filter`]).

mod endless;
mod filters;
mod invocation;
pub mod listing;
mod overrides;
mod push;
mod settings;
mod submodules;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use crate::{Error, Launcher};
use invocation::{GitInvocation, run};
use overrides::GitOverrides;
use settings::Setting;

pub(crate) use invocation::refused;
pub use push::push;

/// Where a base is looked for when none is given: what the remote calls its default branch, then the usual names.
const DEFAULT_BASES: [&str; 5] = ["origin/HEAD", "origin/main", "origin/master", "main", "master"];

/// A repository's working tree.
#[derive(Debug, Clone)]
pub struct Git {
    root: PathBuf,
    invocation: GitInvocation,
    settings: Arc<[Setting]>,
    overrides: Arc<GitOverrides>,
}

/// Why there is no repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRepository {
    /// The folder is outside of one.
    Outside,
    /// git is not installed.
    NoGit,
}

/// The files that a change touches, from the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangedNames {
    /// All of them, in the order of their names.
    pub names: Vec<Vec<u8>>,
    /// Names that may be unchanged: they differ in the working tree alone, and a filter that T4 does not run applies to
    /// them.
    pub behind_filter: Vec<Vec<u8>>,
}

impl Git {
    /// The repository around a folder; `None` when there is none, or no git.
    ///
    /// # Errors
    /// When git refuses for another reason (a repository of another user), or the repository is one that T4 does not work
    /// in: its configuration puts its working tree elsewhere, or is too large.
    pub fn find(folder: &Path, launcher: &Launcher) -> Result<Option<Self>, Error> {
        Ok(Self::look(folder, launcher)?.ok())
    }

    /// The same, with the reason why there is none.
    ///
    /// # Errors
    /// As for [`Git::find`].
    pub fn look(folder: &Path, launcher: &Launcher) -> Result<Result<Self, NoRepository>, Error> {
        let holds_git = |folder: &&Path| folder.join(".git").symlink_metadata().is_ok();
        let enclosing = folder.ancestors().find(holds_git);
        let launcher = launcher.within(enclosing.unwrap_or(folder));
        let Some(invocation) = GitInvocation::find(&launcher) else { return Ok(Err(NoRepository::NoGit)) };
        endless::refuse(&invocation, folder, enclosing)?;
        let mut git = invocation.command(folder, &GitOverrides::always());
        let output = run(git.args(["rev-parse", "--show-toplevel"]))?;
        if !output.status.success() {
            let outside = String::from_utf8_lossy(&output.stderr).contains("not a git repository");
            return if outside { Ok(Err(NoRepository::Outside)) } else { Err(refused(&output.stderr)) };
        }
        let line = output.stdout.strip_suffix(b"\n").unwrap_or(&output.stdout);
        let root = std::str::from_utf8(line).map_err(|_| refused(b"the repository's path is not UTF-8"))?;
        let root = PathBuf::from(root);
        // A repository's configuration could name any folder, and T4 would read and change the files there.
        if !invocation.is_named() && !enclosing.is_some_and(|folder| is_same(folder, &root)) {
            return Err(Error::Refused(format!(
                "the configuration of this git repository puts its working tree at `{}` (core.worktree): T4 does not \
                 follow it there",
                root.display()
            )));
        }
        Self::at(root, invocation).map(Ok)
    }

    /// The repository of a working tree whose root is known.
    fn at(root: PathBuf, invocation: GitInvocation) -> Result<Self, Error> {
        let settings = settings::parse(&invocation.listed_settings(&root)?)?;
        endless::refuse_named(&settings, &root, invocation.launcher.variable("HOME"))?;
        let overrides = GitOverrides::offline(&settings)?;
        Ok(Self { root, invocation, settings: settings.into(), overrides: overrides.into() })
    }

    /// The same repository at another working tree, or the repository of a submodule. The settings are read again, because
    /// which settings apply can depend on the folder (`includeIf`, `config.worktree`).
    pub(crate) fn elsewhere(&self, root: &Path) -> Result<Self, Error> {
        let invocation = self.invocation.elsewhere();
        endless::refuse(&invocation, root, Some(root))?;
        Self::at(root.to_owned(), invocation)
    }

    /// The top of the working tree.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What starts programs in this tree.
    #[must_use]
    pub fn launcher(&self) -> &Launcher {
        &self.invocation.launcher
    }

    /// Runs git in the root; its output when it succeeds.
    ///
    /// # Errors
    /// When it can't be run or fails, with what it said.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Vec<u8>, Error> {
        let output = self.output(arguments)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let is_partial = |one: &Setting| one.section == "remote" && one.name == "promisor";
        Err(match refused(&output.stderr) {
            Error::Program { program, problem } if self.settings.iter().any(is_partial) => {
                let hint = "this clone may lack objects (`git clone --filter`), and T4 fetches none: `git fetch --refetch \
                            --no-filter` brings them";
                Error::Program { program, problem: format!("{problem}; {hint}") }
            }
            other => other,
        })
    }

    /// Runs git in the root, whatever becomes of it.
    ///
    /// # Errors
    /// When it can't be run.
    pub fn output<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Output, Error> {
        run(self.command().args(arguments))
    }

    /// git, about to be run in the root.
    #[must_use]
    pub fn command(&self) -> Command {
        self.invocation.command(&self.root, &self.overrides)
    }

    /// The folder in which git looks for hooks: that of `core.hooksPath`, else the repository's. T4 itself never runs any.
    ///
    /// # Errors
    /// When git can't be run or fails, or the path is not UTF-8.
    pub fn hooks_folder(&self) -> Result<PathBuf, Error> {
        // The override of this setting names a folder without hooks.
        let mut git = self.invocation.command(&self.root, &self.overrides.without("core.hooksPath"));
        let output = run(git.args(["rev-parse", "--git-path", "hooks"]))?;
        if !output.status.success() {
            return Err(refused(&output.stderr));
        }
        let told = String::from_utf8(output.stdout)
            .map_err(|_| Error::unreadable("git", "the path of the hooks is not UTF-8"))?;
        let path = self.root.join(told.trim_end_matches('\n'));
        Ok(path.canonicalize().unwrap_or(path))
    }

    /// The commit that a revision names; `None` when it names none.
    ///
    /// # Errors
    /// When git can't be run.
    pub fn commit(&self, revision: &str) -> Result<Option<String>, Error> {
        let asked = format!("{revision}^{{commit}}");
        let output = self.output(&["rev-parse", "--verify", "--quiet", "--end-of-options", &asked])?;
        let name = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(output.status.success().then_some(name))
    }

    /// The commit from which the change to `HEAD` set out: the last one that it shares with a revision.
    ///
    /// # Errors
    /// [`Error::Usage`] when the revision names no commit, or there is none that they share.
    pub fn merge_base(&self, revision: &str) -> Result<String, Error> {
        let usage = |problem: String| Error::Usage(problem);
        let since =
            self.commit(revision)?.ok_or_else(|| usage(format!("`{revision}` names no commit here")))?;
        let head =
            self.commit("HEAD")?.ok_or_else(|| usage("there is no commit yet to compare with".to_owned()))?;
        let base = self.output(&["merge-base", &since, &head])?;
        if !base.status.success() {
            return Err(usage(format!(
                "`{revision}` and HEAD share no commit here: fetch more of the history, or give another --since"
            )));
        }
        Ok(String::from_utf8_lossy(&base.stdout).trim().to_owned())
    }

    /// The base to compare with when none is given; `None` when there is none of the usual ones.
    ///
    /// # Errors
    /// When git can't be run.
    pub fn default_base(&self) -> Result<Option<&'static str>, Error> {
        for name in DEFAULT_BASES {
            if self.commit(name)?.is_some() {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// The files that differ from the merge base of `since` and `HEAD`: in what is committed, in what is staged, or in the
    /// working tree. git is asked for each of the three, so that a committed change is seen even when it was undone in the
    /// working tree since.
    ///
    /// # Errors
    /// As for [`Git::merge_base`].
    pub fn changed(&self, since: &str) -> Result<ChangedNames, Error> {
        /// `d` leaves deleted files out. The other flags undo what a user's settings may change, and keep git from running
        /// another git in submodules.
        const DIFF: [&str; 9] = [
            "diff",
            "--name-only",
            "-z",
            "--diff-filter=d",
            "--no-renames",
            "--no-relative",
            "--no-ext-diff",
            "--no-textconv",
            "--ignore-submodules=dirty",
        ];
        let base = self.merge_base(since)?;
        let changed = |place: &[&str]| -> Result<BTreeSet<Vec<u8>>, Error> {
            let listed = self.run(&[&DIFF, place, &["--"]].concat())?;
            Ok(listing::names(&listed).map(<[u8]>::to_vec).collect())
        };
        // First, since git reads the configuration of a submodule for the others, and this refuses one without an end.
        let submodules = self.dirty_submodules(false)?;
        let mut names = changed(&[base.as_str(), "HEAD"])?;
        names.append(&mut changed(&["--cached", &base])?);
        let working_tree: Vec<_> = changed(&[base.as_str()])?.difference(&names).cloned().collect();
        let behind_filter = self.behind_filter(&working_tree)?;
        names.extend(working_tree);
        names.extend(submodules);
        Ok(ChangedNames { names: names.into_iter().collect(), behind_filter })
    }

    /// A path of the command line, seen from a folder (`prefix`, from the root), from the root; `None` when it leads
    /// out of the repository. Links are not followed within it: git tracks the link, not what it points to.
    #[must_use]
    pub fn relative(&self, prefix: &Path, given: &Path) -> Option<PathBuf> {
        if !given.is_absolute() {
            return inside(&prefix.join(given));
        }
        let given = inside_root(given)?;
        // git gives the root without links; the caller may have come through one.
        let real = || Some(given.parent()?.canonicalize().ok()?.join(given.file_name()?));
        let below = |path: &Path| path.strip_prefix(&self.root).ok().map(Path::to_path_buf);
        below(&given).or_else(|| below(&real()?))
    }
}

/// A path without `.` and `..`; `None` when it leads above its start.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if !clean.pop() {
                    return None;
                }
            }
            Component::Normal(name) => clean.push(name),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!clean.as_os_str().is_empty()).then_some(clean)
}

/// The same for an absolute path.
fn inside_root(path: &Path) -> Option<PathBuf> {
    let root: PathBuf = path
        .components()
        .take_while(|part| matches!(part, Component::RootDir | Component::Prefix(_)))
        .collect();
    let clean = inside(path.strip_prefix(&root).ok()?)?;
    Some(root.join(clean))
}

/// Whether two paths are of one folder.
fn is_same(one: &Path, other: &Path) -> bool {
    one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Git {
        fn of_no_repository(root: &Path) -> Self {
            let launcher = crate::launcher::tests::of_this_process(Path::new("/no-such-root"));
            let invocation = GitInvocation::find(&launcher).unwrap();
            Self { root: root.to_owned(), invocation, settings: Arc::new([]), overrides: Arc::default() }
        }
    }

    #[test]
    fn files_are_named_from_the_root() {
        let git = Git::of_no_repository(Path::new("/no-such-root/repo"));
        for (given, named) in [
            ("a.py", Some("src/a.py")),
            ("./x/../a.py", Some("src/a.py")),
            ("../a.py", Some("a.py")),
            ("../../a.py", None),
            ("..", None),
            ("/no-such-root/repo/x/../b.py", Some("b.py")),
            ("/no-such-root/other/b.py", None),
            ("/no-such-root/repo/../b.py", None),
        ] {
            let found = git.relative(Path::new("src/"), Path::new(given));
            assert_eq!(found.as_deref(), named.map(Path::new), "{given}");
        }
    }
}
