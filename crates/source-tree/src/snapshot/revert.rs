//! Undo: restores the files of a snapshot.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use super::Info;
use super::manifest::{FileState, Manifest, SavedContent, SnapshotEntry, refuse_escape};
use super::replace_all::{self, Swap};
use super::store::SnapshotStore;
use crate::{Error, SourceTree, atomic};

/// How many changed files are named.
const NAMED: usize = 10;

/// Restores every file of a snapshot, or none: bytes and modes; files that were not there before go. `id` is the
/// snapshot's, or `None` for the newest of `command` that is not reverted. A file that the command did not get to, or
/// that was put back by hand, is as it should be.
///
/// # Errors
/// [`Error::Refused`] naming the files that were changed since, unless `force`; nothing is changed then. Links, folders
/// and names that lead elsewhere are refused even so.
pub fn revert(tree: &SourceTree, command: &str, id: Option<&str>, force: bool) -> Result<Info, Error> {
    let store = SnapshotStore::of(tree)?;
    let mut manifest = choose(&store, command, id)?;
    store.refuse_foreign()?;
    let _lock = store.lock()?;
    let states = manifest.files.iter().map(|entry| entry.state(store.root()));
    let states = states.collect::<Result<Vec<_>, _>>()?;
    if !force {
        refuse_changed(&manifest, &states)?;
    }
    let mut swaps = Vec::new();
    for (entry, state) in manifest.files.iter().zip(states) {
        if !state.is_before {
            swaps.push(restore(&store, &manifest.id, entry, state)?);
        }
    }
    clear(&store, &manifest);
    replace_all::all(store.root(), &swaps).map_err(|failed| {
        let left: Vec<_> = failed.left.iter().map(|path| path.display().to_string()).collect();
        if left.is_empty() {
            return failed.error;
        }
        Error::Refused(format!(
            "{}; and these files are restored all the same: {}",
            failed.error,
            left.join(", ")
        ))
    })?;
    for folder in manifest.folders.iter().rev() {
        // One that something else was put into stays.
        atomic::refuse_escape(store.root(), folder)?;
        let _ = store.root().folder.remove_dir(folder);
    }
    manifest.reverted = true;
    store.update(&manifest)?;
    Ok(manifest.info())
}

/// Clears away what an interrupted run left beside files that it did not get to.
fn clear(store: &SnapshotStore<'_>, manifest: &Manifest) {
    let names = manifest.files.iter().map(|entry| entry.file.as_str());
    let names = names.filter(|name| refuse_escape(store.root(), name).is_ok());
    let folders: BTreeSet<_> = names.map(|name| atomic::folder(Path::new(name))).collect();
    for folder in folders {
        replace_all::clear(store.root(), folder);
    }
}

fn choose(store: &SnapshotStore<'_>, command: &str, id: Option<&str>) -> Result<Manifest, Error> {
    let Some(id) = id else {
        let mut manifests = store.manifests()?.into_iter();
        return manifests
            .find(|one| one.command == command && !one.reverted)
            .ok_or_else(|| Error::Refused(format!("there is nothing to undo for `{command}`")));
    };
    let manifest = store.manifest(id)?;
    if manifest.command == command {
        Ok(manifest)
    } else {
        Err(Error::Usage(format!("the snapshot `{id}` is from `{}`, not from `{command}`", manifest.command)))
    }
}

fn refuse_changed(manifest: &Manifest, states: &[FileState]) -> Result<(), Error> {
    let changed: Vec<String> = manifest
        .files
        .iter()
        .zip(states)
        .filter(|(_, state)| !state.is_before)
        .filter_map(|(entry, state)| Some(format!("`{}` ({})", entry.file, state.differs_from_after?)))
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    let named = changed.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let more = changed.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    Err(Error::Refused(format!(
        "nothing was restored: changed since `{}`: {named}{more}; to lose those changes, force it",
        manifest.id
    )))
}

fn restore<'a>(
    store: &SnapshotStore<'_>,
    id: &str,
    entry: &'a SnapshotEntry,
    state: FileState,
) -> Result<Swap<'a>, Error> {
    let now_mode = state.now.as_ref().map_or(0, |(_, mode)| *mode);
    let new = match &entry.before {
        None => None,
        Some(SavedContent { sha256, mode }) => {
            let bytes = store.content(id, sha256)?.ok_or_else(|| {
                Error::unreadable(
                    format!("snapshot `{id}`"),
                    format!("the content of `{}` is damaged: nothing was restored", entry.file),
                )
            })?;
            // A manifest gives no file the right to run as its owner that it does not have already.
            Some((Cow::Owned(bytes), Some(mode & (0o777 | (now_mode & 0o7000)))))
        }
    };
    let old = state.now.map(|(bytes, mode)| (Cow::Owned(bytes), Some(mode)));
    Ok(Swap { name: &entry.file, old, new })
}
