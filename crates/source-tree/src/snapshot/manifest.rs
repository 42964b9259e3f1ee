//! Manifest: the content of a snapshot.

use std::io::Read as _;
use std::path::Path;

use cap_std::fs::MetadataExt as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Info;
use crate::STATE;
use crate::root::Root;
use crate::{Error, atomic};

/// The files that are changed are sources; more than this is none, and is not read into memory.
pub const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// What a snapshot holds, as `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The form of this file: 1.
    pub version: u32,
    pub id: String,
    pub command: String,
    pub created_at: String,
    pub reverted: bool,
    /// Folders that were made for new files.
    pub folders: Vec<String>,
    pub files: Vec<SnapshotEntry>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotEntry {
    pub file: String,
    /// What stood there; `None` when nothing did.
    pub before: Option<SavedContent>,
    /// The SHA-256 of what the command put there.
    pub after: String,
}

/// What stood in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedContent {
    pub sha256: String,
    pub mode: u32,
}

/// What stands in a file now.
pub struct FileState {
    /// The content and the mode; `None` when there is no file.
    pub now: Option<(Vec<u8>, u32)>,
    /// Whether it is as it was before the command.
    pub is_before: bool,
    /// How it differs from what the command left.
    pub differs_from_after: Option<&'static str>,
}

impl Manifest {
    pub fn info(&self) -> Info {
        Info {
            id: self.id.clone(),
            command: self.command.clone(),
            created_at: self.created_at.clone(),
            files: self.files.iter().map(|entry| entry.file.clone()).collect(),
            reverted: self.reverted,
        }
    }
}

impl SnapshotEntry {
    /// What stands there now, compared with both sides of the command.
    pub fn state(&self, root: &Root) -> Result<FileState, Error> {
        refuse_escape(root, &self.file)?;
        let now = read(root, &self.file)?;
        let sha = now.as_ref().map(|(bytes, _)| sha256(bytes));
        let mode = now.as_ref().map(|(_, mode)| *mode);
        let same_mode = self.before.as_ref().is_none_or(|before| mode == Some(before.mode));
        let is_before = match &self.before {
            None => now.is_none(),
            Some(before) => sha.as_ref() == Some(&before.sha256) && same_mode,
        };
        let differs_from_after = match sha {
            None => Some("missing"),
            Some(sha) if sha != self.after => Some("changed"),
            Some(_) if !same_mode => Some("mode"),
            Some(_) => None,
        };
        Ok(FileState { now, is_before, differs_from_after })
    }
}

/// Refuses a name that a command may not change: see [`atomic::inside`]; and what belongs to the snapshots.
pub fn refuse_escape(root: &Root, name: &str) -> Result<(), Error> {
    if name.split('/').next() == Some(STATE) {
        return Err(Error::Refused(format!("`{name}` is not written: it belongs to the snapshots")));
    }
    atomic::refuse_escape(root, name)
}

/// The content and the mode of an ordinary file; `None` when there is nothing.
pub fn read(root: &Root, name: &str) -> Result<Option<(Vec<u8>, u32)>, Error> {
    let name = Path::new(name);
    let Some(found) = root.look(name)? else { return Ok(None) };
    let path = root.shown(name);
    if !found.is_file() {
        return Err(Error::Refused(format!("`{}` is no ordinary file", path.display())));
    }
    let mut bytes = Vec::new();
    let file = root.file(name)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(Error::file(&path, "can't be read"))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_BYTES) {
        return Err(Error::Refused(format!("`{}` is too large to be changed", path.display())));
    }
    Ok(Some((bytes, found.mode() & 0o7777)))
}

/// The SHA-256 of a content, in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
