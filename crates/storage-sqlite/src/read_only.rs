//! Read-only access to a database, for verification of the audit log.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use storage::{OpenError, OpenMode, StoreError, View, read_shown};

use crate::errors::open_error;
use crate::migrate::{SchemaState, refuse};
use crate::rows::meta;
use crate::{migrate, pragmas, readers};

/// Database that is only read.
pub struct ReadOnly {
    conn: Connection,
}

impl ReadOnly {
    /// Runs `f` on one snapshot.
    ///
    /// # Errors
    /// The error of `f`, or an error of opening the snapshot.
    pub fn view(&self, f: &mut dyn FnMut(&dyn View) -> Result<(), StoreError>) -> Result<(), StoreError> {
        readers::show(&self.conn, &mut |snapshot| f(snapshot))
    }

    /// Runs `f` on one snapshot and returns its result.
    ///
    /// # Errors
    /// The error of `f`, or an error of opening the snapshot.
    pub fn read<T>(&self, f: impl FnMut(&dyn View) -> Result<T, StoreError>) -> Result<T, StoreError> {
        read_shown(|show| self.view(show), f)
    }
}

/// Opens a registry for reading. Nothing is written, and no pepper is needed.
///
/// # Errors
/// [`OpenError`] when there is no file, or it is not a registry of this version.
pub fn open_read_only(path: &Path) -> Result<ReadOnly, OpenError> {
    let sqlite = |error: rusqlite::Error| open_error(path, &error);
    if !path.is_file() {
        return Err(OpenError::Missing { path: path.to_owned() });
    }
    let opened = open(path, pragmas::reader_flags());
    let (conn, state) = match opened {
        Ok(opened) => opened,
        // A WAL database in a folder that can't be written: without a WAL file it is complete as it is.
        Err(error) if cannot_open(&error) && !wal_has_content(path) => {
            open(Path::new(&immutable(path)), pragmas::reader_flags() | OpenFlags::SQLITE_OPEN_URI)
                .map_err(sqlite)?
        }
        Err(error) => return Err(sqlite(error)),
    };
    match state {
        SchemaState::Empty => Err(OpenError::Foreign { path: path.to_owned() }),
        state => refuse(path, &state, OpenMode::Tool).map(|_| ReadOnly { conn }),
    }
}

/// Whether the file is a registry whose keys were hashed under a pepper, which must then be found: a new one would
/// not fit. `false` when there is no such file, and when it can't be read; opening it reports why.
#[must_use]
pub fn has_pepper(path: &Path) -> bool {
    let opened = open(path, pragmas::reader_flags());
    opened.is_ok_and(|(conn, _)| matches!(meta::get(&conn, meta::PEPPER_CHECK), Ok(Some(_))))
}

fn open(path: &Path, flags: OpenFlags) -> rusqlite::Result<(Connection, SchemaState)> {
    let conn = Connection::open_with_flags(path, flags)?;
    pragmas::set_up_reader(&conn)?;
    let state = migrate::state_of(&conn)?;
    Ok((conn, state))
}

fn cannot_open(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, PermissionDenied, ReadOnly};
    matches!(error.sqlite_error_code(), Some(CannotOpen | PermissionDenied | ReadOnly))
}

fn wal_has_content(path: &Path) -> bool {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    std::fs::metadata(Path::new(&name)).is_ok_and(|wal| wal.len() > 0)
}

fn immutable(path: &Path) -> String {
    let text = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{text}?immutable=1")
}
