//! The folder of the snapshots.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use registry_core::Timestamp;

use super::KEPT;
use super::manifest::{Manifest, read, sha256};
use crate::STATE;
use crate::{Error, SourceTree, atomic};

const MANIFEST: &str = "manifest.json";

/// The folder of the snapshots of a tree; it need not be there.
pub struct SnapshotStore<'a> {
    tree: &'a SourceTree,
    folder: PathBuf,
}

impl<'a> SnapshotStore<'a> {
    /// The store of a tree.
    pub fn of(tree: &'a SourceTree) -> Result<Self, Error> {
        let folder = atomic::inside(&tree.root, &format!("{STATE}/snapshots"))?;
        Ok(Self { tree, folder })
    }

    /// Keeps other commands from changing the tree until it is dropped.
    pub fn lock(&self) -> Result<File, Error> {
        let state = atomic::inside(&self.tree.root, STATE)?;
        make(&state)?;
        let ignore = state.join(".gitignore");
        if !ignore.exists() {
            atomic::write(&ignore, b"*\n")?;
        }
        let path = atomic::inside(&self.tree.root, &format!("{STATE}/lock"))?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).map_err(Error::file(&path, "can't be opened"))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(Error::Refused(
                "another `t4` is changing this tree: try again when it is done".to_owned(),
            )),
            Err(TryLockError::Error(error)) => Err(Error::file(&path, "can't be locked")(error)),
        }
    }

    /// Snapshots that came with the repository are somebody else's: they would write what that somebody likes.
    pub fn refuse_foreign(&self) -> Result<(), Error> {
        let Some(git) = &self.tree.git else { return Ok(()) };
        let tracked = git.run(&["ls-files", "-z", "--", STATE])?;
        if tracked.is_empty() {
            return Ok(());
        }
        Err(Error::Refused(format!(
            "`{STATE}` is part of the repository, so its snapshots may be anybody's: take it out (`git rm -r --cached \
             {STATE}`) and look at what is in it first"
        )))
    }

    /// A new snapshot's folder, not there before: the time and the command, with a number when that is taken.
    pub fn begin(&self, command: &str, now: Timestamp) -> Result<String, Error> {
        make(&self.folder)?;
        let stamp: String =
            now.to_string().chars().take(19).filter(|c| c.is_ascii_digit() || *c == 'T').collect();
        let stem = format!("{stamp}Z-{command}");
        // After the highest, not in a gap: the newest of a second has the highest number.
        let taken = self.ids()?.into_iter().filter_map(|id| match id.strip_prefix(&stem)? {
            "" => Some(1),
            rest => rest.strip_prefix('-')?.parse::<u32>().ok(),
        });
        let id = match taken.max() {
            None => stem,
            Some(highest) => format!("{stem}-{}", highest.saturating_add(1)),
        };
        let folder = self.folder.join(&id);
        DirBuilder::new().mode(0o700).create(&folder).map_err(Error::file(&folder, "can't be made"))?;
        make(&folder.join("files"))?;
        Ok(id)
    }

    /// Keeps a content, under its SHA-256.
    pub fn keep(&self, id: &str, sha: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.folder.join(id).join("files").join(sha);
        if path.exists() { Ok(()) } else { atomic::Staged::new(&path, bytes, Some(0o600))?.place() }
    }

    /// Writes the manifest: from here on the snapshot is there.
    pub fn finish(&self, manifest: &Manifest) -> Result<(), Error> {
        let folder = self.folder.join(&manifest.id);
        atomic::sync_folder(&folder.join("files"))?;
        self.update(manifest)?;
        atomic::sync_folder(&self.folder)?;
        atomic::sync_folder(atomic::folder(&self.folder))
    }

    /// Writes the manifest of a snapshot that is there.
    pub fn update(&self, manifest: &Manifest) -> Result<(), Error> {
        let path = self.folder.join(&manifest.id).join(MANIFEST);
        let mut text = serde_json::to_vec_pretty(manifest)
            .map_err(|error| Error::unreadable(path.display().to_string(), error))?;
        text.push(b'\n');
        atomic::write_mode(&path, &text, Some(0o600))
    }

    /// Takes a snapshot away, the manifest first: without it there is none.
    pub fn remove(&self, id: &str) {
        let folder = self.folder.join(id);
        // What can't be removed takes up room and harms nobody.
        let _ = fs::remove_file(folder.join(MANIFEST));
        let _ = fs::remove_dir_all(folder);
    }

    /// The snapshots, newest first. A folder without a manifest is a snapshot that was not finished.
    pub fn manifests(&self) -> Result<Vec<Manifest>, Error> {
        let mut manifests = Vec::new();
        for id in self.ids()? {
            if self.folder.join(&id).join(MANIFEST).symlink_metadata().is_ok() {
                manifests.push(self.manifest(&id)?);
            }
        }
        // The ids of one second differ in their number only, which is not sorted as a text is.
        manifests.sort_by_key(|one| (one.created_at.clone(), one.id.len(), one.id.clone()));
        manifests.reverse();
        Ok(manifests)
    }

    fn ids(&self) -> Result<Vec<String>, Error> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::file(&self.folder, "can't be read")(error)),
        };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        Ok(names.filter(|name| is_id(name)).collect())
    }

    /// The snapshot of an id.
    pub fn manifest(&self, id: &str) -> Result<Manifest, Error> {
        let missing = || Error::Refused(format!("there is no snapshot `{}`", id.escape_debug()));
        if !is_id(id) {
            return Err(missing());
        }
        let name = format!("{STATE}/snapshots/{id}/{MANIFEST}");
        let path = atomic::inside(&self.tree.root, &name)?;
        let (bytes, _) = read(&path)?.ok_or_else(missing)?;
        let manifest: Manifest =
            serde_json::from_slice(&bytes).map_err(|error| Error::unreadable(&name, error))?;
        if manifest.version != 1 || manifest.id != id || !id.contains(&format!("Z-{}", manifest.command)) {
            return Err(Error::unreadable(&name, "it is not the manifest of this snapshot"));
        }
        Ok(manifest)
    }

    /// A content that was kept; `None` when it is gone or is not what it was.
    pub fn content(&self, id: &str, sha: &str) -> Result<Option<Vec<u8>>, Error> {
        if !is_sha(sha) {
            return Ok(None);
        }
        let path = atomic::inside(&self.tree.root, &format!("{STATE}/snapshots/{id}/files/{sha}"))?;
        Ok(read(&path)?.map(|(bytes, _)| bytes).filter(|bytes| sha256(bytes) == sha))
    }

    /// Takes away the snapshots of a command that are too many, and those of it that were not finished.
    pub fn prune(&self, command: &str) -> Result<(), Error> {
        let manifests = self.manifests()?;
        for old in manifests.iter().filter(|one| one.command == command).skip(KEPT) {
            self.remove(&old.id);
        }
        for id in self.ids()? {
            if id.contains(&format!("Z-{command}")) && !self.folder.join(&id).join(MANIFEST).exists() {
                self.remove(&id);
            }
        }
        Ok(())
    }
}

/// A folder that only its owner can look into, unless it is there.
fn make(folder: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(Error::file(folder, "can't be made"))
}

/// Whether a text has the form of an id; such a text is no path.
fn is_id(text: &str) -> bool {
    text.len() < 100
        && text.split_once("Z-").is_some_and(|(time, rest)| {
            time.len() == 15
                && time.bytes().all(|byte| byte.is_ascii_digit() || byte == b'T')
                && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        })
}

fn is_sha(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Whether a command's name can be part of an id.
pub fn is_command(text: &str) -> bool {
    !text.is_empty() && text.len() < 50 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}
