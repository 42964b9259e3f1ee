//! git, run as a program.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::Error;

/// A repository's working tree.
#[derive(Debug, Clone)]
pub struct Git {
    root: PathBuf,
}

impl Git {
    /// The repository around a folder; `None` when there is none, or no git.
    ///
    /// # Errors
    /// When git refuses for another reason (a repository of another user).
    pub fn find(folder: &Path) -> Result<Option<Self>, Error> {
        let output = match command(folder).args(["rev-parse", "--show-toplevel"]).output() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(program(error)),
            Ok(output) => output,
        };
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return if said.contains("not a git repository") { Ok(None) } else { Err(refused(&said)) };
        }
        let line = output.stdout.strip_suffix(b"\n").unwrap_or(&output.stdout);
        let root = std::str::from_utf8(line).map_err(|_| refused("the repository's path is not UTF-8"))?;
        Ok(Some(Self { root: PathBuf::from(root) }))
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
        self.command().args(arguments).output().map_err(program)
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
}

/// `LC_ALL` keeps the words that are looked for; no lock is taken for a mere look.
fn command(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(folder).env("LC_ALL", "C").env("GIT_OPTIONAL_LOCKS", "0");
    git
}

fn program(error: std::io::Error) -> Error {
    Error::Program { program: "git".to_owned(), problem: format!("can't be run: {error}") }
}

fn refused(said: &str) -> Error {
    Error::Program { program: "git".to_owned(), problem: said.trim().to_owned() }
}
