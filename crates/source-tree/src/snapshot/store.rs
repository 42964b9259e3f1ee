//! Folder of the snapshots.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use cap_std::fs::{OpenOptions, OpenOptionsExt as _};
use registry_core::Timestamp;

use super::KEPT;
use super::manifest::{Manifest, read, sha256};
use crate::STATE;
use crate::atomic::{self, FolderEntry, Staged};
use crate::root::Root;
use crate::{Error, SourceTree};

const MANIFEST: &str = "manifest.json";

/// Folder of the snapshots of a tree; it need not be there.
pub struct SnapshotStore<'a> {
    tree: &'a SourceTree,
    root: Root,
    /// From the root.
    folder: PathBuf,
}

impl<'a> SnapshotStore<'a> {
    /// The store of a tree.
    pub fn of(tree: &'a SourceTree) -> Result<Self, Error> {
        let (root, folder) = (Root::open(&tree.root)?, format!("{STATE}/snapshots"));
        atomic::refuse_escape(&root, &folder)?;
        Ok(Self { tree, root, folder: folder.into() })
    }

    /// The root of the tree.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// Keeps other commands from changing the tree until it is dropped.
    pub fn lock(&self) -> Result<File, Error> {
        self.root.make_folders(Path::new(STATE))?;
        let ignore = format!("{STATE}/.gitignore");
        if self.root.look(Path::new(&ignore))?.is_none() {
            FolderEntry::of_tree(&self.root, &ignore)?.write(b"*\n", None)?;
        }
        let lock = format!("{STATE}/lock");
        atomic::refuse_escape(&self.root, &lock)?;
        let path = self.root.shown(Path::new(&lock));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = self.root.folder.open_with(&lock, &options);
        let file = file.map_err(Error::file(&path, "can't be opened"))?.into_std();
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
        self.root.make_folders(&self.folder)?;
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
        self.root.make_folders(&self.folder.join(&id).join("files"))?;
        Ok(id)
    }

    /// Keeps a content, under its SHA-256.
    pub fn keep(&self, id: &str, sha: &str, bytes: &[u8]) -> Result<(), Error> {
        let name = name_of(&format!("{id}/files/{sha}"));
        if self.root.look(Path::new(&name))?.is_some() {
            return Ok(());
        }
        Staged::new(FolderEntry::of_tree(&self.root, &name)?, bytes, Some(0o600))?.place()
    }

    /// Writes the manifest: from here on the snapshot is there.
    pub fn finish(&self, manifest: &Manifest) -> Result<(), Error> {
        self.root.sync_folder(&self.folder.join(&manifest.id).join("files"))?;
        self.update(manifest)?;
        self.root.sync_folder(&self.folder)?;
        self.root.sync_folder(atomic::folder(&self.folder))
    }

    /// Writes the manifest of a snapshot that is there.
    pub fn update(&self, manifest: &Manifest) -> Result<(), Error> {
        let name = name_of(&format!("{}/{MANIFEST}", manifest.id));
        let mut text =
            serde_json::to_vec_pretty(manifest).map_err(|error| Error::unreadable(&name, error))?;
        text.push(b'\n');
        FolderEntry::of_tree(&self.root, &name)?.write(&text, Some(0o600))
    }

    /// Takes a snapshot away, the manifest first: without it there is none.
    pub fn remove(&self, id: &str) {
        let folder = self.folder.join(id);
        // What can't be removed takes up room and harms nobody.
        let _ = self.root.folder.remove_file(folder.join(MANIFEST));
        let _ = self.root.folder.remove_dir_all(folder);
    }

    fn has_manifest(&self, id: &str) -> bool {
        self.root.folder.symlink_metadata(self.folder.join(id).join(MANIFEST)).is_ok()
    }

    /// The snapshots, newest first. A folder without a manifest is a snapshot that was not finished.
    pub fn manifests(&self) -> Result<Vec<Manifest>, Error> {
        let mut manifests = Vec::new();
        for id in self.ids()? {
            if self.has_manifest(&id) {
                manifests.push(self.manifest(&id)?);
            }
        }
        // The ids of one second differ in their number only, which is not sorted as a text is.
        manifests.sort_by_key(|one| (one.created_at.clone(), one.id.len(), one.id.clone()));
        manifests.reverse();
        Ok(manifests)
    }

    fn ids(&self) -> Result<Vec<String>, Error> {
        let entries = match self.root.folder.read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(Error::file(&self.root.shown(&self.folder), "can't be read")(error));
            }
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
        let name = name_of(&format!("{id}/{MANIFEST}"));
        atomic::refuse_escape(&self.root, &name)?;
        let (bytes, _) = read(&self.root, &name)?.ok_or_else(missing)?;
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
        let name = name_of(&format!("{id}/files/{sha}"));
        atomic::refuse_escape(&self.root, &name)?;
        Ok(read(&self.root, &name)?.map(|(bytes, _)| bytes).filter(|bytes| sha256(bytes) == sha))
    }

    /// Takes away the snapshots of a command that are too many, and those of it that were not finished.
    pub fn prune(&self, command: &str) -> Result<(), Error> {
        let manifests = self.manifests()?;
        for old in manifests.iter().filter(|one| one.command == command).skip(KEPT) {
            self.remove(&old.id);
        }
        for id in self.ids()? {
            if id.contains(&format!("Z-{command}")) && !self.has_manifest(&id) {
                self.remove(&id);
            }
        }
        Ok(())
    }
}

/// The name from the root of what is in the folder of the snapshots.
fn name_of(below: &str) -> String {
    format!("{STATE}/snapshots/{below}")
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
