//! Files, written whole or not at all.
//!
//! A new content is written to a temporary file in the same folder, brought to the disk, and renamed over the old one:
//! whoever looks, and whenever the machine stops, there is the old file or the new one. The mode stays, and the owner
//! where the system lets us; other names of the same file (hard links) keep the old content.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::{Component, Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Error;

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
    Staged::new(path, bytes, mode)?.place()?;
    sync_folder(folder(path))
}

/// The path of a name from a root, if it is safe to write there: no part of it is a link, leads up, or is git's own
/// folder. Parts that are not there yet are fine.
///
/// # Errors
/// [`Error::Refused`] otherwise.
pub fn inside(root: &Path, name: &str) -> Result<PathBuf, Error> {
    let refused = |why: &str| Error::Refused(format!("`{name}` is not written: {why}"));
    if name.is_empty() || name.contains('\0') {
        return Err(refused("it is no name of a file"));
    }
    let mut path = root.to_owned();
    for part in Path::new(name).components() {
        let Component::Normal(part) = part else { return Err(refused("it leads out of the tree")) };
        if part.eq_ignore_ascii_case(".git") {
            return Err(refused("it belongs to git"));
        }
        path.push(part);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() => {
                let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
                return Err(refused(&format!("`{shown}` is a link")));
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Error::file(&path, "can't be looked at")(error)),
        }
    }
    Ok(path)
}

/// A content that is on disk beside its file, but not in its place yet. Dropped, it goes.
pub(crate) struct Staged {
    target: PathBuf,
    temporary: PathBuf,
    placed: bool,
}

impl Staged {
    /// Writes the content to a temporary file and brings it to the disk.
    pub(crate) fn new(target: &Path, bytes: &[u8], mode: Option<u32>) -> Result<Self, Error> {
        let old = regular(target)?;
        let (temporary, mut file) = create(target, old.is_some() || mode.is_some())?;
        // From here on the temporary file goes when something fails.
        let staged = Self { target: target.to_owned(), temporary, placed: false };
        let failed = |problem| Error::file(target, problem);
        file.write_all(bytes).map_err(failed("can't be written"))?;
        let mut bits = ALL;
        if let Some(old) = &old {
            let new = file.metadata().map_err(failed("can't be written"))?;
            let same = old.uid() == new.uid() && old.gid() == new.gid();
            if !same && chown(&staged.temporary, Some(old.uid()), Some(old.gid())).is_err() {
                // A program that runs as its owner must not run as somebody else.
                bits = PERMISSIONS;
            }
        }
        if let Some(mode) = mode.or(old.as_ref().map(Metadata::mode)) {
            let permissions = Permissions::from_mode(mode & bits);
            file.set_permissions(permissions).map_err(failed("can't be given its mode"))?;
        }
        file.sync_all().map_err(failed("can't be brought to the disk"))?;
        Ok(staged)
    }

    /// Puts it in its place.
    pub(crate) fn place(mut self) -> Result<(), Error> {
        fs::rename(&self.temporary, &self.target).map_err(Error::file(&self.target, "can't be replaced"))?;
        self.placed = true;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.placed {
            // Nothing more can be done about a file that will not go; the next run clears it away.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// What stands at a path: a file, or nothing.
fn regular(path: &Path) -> Result<Option<Metadata>, Error> {
    let refused =
        |what: &str| Err(Error::Refused(format!("`{}` is not written: it is {what}", path.display())));
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => refused("a link"),
        Ok(found) if found.is_dir() => refused("a folder"),
        Ok(found) if !found.is_file() => refused("no ordinary file"),
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file(path, "can't be looked at")(error)),
    }
}

/// A new temporary file in the folder of the target. Where a mode is given later, nobody else can read it until then.
fn create(target: &Path, private: bool) -> Result<(PathBuf, File), Error> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder(target).join(format!("{PREFIX}{}-{count}{SUFFIX}", process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(if private { 0o600 } else { 0o666 });
        match options.open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && count < 1_000_000 => {}
            Err(error) => return Err(Error::file(target, "can't be written")(error)),
        }
    }
}

const PREFIX: &str = ".t4-";
const SUFFIX: &str = ".tmp";

/// Clears away what killed runs left in a folder: temporary files of processes that are gone. Where it can't be told
/// whether a process is there, they stay.
pub(crate) fn clear(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
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
            let _ = fs::remove_file(entry.path());
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

/// Brings the names in a folder to the disk.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), Error> {
    File::open(folder)
        .and_then(|opened| opened.sync_all())
        .map_err(Error::file(folder, "can't be brought to the disk"))
}

#[cfg(test)]
mod tests;
