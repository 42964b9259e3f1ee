//! git, run as a program.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Output};

use crate::Error;

/// Where a base is looked for when none is given: what the remote calls its default branch, then the usual names.
const DEFAULT_BASES: [&str; 5] = ["origin/HEAD", "origin/main", "origin/master", "main", "master"];

/// A repository's working tree.
#[derive(Debug, Clone)]
pub struct Git {
    root: PathBuf,
}

/// Why there is no repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRepository {
    /// The folder is outside of one.
    Outside,
    /// git is not installed.
    NoGit,
}

impl Git {
    /// The repository around a folder; `None` when there is none, or no git.
    ///
    /// # Errors
    /// When git refuses for another reason (a repository of another user).
    pub fn find(folder: &Path) -> Result<Option<Self>, Error> {
        Ok(Self::look(folder)?.ok())
    }

    /// The same, with the reason why there is none.
    ///
    /// # Errors
    /// As for [`Git::find`].
    pub fn look(folder: &Path) -> Result<Result<Self, NoRepository>, Error> {
        let output = match command(folder).args(["rev-parse", "--show-toplevel"]).output() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Err(NoRepository::NoGit)),
            Err(error) => return Err(program(&error)),
            Ok(output) => output,
        };
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let outside = said.contains("not a git repository");
            return if outside { Ok(Err(NoRepository::Outside)) } else { Err(refused(&said)) };
        }
        let line = output.stdout.strip_suffix(b"\n").unwrap_or(&output.stdout);
        let root = std::str::from_utf8(line).map_err(|_| refused("the repository's path is not UTF-8"))?;
        Ok(Ok(Self { root: PathBuf::from(root) }))
    }

    /// The top of the working tree.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Runs git in the root; its output when it succeeds.
    ///
    /// # Errors
    /// When it can't be run or fails, with what it said.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Vec<u8>, Error> {
        let output = self.output(arguments)?;
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(refused(&String::from_utf8_lossy(&output.stderr)))
        }
    }

    /// Runs git in the root, whatever becomes of it.
    ///
    /// # Errors
    /// When it can't be run.
    pub fn output<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Output, Error> {
        self.command().args(arguments).output().map_err(|error| program(&error))
    }

    /// git, about to be run in the root.
    #[must_use]
    pub fn command(&self) -> Command {
        command(&self.root)
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

    /// The files that differ from the merge base of `since` and `HEAD`, in the order of their names: in what is
    /// committed, in what is staged, or in the working tree. Each of the three is asked on its own, so that a change
    /// which was committed does not go unseen because it was undone, but not committed, since.
    ///
    /// # Errors
    /// As for [`Git::merge_base`].
    pub fn changed(&self, since: &str) -> Result<Vec<Vec<u8>>, Error> {
        /// `d` leaves deleted files out. The other flags undo what a user's settings may change.
        const DIFF: [&str; 7] = [
            "diff",
            "--name-only",
            "-z",
            "--diff-filter=d",
            "--no-renames",
            "--no-relative",
            "--no-ext-diff",
        ];
        let base = self.merge_base(since)?;
        let committed = [base.as_str(), "HEAD"];
        let staged = ["--cached", &base];
        let working_tree = [base.as_str()];
        let mut files = BTreeSet::new();
        for place in [&committed[..], &staged, &working_tree] {
            let names = self.run(&[&DIFF, place, &["--"]].concat())?;
            files.extend(names.split(|byte| *byte == 0).filter(|name| !name.is_empty()).map(<[u8]>::to_vec));
        }
        Ok(files.into_iter().collect())
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

/// `LC_ALL` keeps the words that are looked for; no lock is taken for a mere look.
fn command(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(folder).env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0");
    // A folder of the tree that looks like a bare repository is none: its settings could name programs to run.
    git.args(["-c", "safe.bareRepository=explicit"]);
    git
}

fn program(error: &std::io::Error) -> Error {
    Error::Program { program: "git".to_owned(), problem: format!("can't be run: {error}") }
}

fn refused(said: &str) -> Error {
    Error::Program { program: "git".to_owned(), problem: said.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_from_the_root() {
        let git = Git { root: PathBuf::from("/no-such-root/repo") };
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
