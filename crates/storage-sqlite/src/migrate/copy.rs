//! Copies of a database: before an adoption, and backups.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use registry_core::Timestamp;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ffi};
use storage::OpenError;

use crate::errors::open_error;
use crate::migrate::SchemaState;
use crate::{migrate, pragmas};

/// Copies the database to `<file>.original-<UTC time>`, readable by its owner only, and waits until the copy is on
/// disk. The caller holds the write lock, so nothing is written meanwhile.
///
/// The copy is complete when it has its name; until then it is called `….part`.
pub(crate) fn copy_aside(path: &Path, now: Timestamp) -> Result<PathBuf, OpenError> {
    let target = free_name(path, now);
    remove_parts(path);
    copy_to(path, &target)?;
    Ok(target)
}

/// Copies a database to a new file that only its owner can read, and waits until it is on disk. The database may be
/// in use: the copy is one snapshot of it. The pepper is not in it.
///
/// # Errors
/// [`OpenError`] when `from` is not a registry of this version or an older one, when the copy can't be made, and when
/// the file `to` exists.
pub fn backup(from: &Path, to: &Path) -> Result<(), OpenError> {
    if !from.is_file() {
        return Err(OpenError::Missing { path: from.to_owned() });
    }
    let state = Connection::open_with_flags(from, pragmas::reader_flags())
        .and_then(|conn| {
            pragmas::set_patience(&conn, pragmas::Patience::Long)?;
            migrate::state_of(&conn)
        })
        .map_err(|error| open_error(from, &error))?;
    match state {
        SchemaState::Foreign | SchemaState::Empty => {
            return Err(OpenError::Foreign { path: from.to_owned() });
        }
        SchemaState::Original | SchemaState::Older(_) | SchemaState::Current | SchemaState::Newer(_) => {}
    }
    if to.symlink_metadata().is_ok() {
        return Err(OpenError::Copy {
            path: to.to_owned(),
            source: io::Error::new(io::ErrorKind::AlreadyExists, "there is a file of this name already"),
        });
    }
    copy_to(from, to)
}

fn copy_to(from: &Path, target: &Path) -> Result<(), OpenError> {
    let part = with_suffix(target, ".part");
    let failed = |source: io::Error| OpenError::Copy { path: target.to_owned(), source };
    let taken = |source: io::Error| OpenError::Copy { path: part.clone(), source };
    drop(OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part).map_err(taken)?);
    let copied = copy_pages(from, &part).map_err(io::Error::other).and_then(|()| {
        File::open(&part)?.sync_all()?;
        fs::rename(&part, target)?;
        File::open(folder_of(target))?.sync_all()
    });
    if let Err(source) = copied {
        // The rest of it may hold keys in clear.
        drop(fs::remove_file(&part));
        return Err(failed(source));
    }
    Ok(())
}

fn copy_pages(from: &Path, to: &Path) -> rusqlite::Result<()> {
    let source = Connection::open_with_flags(from, pragmas::reader_flags())?;
    pragmas::set_patience(&source, pragmas::Patience::Long)?;
    let mut target = Connection::open(to)?;
    // All in one step: between two steps another process could write, and the copy would start over again and again.
    if Backup::new(&source, &mut target)?.step(-1)? != StepResult::Done {
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_BUSY), None));
    }
    // One file without a WAL.
    target.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))
}

/// `20261120T230700Z`, with a number after it when that second has a copy already.
fn free_name(path: &Path, now: Timestamp) -> PathBuf {
    let time: String =
        now.to_string().chars().take(19).filter(|c| !matches!(c, '-' | ':')).chain(['Z']).collect();
    let plain = with_suffix(path, &format!(".original-{time}"));
    let numbered = (2..1000).map(|n| with_suffix(path, &format!(".original-{time}-{n}")));
    std::iter::once(plain.clone()).chain(numbered).find(|name| !name.exists()).unwrap_or(plain)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// Removes what interrupted copies left.
fn remove_parts(path: &Path) {
    let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else { return };
    let prefix = format!("{name}.original-");
    for entry in fs::read_dir(folder_of(path)).into_iter().flatten().flatten() {
        let found = entry.file_name().to_string_lossy().into_owned();
        if found.starts_with(&prefix) && [".part", ".part-journal"].iter().any(|end| found.ends_with(end)) {
            drop(fs::remove_file(entry.path()));
        }
    }
}
