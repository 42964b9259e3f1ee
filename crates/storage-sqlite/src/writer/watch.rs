//! Notices what other processes commit.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::Connection;

use crate::writer::WriterState;

/// How often it looks. Others' changes must be obeyed within one second.
const PERIOD: Duration = Duration::from_millis(200);

/// Looks at the database until `stop` is dropped.
pub(crate) fn run(conn: &Connection, shared: &Arc<WriterState>, mut seen: Option<i64>, stop: &Receiver<()>) {
    while let Err(RecvTimeoutError::Timeout) = stop.recv_timeout(PERIOD) {
        look(conn, shared, &mut seen);
    }
}

/// Looks once. `data_version` moves with every commit but one's own, and this connection has none.
pub(crate) fn look(conn: &Connection, shared: &WriterState, seen: &mut Option<i64>) {
    // The time before the look: what it saw is at least that fresh.
    let at = shared.clock.monotonic_micros();
    let found = conn
        .prepare_cached("PRAGMA data_version")
        .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)));
    match found {
        Ok(version) => {
            if seen.replace(version) != Some(version) {
                shared.epoch.fetch_add(1, Ordering::Release);
            }
            shared.last_good_look_micros.store(at, Ordering::Release);
        }
        Err(error) => tracing::warn!(error = %error, "the database can't be watched"),
    }
}
