//! Snapshots: the files before a command changed them, kept for undo.
//!
//! A snapshot is a folder `.t4/snapshots/ID`. `manifest.json` names each file with its mode and two SHA-256 digests,
//! of the old content and of the content that the command wrote. `files/` holds the old contents, named by their
//! digests. The snapshot is on disk before the first file of the tree is written, so that an interrupted run can be
//! undone too. The newest [`KEPT`] snapshots of each command are kept. `.t4` ignores itself in git, and a `.t4` that
//! came with the repository is not trusted.

mod apply;
mod manifest;
mod replace_all;
mod revert;
mod store;

use serde::{Deserialize, Serialize};

use crate::{Error, SourceTree};
use store::SnapshotStore;

pub use apply::apply;
pub use revert::revert;

/// How many snapshots of a command are kept; older ones go when a new one is made.
pub const KEPT: usize = 20;

/// One file that is to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
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

/// The snapshots, newest first.
///
/// # Errors
/// When the folder can't be read, or a manifest in it is none.
pub fn list(tree: &SourceTree) -> Result<Vec<Info>, Error> {
    Ok(SnapshotStore::of(tree)?.manifests()?.iter().map(manifest::Manifest::info).collect())
}

/// What differs from what the command left.
///
/// # Errors
/// When there is no such snapshot, or it can't be read.
pub fn verify(tree: &SourceTree, id: &str) -> Result<Vec<Drift>, Error> {
    let store = SnapshotStore::of(tree)?;
    let manifest = store.manifest(id)?;
    let mut drifts = Vec::new();
    for entry in &manifest.files {
        let mut drift = |what| drifts.push(Drift { file: entry.file.clone(), what });
        if let Some(what) = entry.state(store.root())?.differs_from_after {
            drift(what);
        }
        if let Some(before) = &entry.before
            && store.content(&manifest.id, &before.sha256)?.is_none()
        {
            drift("snapshot damaged");
        }
    }
    Ok(drifts)
}

#[cfg(test)]
mod tests;
