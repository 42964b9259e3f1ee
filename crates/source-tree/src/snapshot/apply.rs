//! Applies changes, after a snapshot of the old files.

use std::borrow::Cow;
use std::collections::BTreeSet;

use registry_core::Timestamp;

use super::manifest::{Manifest, SavedContent, SnapshotEntry, read, refuse_escape, sha256};
use super::replace_all::{self, Swap};
use super::store::{SnapshotStore, is_command};
use super::{FileChange, Info};
use crate::root::Root;
use crate::{Error, SourceTree};

/// Writes all changes, after a snapshot of what was there is on disk. When one write fails, those before it are taken
/// back. A file that no longer holds `before` is refused before anything is written. Changes that change nothing are
/// left out; when none is left, nothing is written and the answer names no file.
///
/// # Errors
/// [`Error::Refused`] or [`Error::File`]; the tree is as it was.
pub fn apply(
    tree: &SourceTree,
    command: &str,
    changes: &[FileChange],
    now: Timestamp,
) -> Result<Info, Error> {
    if !is_command(command) {
        return Err(Error::Usage(format!("`{command}` is no name of a command")));
    }
    let changes: Vec<&FileChange> =
        changes.iter().filter(|change| change.before.as_ref() != Some(&change.after)).collect();
    let store = SnapshotStore::of(tree)?;
    let mut manifest = Manifest {
        version: 1,
        id: String::new(),
        command: command.to_owned(),
        created_at: now.to_string(),
        reverted: false,
        folders: Vec::new(),
        files: Vec::new(),
    };
    if changes.is_empty() {
        return Ok(manifest.info());
    }
    let _lock = store.lock()?;
    let swaps = plan(store.root(), &changes, &mut manifest)?;
    manifest.id = store.begin(command, now)?;
    match keep(&store, &manifest, &changes) {
        Ok(()) => {}
        Err(error) => {
            store.remove(&manifest.id);
            return Err(error);
        }
    }
    if let Err(failed) = replace_all::all(store.root(), &swaps) {
        if failed.left.is_empty() {
            store.remove(&manifest.id);
            return Err(failed.error);
        }
        let left: Vec<_> = failed.left.iter().map(|path| path.display().to_string()).collect();
        return Err(Error::Refused(format!(
            "{}; and these files could not be put back, their contents are in the snapshot `{}`: {}",
            failed.error,
            manifest.id,
            left.join(", ")
        )));
    }
    store.prune(command)?;
    Ok(manifest.info())
}

/// Checks every change before the first write, and notes what it is about.
fn plan<'a>(
    root: &Root,
    changes: &[&'a FileChange],
    manifest: &mut Manifest,
) -> Result<Vec<Swap<'a>>, Error> {
    let mut names = BTreeSet::new();
    let mut folders = BTreeSet::new();
    let mut swaps = Vec::with_capacity(changes.len());
    for change in changes {
        if !names.insert(&change.file) {
            return Err(Error::Refused(format!("`{}` is changed twice at once", change.file)));
        }
        refuse_escape(root, &change.file)?;
        let now = read(root, &change.file)?;
        if now.as_ref().map(|(bytes, _)| bytes) != change.before.as_ref() {
            return Err(Error::Refused(format!(
                "`{}` was changed meanwhile: nothing was written, run it again",
                change.file
            )));
        }
        let mode = now.map(|(_, mode)| mode);
        let before = change.before.as_deref();
        manifest.files.push(SnapshotEntry {
            file: change.file.clone(),
            before: before.zip(mode).map(|(bytes, mode)| SavedContent { sha256: sha256(bytes), mode }),
            after: sha256(&change.after),
        });
        let missing = replace_all::missing_folders(root, &change.file);
        folders.extend(missing.into_iter().map(|folder| folder.display().to_string()));
        swaps.push(Swap {
            name: &change.file,
            old: before.map(|bytes| (Cow::Borrowed(bytes), mode)),
            new: Some((Cow::Borrowed(&change.after), mode)),
        });
    }
    manifest.folders = folders.into_iter().collect();
    Ok(swaps)
}

fn keep(store: &SnapshotStore<'_>, manifest: &Manifest, changes: &[&FileChange]) -> Result<(), Error> {
    for (entry, change) in manifest.files.iter().zip(changes) {
        if let (Some(before), Some(bytes)) = (&entry.before, &change.before) {
            store.keep(&manifest.id, &before.sha256, bytes)?;
        }
    }
    store.finish(manifest)
}
