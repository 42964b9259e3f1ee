//! What git says of the working tree. It is run as a program.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Output};

use anyhow::anyhow;

use crate::exit::Failure;

/// Where a base is looked for when none is given: what the remote calls its default branch, then the usual names.
const DEFAULT_BASES: [&str; 5] = ["origin/HEAD", "origin/main", "origin/master", "main", "master"];

/// The repository that the program was started in.
#[derive(Debug)]
pub struct Repository {
    root: PathBuf,
    /// The working directory, relative to the root.
    prefix: PathBuf,
}

/// Why there is no repository.
#[derive(Debug)]
pub enum NoRepository {
    /// The program was started outside of one.
    Outside,
    /// git is not installed.
    NoGit,
}

impl Repository {
    /// Finds the repository around the working directory.
    pub fn find() -> Result<Result<Self, NoRepository>, Failure> {
        let found = match git(&["rev-parse", "--show-toplevel"]) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Err(NoRepository::NoGit)),
            Err(error) => return Err(not_run(error)),
            Ok(found) => found,
        };
        if !found.status.success() {
            let said = String::from_utf8_lossy(&found.stderr);
            return if said.contains("not a git repository") {
                Ok(Err(NoRepository::Outside))
            } else {
                Err(Failure::undecided(anyhow!("git refused: {}", said.trim())))
            };
        }
        let prefix = run(&["rev-parse", "--show-prefix"])?;
        Ok(Ok(Self { root: path(&line(&found.stdout))?, prefix: path(&line(&prefix))? }))
    }

    /// A path from the command line, relative to the root; `None` when it leads out of the repository. Links are
    /// not followed within the repository: git tracks the link, not what it points to.
    pub fn relative(&self, given: &Path) -> Option<PathBuf> {
        if !given.is_absolute() {
            return inside(&self.prefix.join(given));
        }
        let given = inside_root(given)?;
        // git gives the root without links; the caller may have come through one.
        let real = || Some(given.parent()?.canonicalize().ok()?.join(given.file_name()?));
        let below = |path: &Path| path.strip_prefix(&self.root).ok().map(Path::to_path_buf);
        below(&given).or_else(|| below(&real()?))
    }
}

/// The files that differ from the merge base of `since` and `HEAD`, in the order of their names: in what is
/// committed, in what is staged, or in the working tree. Each of the three is asked on its own, so that a change
/// which was committed does not go unseen because it was undone, but not committed, since.
pub fn changed(since: &str) -> Result<Vec<Vec<u8>>, Failure> {
    /// `d` leaves deleted files out. The other flags undo what a user's settings may change.
    const DIFF: [&str; 7] =
        ["diff", "--name-only", "-z", "--diff-filter=d", "--no-renames", "--no-relative", "--no-ext-diff"];
    let usage = |problem: String| Failure::usage(anyhow!(problem));
    let since_commit = commit(since).ok_or_else(|| usage(format!("`{since}` names no commit here")))?;
    let head = commit("HEAD").ok_or_else(|| usage("there is no commit yet: name FILES".to_owned()))?;
    let base = git(&["merge-base", &since_commit, &head]).map_err(not_run)?;
    if !base.status.success() {
        return Err(usage(format!(
            "`{since}` and HEAD share no commit here: fetch more of the history, or give another --since"
        )));
    }
    let base = String::from_utf8_lossy(&line(&base.stdout)).into_owned();
    let committed = [base.as_str(), &head];
    let staged = ["--cached", &base];
    let working_tree = [base.as_str()];
    let mut files = BTreeSet::new();
    for place in [&committed[..], &staged, &working_tree] {
        let names = run(&[&DIFF, place, &["--"]].concat())?;
        files.extend(names.split(|byte| *byte == 0).filter(|name| !name.is_empty()).map(<[u8]>::to_vec));
    }
    Ok(files.into_iter().collect())
}

/// The base to compare with when none is given.
pub fn default_base() -> Option<&'static str> {
    DEFAULT_BASES.into_iter().find(|name| commit(name).is_some())
}

/// The commit that a revision names.
fn commit(revision: &str) -> Option<String> {
    let asked = format!("{revision}^{{commit}}");
    let found = git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &asked]).ok()?;
    found.status.success().then(|| String::from_utf8_lossy(&line(&found.stdout)).into_owned())
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

/// git's output without the line end that it adds.
fn line(output: &[u8]) -> Vec<u8> {
    output.strip_suffix(b"\n").unwrap_or(output).to_vec()
}

fn path(bytes: &[u8]) -> Result<PathBuf, Failure> {
    let text = String::from_utf8(bytes.to_vec());
    text.map(PathBuf::from).map_err(|_| Failure::undecided(anyhow!("the repository's path is not UTF-8")))
}

fn git(arguments: &[&str]) -> std::io::Result<Output> {
    // `LC_ALL` keeps the words that are looked for; no lock is taken for a mere look.
    Command::new("git").args(arguments).env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0").output()
}

fn run(arguments: &[&str]) -> Result<Vec<u8>, Failure> {
    let output = git(arguments).map_err(not_run)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(Failure::undecided(anyhow!("git refused: {}", String::from_utf8_lossy(&output.stderr).trim())))
}

fn not_run(error: std::io::Error) -> Failure {
    Failure::undecided(anyhow!(error).context("git can't be run"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(prefix: &str) -> Repository {
        Repository { root: PathBuf::from("/no-such-root/repo"), prefix: PathBuf::from(prefix) }
    }

    #[test]
    fn files_are_named_from_the_root() {
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
            let found = repository("src/").relative(Path::new(given));
            assert_eq!(found.as_deref(), named.map(Path::new), "{given}");
        }
    }
}
