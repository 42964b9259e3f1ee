//! Opening a database: make, adopt, upgrade or refuse the file, before any thread runs.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use api_keys::Pepper;
use registry_core::{Clock, Entropy};
use rusqlite::Connection;

use crate::migrate::adopt;
use crate::migrate::{self, SchemaState};
use crate::rows::meta;
use crate::{OpenError, pragmas};

/// What the program may do with the file that it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// Make a missing file, adopt one of the original service, upgrade an older one: `intent-api` and
    /// `t4 db migrate`.
    Serve,
    /// Make a missing file, refuse an older one: the other tools.
    Tool,
}

/// How to open a database.
pub struct SqliteOptions<'a> {
    /// The file.
    pub path: PathBuf,
    /// Time, for the log's first record and for all durations.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for the name of a new log.
    pub entropy: Arc<dyn Entropy>,
    /// The pepper that the keys are, or will be, hashed under.
    pub pepper: &'a Pepper,
    /// What may be done with the file.
    pub mode: OpenMode,
    /// How many connections serve lists, scans and figures.
    pub readers: u32,
    /// How many connections serve reads of a few rows by key. One more than the threads that may make such a read at
    /// the same time, so that none of them finds no connection free.
    pub point_readers: u32,
    /// How many jobs may wait.
    pub queue: usize,
    /// How many of those places are kept free for urgent jobs.
    pub reserved: usize,
    /// The most pages that the file may have; `None` for SQLite's own limit.
    pub max_pages: Option<u32>,
}

impl<'a> SqliteOptions<'a> {
    /// The usual options: serve, 4 readers of either kind, 1,024 places of which 64 are kept free.
    #[must_use]
    pub fn new(path: PathBuf, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>, pepper: &'a Pepper) -> Self {
        let mode = OpenMode::Serve;
        Self {
            path,
            clock,
            entropy,
            pepper,
            mode,
            readers: 4,
            point_readers: 4,
            queue: 1024,
            reserved: 64,
            max_pages: None,
        }
    }
}

/// What opening found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpenReport {
    /// Whether the registry is new.
    pub created: bool,
    /// What was adopted from the original service.
    pub adopted: Option<AdoptReport>,
    /// The schema that an older file had.
    pub upgraded_from: Option<i64>,
    /// The name of the audit log.
    pub log_id: String,
}

/// What was adopted from the original service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AdoptReport {
    /// The copy of the file as it was. It holds the keys in clear.
    pub copy: PathBuf,
    /// Keys that were hashed.
    pub keys: u64,
    /// Keys that nobody could ever present, and that are no longer in the database.
    pub unusable_keys: u64,
    /// Intents.
    pub intents: u64,
    /// Rows of the audit log.
    pub audit_rows: u64,
}

/// The database, checked and upgraded, with the connection that will write.
pub(crate) fn prepare(options: &SqliteOptions<'_>) -> Result<(Connection, OpenReport), OpenError> {
    let path = options.path.as_path();
    make_file(path)?;
    let sqlite = |error: rusqlite::Error| OpenError::of(path, &error);
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

/// Whether the file is already as it should be. Decided before anything in it is changed.
pub(crate) fn refuse(path: &Path, state: &SchemaState, mode: OpenMode) -> Result<bool, OpenError> {
    let path = path.to_owned();
    let may_upgrade = match mode {
        OpenMode::Serve => true,
        OpenMode::Tool => false,
    };
    match state {
        SchemaState::Foreign => Err(OpenError::Foreign { path }),
        SchemaState::Newer(found) => {
            Err(OpenError::Newer { path, found: *found, known: migrate::SCHEMA_VERSION })
        }
        SchemaState::Older(_) | SchemaState::Original if !may_upgrade => Err(OpenError::Older { path }),
        SchemaState::Empty | SchemaState::Older(_) | SchemaState::Original => Ok(false),
        SchemaState::Current => Ok(true),
    }
}

/// Opens a registry of this version to write to it, also while a server runs on it.
pub(crate) fn open_as_tool(path: &Path) -> Result<Connection, OpenError> {
    if !path.is_file() {
        return Err(OpenError::Missing { path: path.to_owned() });
    }
    let sqlite = |error: rusqlite::Error| OpenError::of(path, &error);
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
    let stored = meta::get(conn, meta::PEPPER_CHECK).map_err(|error| OpenError::of(path, &error))?;
    if stored.as_deref() == Some(options.pepper.check_value().as_str()) {
        Ok(())
    } else {
        Err(OpenError::WrongPepper { path: path.to_owned() })
    }
}

/// Makes a missing file, readable by its owner alone. The WAL takes its rights from it.
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
        // A broken link is "there" as well, and opening says what is wrong with it.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match fs::metadata(path) {
            Ok(found) if found.is_dir() => Err(OpenError::NotADatabase { path: path.to_owned() }),
            _ => Ok(()),
        },
        Err(_) => Err(OpenError::NotWritable { path: path.to_owned() }),
    }
}
