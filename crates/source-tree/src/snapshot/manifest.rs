//! What a snapshot holds.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Info;
use crate::STATE;
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
    pub fn state(&self, root: &Path) -> Result<FileState, Error> {
        let path = target(root, &self.file)?;
        let now = read(&path)?;
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

/// The path of a file that a command may change.
pub fn target(root: &Path, name: &str) -> Result<std::path::PathBuf, Error> {
    if name.split('/').next() == Some(STATE) {
        return Err(Error::Refused(format!("`{name}` is not written: it belongs to the snapshots")));
    }
    atomic::inside(root, name)
}

/// The content and the mode of an ordinary file; `None` when there is nothing.
pub fn read(path: &Path) -> Result<Option<(Vec<u8>, u32)>, Error> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(Error::file(path, "can't be looked at")(error)),
    };
    if !found.is_file() {
        return Err(Error::Refused(format!("`{}` is no ordinary file", path.display())));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(Error::file(path, "can't be read"))?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(Error::file(path, "can't be read"))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_BYTES) {
        return Err(Error::Refused(format!("`{}` is too large to be changed", path.display())));
    }
    Ok(Some((bytes, found.mode() & 0o7777)))
}

/// The SHA-256 of a content, in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    let nibble = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    Sha256::digest(bytes).iter().flat_map(|byte| [nibble(byte >> 4), nibble(byte & 15)]).collect()
}
