//! Watcher of the database file: detects commits of other processes and changes of the schema.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use canonical::Digest;
use rusqlite::Connection;
use storage::StoreError;

use crate::audit::schema;
use crate::writer::state::WriterState;
use crate::writer::tx::{JobTx, OwnJob, WriterJob};

/// Interval between two looks. Changes of other processes must take effect within one second.
const PERIOD: Duration = Duration::from_millis(200);

/// Result of the watcher's last look.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Seen {
    /// SQLite's number for commits of other connections.
    data: Option<i64>,
    /// Digest of the schema. SQLite's number for changes of the schema can be set back.
    schema: Option<Digest>,
}

/// Looks at the database until `stop` is dropped.
pub(crate) fn run(conn: &Connection, shared: &Arc<WriterState>, mut seen: Seen, stop: &Receiver<()>) {
    while let Err(RecvTimeoutError::Timeout) = stop.recv_timeout(PERIOD) {
        look(conn, shared, &mut seen);
    }
}

/// Looks once. `data_version` moves with every commit of other connections, and this connection makes none.
pub(crate) fn look(conn: &Connection, shared: &WriterState, seen: &mut Seen) {
    // The time before the look: the result is at least that fresh.
    let at = shared.clock.monotonic_micros();
    let number = |pragma: &str| {
        conn.prepare_cached(pragma)
            .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)))
    };
    let looked = number("PRAGMA data_version").and_then(|version| {
        if seen.data.replace(version) == Some(version) {
            return Ok(());
        }
        shared.epoch.fetch_add(1, Ordering::Release);
        let schema = schema::found(conn)?.sha256();
        if seen.schema.replace(schema).is_some_and(|before| before != schema) {
            wake_writer(shared);
        }
        Ok(())
    });
    match looked {
        Ok(()) => shared.last_good_look_micros.store(at, Ordering::Release),
        Err(error) => tracing::warn!(error = %error, "the database can't be watched"),
    }
}

/// Has the writer begin a transaction, which compares the schema with the log's statement, when no request does.
fn wake_writer(shared: &WriterState) {
    if let Err((_, error)) = shared.queue.push(WriterJob::Own(Box::new(LookAtSchema))) {
        // Other jobs wait then, and look as well.
        tracing::debug!(error = %error, "the writer has work");
    }
}

/// Job that changes nothing.
struct LookAtSchema;

impl OwnJob for LookAtSchema {
    fn run(&mut self, _tx: &mut JobTx<'_>) -> Result<(), StoreError> {
        Ok(())
    }

    fn done(self: Box<Self>, _end: Result<(), StoreError>) {}
}
