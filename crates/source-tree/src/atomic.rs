//! Writing of files as a whole or not at all.
//!
//! New content is written to a temporary file in the same folder, synced to disk, and renamed over the old file. So a
//! reader sees the old file or the new one, at any moment and after any crash. The mode is kept, and the owner where
//! the system allows it. Other names of the same file (hard links) keep the old content.

use std::ffi::OsString;
use std::fs::Permissions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{PermissionsExt as _, fchown};
use std::path::{Component, Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use cap_std::fs::{Dir, File, Metadata, MetadataExt as _, OpenOptions, OpenOptionsExt as _};

use crate::Error;
use crate::root::{Root, open_folder, sync};

/// The bits of a mode that say who may do what, without those that change who runs a program.
const PERMISSIONS: u32 = 0o777;
/// Every bit of a mode.
const ALL: u32 = 0o7777;

/// Writes a file whole or not at all, through a temporary file beside it; its mode stays. A link is refused, and so is
/// anything else that is no file. The folder must be there.
///
/// # Errors
/// When the disk or the permissions stand in the way: the file is as it was.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write_mode(path, bytes, None)
}

/// [`write()`], with a mode to give it; `None` keeps the mode that is there (a new file gets what the system gives new
/// files).
///
/// # Errors
/// As for [`write()`].
pub fn write_mode(path: &Path, bytes: &[u8], mode: Option<u32>) -> Result<(), Error> {
    FolderEntry::of_path(path)?.write(bytes, mode)
}

/// [`write_mode()`] for a name from the root of a tree that is not trusted: see [`inside()`].
///
/// # Errors
/// As for [`write()`] and [`inside()`].
pub fn write_inside(root: &Path, name: &str, bytes: &[u8], mode: Option<u32>) -> Result<(), Error> {
    let root = Root::open(root)?;
    refuse_escape(&root, name)?;
    FolderEntry::of_tree(&root, name)?.write(bytes, mode)
}

/// The path of a name from a root, if it is safe to write there: no part of it is a link, leads up, or is git's own
/// folder. Parts that are not there yet are fine.
///
/// # Errors
/// [`Error::Refused`] otherwise.
pub fn inside(root: &Path, name: &str) -> Result<PathBuf, Error> {
    let root = Root::open(root)?;
    refuse_escape(&root, name)?;
    Ok(root.shown(Path::new(name)))
}

/// The check of [`inside()`].
pub(crate) fn refuse_escape(root: &Root, name: &str) -> Result<(), Error> {
    let refused = |why: &str| Error::Refused(format!("`{name}` is not written: {why}"));
    if name.is_empty() || name.contains('\0') {
        return Err(refused("it is no name of a file"));
    }
    for part in Path::new(name).components() {
        let Component::Normal(part) = part else { return Err(refused("it leads out of the tree")) };
        if part.eq_ignore_ascii_case(".git") {
            return Err(refused("it belongs to git"));
        }
    }
    match root.first_link(Path::new(name))? {
        Some(link) => Err(refused(&format!("`{}` is a link", link.display()))),
        None => Ok(()),
    }
}

/// Name in a folder that is open.
pub(crate) struct FolderEntry {
    folder: Dir,
    name: OsString,
    /// For messages.
    path: PathBuf,
}

impl FolderEntry {
    /// The entry of a path that the person who runs the command has named.
    pub(crate) fn of_path(path: &Path) -> Result<Self, Error> {
        let opened = open_folder(folder(path)).map_err(Error::file(path, "can't be written"))?;
        Self::new(opened, path.to_owned())
    }

    /// The entry of a name from a root. The folder above it must be there.
    pub(crate) fn of_tree(root: &Root, name: &str) -> Result<Self, Error> {
        let path = root.shown(Path::new(name));
        let above = folder(Path::new(name));
        let opened = root.folder.open_dir(above).map_err(Error::file(&path, "can't be written"))?;
        Self::new(opened, path)
    }

    fn new(folder: Dir, path: PathBuf) -> Result<Self, Error> {
        let name = path.file_name().map(ToOwned::to_owned);
        let name = name
            .ok_or_else(|| Error::Refused(format!("`{}` is not written: it is a folder", path.display())))?;
        Ok(Self { folder, name, path })
    }

