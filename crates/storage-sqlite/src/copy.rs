//! The copy of a database that is made before it is adopted.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use registry_core::Timestamp;
use rusqlite::Connection;
use rusqlite::backup::Backup;

use crate::OpenError;
use crate::pragmas;

/// Copies the database beside itself, as `<file>.original-<UTC time>`, readable by its owner alone, and waits until
/// it is on the disk. The caller holds the write lock, so nothing is written in between.
///
/// The copy is complete when it has its name: until then it is called `….part`.
pub(crate) fn copy_aside(path: &Path, now: Timestamp) -> Result<PathBuf, OpenError> {
    let target = free_name(path, now);
    let part = with_suffix(&target, ".part");
    let failed = |source: io::Error| OpenError::Copy { path: target.clone(), source };
    remove_parts(path);
    drop(OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part).map_err(failed)?);
    let copied = back_up(path, &part).map_err(io::Error::other).and_then(|()| {
        File::open(&part)?.sync_all()?;
        fs::rename(&part, &target)?;
        File::open(folder_of(path))?.sync_all()
    });
    if let Err(source) = copied {
        // What is left of it holds keys in clear.
        drop(fs::remove_file(&part));
        return Err(failed(source));
    }
    Ok(target)
}

fn back_up(from: &Path, to: &Path) -> rusqlite::Result<()> {
    let source = Connection::open_with_flags(from, pragmas::reader_flags())?;
    pragmas::set_patience(&source, pragmas::Patience::Long)?;
    let mut target = Connection::open(to)?;
    Backup::new(&source, &mut target)?.run_to_completion(4096, Duration::ZERO, None)?;
    // One file without a WAL beside it.
    target.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))
}

/// `20261120T230700Z`, and a number behind it when that second has a copy already.
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

/// Removes what copies left that were interrupted.
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
