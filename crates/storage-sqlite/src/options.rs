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
