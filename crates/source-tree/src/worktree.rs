//! Temporary git worktrees.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use crate::Error;
use crate::git::{self, Git};

/// How the temporary folders begin whose process clears them away.
const PREFIX: &str = "t4-batches-";
/// How those begin that stay.
const KEPT: &str = "t4-kept-";

/// A temporary folder for worktrees of one commit. Dropped, it goes.
pub struct Workshop<'a> {
    /// The repository, without the variables that locate the repository of a hook.
    git: Git,
    folder: PathBuf,
    base: &'a str,
    keep: bool,
    /// git registers worktrees in one place.
    turn: Mutex<()>,
}

/// A worktree. Dropped, it goes, unless it is to stay.
pub struct Worktree<'a> {
    shop: &'a Workshop<'a>,
    /// Where it is.
    pub path: PathBuf,
    /// git in it.
    pub git: Git,
    keep: bool,
}

/// A worktree that git is about to make, or has made without files. Dropped, it goes.
struct Unfinished<'a> {
    shop: &'a Workshop<'a>,
    path: Option<PathBuf>,
}

impl<'a> Workshop<'a> {
    /// Clears away what killed runs left, and makes a folder that only its owner can look into.
    ///
    /// # Errors
    /// When the folder for temporary files is inside of the tree, or nothing can be made in it.
    pub fn open(git: &'a Git, temporary: &Path, base: &'a str, keep: bool) -> Result<Self, Error> {
        let temporary =
            temporary.canonicalize().map_err(Error::file(temporary, "is no folder for temporary files"))?;
        if temporary.starts_with(git.root()) {
            return Err(Error::Refused(format!(
                "the folder for temporary files `{}` is inside of the tree: set TMPDIR to one that is not",
                temporary.display()
            )));
        }
        let git = git.elsewhere(git.root())?;
        sweep(&git, &temporary);
        let prefix = if keep { KEPT } else { PREFIX };
        let mut number = 0_u32;
        let folder = loop {
            let folder = temporary.join(format!("{prefix}{}-{number}", process::id()));
            match DirBuilder::new().mode(0o700).create(&folder) {
                Ok(()) => break folder,
                Err(error) if error.kind() == ErrorKind::AlreadyExists && number < 1000 => number += 1,
                Err(error) => return Err(Error::file(&folder, "can't be made")(error)),
            }
        };
        Ok(Self { git, folder, base, keep, turn: Mutex::new(()) })
    }

    /// A worktree that never stays.
    ///
    /// # Errors
    /// When git refuses, with what it said.
    pub fn scout(&'a self) -> Result<Worktree<'a>, Error> {
        self.add("scout", false)
    }

    /// A worktree that stays if the folder does.
    ///
    /// # Errors
    /// As for [`Workshop::scout`].
    pub fn worktree(&'a self, name: &str) -> Result<Worktree<'a>, Error> {
        self.add(name, self.keep)
    }

    fn add(&'a self, name: &str, keep: bool) -> Result<Worktree<'a>, Error> {
        let path = self.folder.join(name);
        let mut unfinished = Unfinished { shop: self, path: Some(path.clone()) };
        {
            let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
            let mut command = self.git();
            command
                .args(["worktree", "add", "--quiet", "--detach", "--no-checkout", "--"])
                .arg(&path)
                .arg(self.base);
            output(&mut command, None)?;
        }
        // Filters are applied when files are checked out, and settings may apply in the new worktree alone (`includeIf`). So
        // the worktree is made without files, its settings are read, and only then are its files checked out.
        let git = self.git.elsewhere(&path)?;
        output(git.command().args(["reset", "--hard", "--quiet", "--no-recurse-submodules"]), None)?;
        unfinished.path = None;
        Ok(Worktree { shop: self, path, git, keep })
    }

    /// git in the repository.
    #[must_use]
    pub fn git(&self) -> Command {
        self.git.command()
    }

    fn remove(&self, path: &Path) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        remove(self.git(), path);
    }
}

impl Drop for Workshop<'_> {
    fn drop(&mut self) {
        if self.keep {
            // It goes when nothing was kept in it.
            let _ = fs::remove_dir(&self.folder);
        } else {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            self.shop.remove(path);
        }
    }
}

impl Worktree<'_> {
    /// Whether it stays.
    #[must_use]
    pub fn stays(&self) -> bool {
        self.keep
    }

    /// Lets it go in any case: there is nothing in it to look at.
    pub fn forget(&mut self) {
        self.keep = false;
    }

    /// git in it.
    #[must_use]
    pub fn git(&self) -> Command {
        self.git.command()
    }
}

impl Drop for Worktree<'_> {
    fn drop(&mut self) {
        if !self.keep {
            self.shop.remove(&self.path);
        }
    }
}

/// The files may be gone already, or git may be: each is tried.
fn remove(mut git: Command, path: &Path) {
    git.args(["worktree", "remove", "--force", "--force", "--"]).arg(path);
    let _ = output(&mut git, None);
    let _ = fs::remove_dir_all(path);
}

/// Clears away worktrees and folders of processes that are gone. Where that can't be told, they stay.
fn sweep(git: &Git, temporary: &Path) {
    if !Path::new("/proc/self").exists() {
        return;
    }
    let listed = git.run(&["worktree", "list", "--porcelain"]).unwrap_or_default();
    for line in String::from_utf8_lossy(&listed).lines() {
        let Some(path) = line.strip_prefix("worktree ").map(Path::new) else { continue };
        if path.parent().is_some_and(|folder| folder.parent() == Some(temporary) && is_abandoned(folder)) {
            remove(git.command(), path);
        }
    }
    let Ok(entries) = fs::read_dir(temporary) else { return };
    for entry in entries.flatten() {
        // A folder of another user stays: it can't be removed.
        if is_abandoned(&entry.path()) && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_abandoned(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let process = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('-')).map(|(process, _)| process);
    process
        .is_some_and(|process| process.parse::<u32>().is_ok() && !Path::new("/proc").join(process).exists())
}

/// Runs git to its end; its output when it succeeds.
///
/// # Errors
/// When it can't be run or fails, with what it said.
pub fn output(git: &mut Command, input: Option<&[u8]>) -> Result<String, Error> {
    use std::io::Write as _;
    let failed = |problem: String| Error::Program { program: "git".to_owned(), problem };
    git.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut child = git
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed(format!("can't be run: {error}")))?;
    let stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        // A git that ends before it has read everything says why.
        scope.spawn(move || stdin.zip(input).map(|(mut stdin, input)| stdin.write_all(input)));
        child.wait_with_output()
    });
    let output = output.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(git::refused(&output.stderr))
    }
}
