//! Options of a store.

use std::path::PathBuf;
use std::sync::Arc;

use api_keys::Pepper;
use registry_core::{Clock, Entropy};
use storage::OpenMode;

/// How to open a database.
pub struct SqliteOptions<'a> {
    /// The file.
    pub path: PathBuf,
    /// Clock, for the log's first record and for all durations.
    pub clock: Arc<dyn Clock>,
    /// Source of randomness, for the name of a new log.
    pub entropy: Arc<dyn Entropy>,
    /// Pepper that the keys are hashed under.
    pub pepper: &'a Pepper,
    /// What may be done with the file.
    pub mode: OpenMode,
    /// Number of connections for lists, scans and figures.
    pub readers: u32,
    /// Number of connections for reads of a few rows by key. One more than the threads that may make such a read at
    /// the same time, so that each finds a free connection.
    pub point_readers: u32,
    /// Number of jobs that may wait.
    pub queue: usize,
    /// Number of those places that are reserved for urgent jobs.
    pub reserved: usize,
    /// Maximum pages of the file; `None` for SQLite's own limit.
    pub max_pages: Option<u32>,
}

impl<'a> SqliteOptions<'a> {
    /// Default options: serve, 4 readers of either kind, 1,024 places of which 64 are reserved.
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
