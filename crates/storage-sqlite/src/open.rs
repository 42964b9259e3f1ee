//! Opening of a database: creates, adopts, upgrades or refuses the file before any thread runs.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use rusqlite::Connection;
use storage::{OpenError, OpenMode, OpenReport};

use crate::errors::open_error;
use crate::migrate::{self, SchemaState, adopt, refuse};
use crate::options::SqliteOptions;
use crate::pragmas;
use crate::rows::meta;

/// Database that is checked and upgraded, with the connection that will write.
pub(crate) fn prepare(options: &SqliteOptions<'_>) -> Result<(Connection, OpenReport), OpenError> {
    let path = options.path.as_path();
    make_file(path)?;
    let sqlite = |error: rusqlite::Error| open_error(path, &error);
    let mut conn = pragmas::open_for_writing(path).map_err(sqlite)?;
    let state = migrate::state_of(&conn).map_err(sqlite)?;
    let current = refuse(path, &state, options.mode)?;
    if conn.is_readonly("main").map_err(sqlite)? {
        return Err(OpenError::NotWritable { path: path.to_owned() });
    }
    pragmas::set_up_writer(&conn, options.max_pages).map_err(sqlite)?;
    let encoding: String = conn.query_row("PRAGMA encoding", [], |row| row.get(0)).map_err(sqlite)?;
    if encoding != "UTF-8" {
        return Err(OpenError::Encoding { path: path.to_owned(), encoding });
    }
    let mut report = if current { OpenReport::default() } else { migrate::bring_up(&mut conn, options)? };
    check_pepper(&conn, options)?;
    if meta::get(&conn, meta::SCRUB).map_err(sqlite)?.is_some() {
        adopt::scrub(&conn).map_err(sqlite)?;
    }
    report.log_id = meta::get(&conn, meta::LOG_ID).map_err(sqlite)?.unwrap_or_default();
    Ok((conn, report))
}

/// Opens a registry of this version to write to it, also while a server runs on it.
pub(crate) fn open_as_tool(path: &Path) -> Result<Connection, OpenError> {
    if !path.is_file() {
        return Err(OpenError::Missing { path: path.to_owned() });
    }
    let sqlite = |error: rusqlite::Error| open_error(path, &error);
    let conn = pragmas::open_for_writing(path).map_err(sqlite)?;
    let state = migrate::state_of(&conn).map_err(sqlite)?;
    if state == SchemaState::Empty {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    refuse(path, &state, OpenMode::Tool)?;
    Ok(conn)
}

fn check_pepper(conn: &Connection, options: &SqliteOptions<'_>) -> Result<(), OpenError> {
    let path = options.path.as_path();
    let stored = meta::get(conn, meta::PEPPER_CHECK).map_err(|error| open_error(path, &error))?;
    if stored.as_deref() == Some(options.pepper.check_value().as_str()) {
        Ok(())
    } else {
        Err(OpenError::WrongPepper { path: path.to_owned() })
    }
}

/// Creates a missing file, readable by its owner only. The WAL inherits its permissions.
fn make_file(path: &Path) -> Result<(), OpenError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
        && !folder.is_dir()
    {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|source| OpenError::Folder { path: folder.to_owned(), source })?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        // A broken link exists too; opening it reports what is wrong.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match fs::metadata(path) {
            Ok(found) if found.is_dir() => Err(OpenError::NotADatabase { path: path.to_owned() }),
            _ => Ok(()),
        },
        Err(_) => Err(OpenError::NotWritable { path: path.to_owned() }),
    }
}
