//! Pool of readers. Each view is one snapshot on one connection.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use r2d2_sqlite::SqliteConnectionManager;
use registry_core::Clock;
use rusqlite::Connection;
use storage::StoreError;

use crate::errors::OrStore as _;
use crate::pragmas::{self, execute};
use crate::writer::deadline::{ReadDeadline, VIEW_MICROS};

/// Maximum rows that a view looks through for one part of a list.
pub(crate) const SCAN_ROWS: u32 = 5000;

/// How long a view waits for a connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// Two sets of connections, so that a read by key never waits behind scans.
pub(crate) struct Readers {
    scans: r2d2::Pool<SqliteConnectionManager>,
    points: PointReaders,
    clock: Arc<dyn Clock>,
}

/// View: the database as it was at the first read.
pub(crate) struct Snapshot<'c> {
    pub(crate) conn: &'c Connection,
}

impl Readers {
    /// Opens all connections now, so that a request never waits for that.
    pub(crate) fn open(
        path: &Path,
        scans: u32,
        points: u32,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, r2d2::Error> {
        Ok(Self { scans: pool(path, scans)?, points: PointReaders(pool(path, points)?), clock })
    }

    pub(crate) fn view(
        &self,
        f: &mut dyn FnMut(&Snapshot<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let conn = self.scans.get().map_err(|_| StoreError::NoReader)?;
        let deadline = ReadDeadline::new(Arc::clone(&self.clock));
        deadline.install(&conn).or_store()?;
        let until = deadline.now().saturating_add(VIEW_MICROS);
        show(&conn, &mut |view| {
            // The deadline ends here: the end of the transaction must not be interrupted.
            let _deadline = deadline.set(until);
            f(view)
        })
    }

    pub(crate) fn view_point(
        &self,
        patience: Duration,
        f: &mut dyn FnMut(&Snapshot<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let conn = self.points.get(patience).ok_or(StoreError::NoReader)?;
        show(&conn, f)
    }

    /// Runs one statement, which needs no transaction to see one state of the database. A transaction costs as much
    /// as a read by key.
    pub(crate) fn one_statement<T>(
        &self,
        patience: Duration,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let conn = self.points.get(patience).ok_or(StoreError::NoReader)?;
        read(&conn).or_store()
    }

    /// Number of concurrent scans.
    pub(crate) fn count(&self) -> usize {
        usize::try_from(self.scans.max_size()).unwrap_or(usize::MAX)
    }

    pub(crate) fn busy(&self) -> u64 {
        let busy = |pool: &r2d2::Pool<SqliteConnectionManager>| {
            let state = pool.state();
            u64::from(state.connections.saturating_sub(state.idle_connections))
        };
        busy(&self.scans) + busy(&self.points.0)
    }
}

/// Returns the connections for reads by key.
struct PointReaders(r2d2::Pool<SqliteConnectionManager>);

impl PointReaders {
    fn get(&self, patience: Duration) -> Option<r2d2::PooledConnection<SqliteConnectionManager>> {
        // Without patience, the pool is asked in a way that never waits.
        self.0.try_get().or_else(|| if patience.is_zero() { None } else { self.0.get_timeout(patience).ok() })
    }
}

fn pool(path: &Path, count: u32) -> Result<r2d2::Pool<SqliteConnectionManager>, r2d2::Error> {
    let manager = SqliteConnectionManager::file(path)
        .with_flags(pragmas::reader_flags())
        .with_init(|conn| pragmas::set_up_reader(conn));
    r2d2::Pool::builder()
        .max_size(count.max(1))
        .test_on_check_out(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connection_timeout(PATIENCE)
        .build(manager)
}

/// Ends the transaction of a view, also when the view panics: the connection returns to the pool without one.
struct Ending<'c>(&'c Connection);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        if execute(self.0, "COMMIT").is_err() && !self.0.is_autocommit() {
            drop(execute(self.0, "ROLLBACK"));
        }
    }
}

/// Runs `f` in one read transaction.
pub(crate) fn show(
    conn: &Connection,
    f: &mut dyn FnMut(&Snapshot<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    execute(conn, "BEGIN").or_store()?;
    let _ending = Ending(conn);
    f(&Snapshot { conn })
}