    /// [`write_mode()`].
    pub(crate) fn write(self, bytes: &[u8], mode: Option<u32>) -> Result<(), Error> {
        let staged = Staged::new(self, bytes, mode)?;
        let folder = staged.target.folder.try_clone();
        let path = self::folder(&staged.target.path).to_owned();
        staged.place()?;
        folder.and_then(|folder| sync(&folder)).map_err(Error::file(&path, "can't be brought to the disk"))
    }

    /// The regular file that is there, or nothing.
    fn regular(&self) -> Result<Option<Metadata>, Error> {
        let refused = |what: &str| {
            Err(Error::Refused(format!("`{}` is not written: it is {what}", self.path.display())))
        };
        match self.folder.symlink_metadata(&self.name) {
            Ok(found) if found.is_symlink() => refused("a link"),
            Ok(found) if found.is_dir() => refused("a folder"),
            Ok(found) if !found.is_file() => refused("no ordinary file"),
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file(&self.path, "can't be looked at")(error)),
        }
    }

    /// A new temporary file in the folder. Where a mode is given later, only its owner can read it until then.
    fn create_temporary(&self, private: bool) -> Result<(String, File), Error> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("{PREFIX}{}-{count}{SUFFIX}", process::id());
            let mut options = OpenOptions::new();
            options.write(true).create_new(true).mode(if private { 0o600 } else { 0o666 });
            match self.folder.open_with(&name, &options) {
                Ok(file) => return Ok((name, file)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists && count < 1_000_000 => {}
                Err(error) => return Err(Error::file(&self.path, "can't be written")(error)),
            }
        }
    }
}

/// Content that is on disk beside its file, but not in its place yet. Dropped, it goes.
pub(crate) struct Staged {
    target: FolderEntry,
    temporary: String,
    placed: bool,
}

impl Staged {
    /// Writes the content to a temporary file and brings it to the disk. `mode` is as for [`write_mode()`].
    pub(crate) fn new(target: FolderEntry, bytes: &[u8], mode: Option<u32>) -> Result<Self, Error> {
        let old = target.regular()?;
        let (temporary, file) = target.create_temporary(old.is_some() || mode.is_some())?;
        // From here on the temporary file goes when something fails.
        let staged = Self { target, temporary, placed: false };
        let mut file = file.into_std();
        let failed = |problem| Error::file(&staged.target.path, problem);
        file.write_all(bytes).map_err(failed("can't be written"))?;
        let mut bits = ALL;
        if let Some(old) = &old {
            let new = Metadata::from_file(&file).map_err(failed("can't be written"))?;
            let same = old.uid() == new.uid() && old.gid() == new.gid();
            if !same && fchown(&file, Some(old.uid()), Some(old.gid())).is_err() {
                // A program that runs as its owner must not run as another user.
                bits = PERMISSIONS;
            }
        }
        if let Some(mode) = mode.or(old.as_ref().map(cap_std::fs::MetadataExt::mode)) {
            let permissions = Permissions::from_mode(mode & bits);
            file.set_permissions(permissions).map_err(failed("can't be given its mode"))?;
        }
        file.sync_all().map_err(failed("can't be brought to the disk"))?;
        Ok(staged)
    }

    /// Puts it in its place.
    pub(crate) fn place(mut self) -> Result<(), Error> {
        let FolderEntry { folder, name, path } = &self.target;
        folder.rename(&self.temporary, folder, name).map_err(Error::file(path, "can't be replaced"))?;
        self.placed = true;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.placed {
            // Nothing more can be done about a file that will not go; the next run clears it away.
            let _ = self.target.folder.remove_file(&self.temporary);
        }
    }
}

const PREFIX: &str = ".t4-";
const SUFFIX: &str = ".tmp";

/// Clears away what killed runs left in a folder: temporary files of processes that are gone. Where it can't be told
/// whether a process is there, they stay.
pub(crate) fn clear(folder: &Dir) {
    let Ok(entries) = folder.entries() else { return };
    if !Path::new("/proc/self").exists() {
        return;
    }
    for entry in entries.flatten() {
        let name = entry.file_name();
        let process = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.split_once('-'))
            .filter(|(process, count)| [process, count].iter().all(|text| is_number(text)));
        if let Some((process, _)) = process
            && !Path::new("/proc").join(process).exists()
            && entry.file_type().is_ok_and(|kind| kind.is_file())
        {
            let _ = folder.remove_file(&name);
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The folder of a file.
#[must_use]
pub fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests;
