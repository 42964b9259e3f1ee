//! Deadline of reads: SQLite's progress handler interrupts a statement that runs longer.
//!
//! Only reads are interrupted. An interrupted write would abort the transaction, and with it every job of the batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use registry_core::Clock;
use rusqlite::Connection;
use storage::Precedence;

/// Steps of SQLite's virtual machine between two looks at the clock: some tens of microseconds.
const STEPS: i32 = 1000;
/// Value for no deadline.
const NEVER: u64 = u64::MAX;

/// How long a job may run. It backs up the limits of each request: less than the second that a revocation may take,
/// and several times what the largest request takes.
pub(crate) fn job_micros(precedence: Precedence) -> u64 {
    match precedence {
        Precedence::Ordinary => 800_000,
        // Money and the log depend on these, and each is small.
        Precedence::Control => 5_000_000,
    }
}

/// How long a view may read: ten times what is expected, so that only a view that exceeds its other limits is
/// interrupted.
pub(crate) const VIEW_MICROS: u64 = 1_000_000;

/// Time at which the running statement of a connection is interrupted.
pub(crate) struct ReadDeadline {
    clock: Arc<dyn Clock>,
    until: Arc<AtomicU64>,
}

/// Removes the deadline, also when the read panics.
pub(crate) struct Deadline<'d>(&'d AtomicU64);

impl Drop for Deadline<'_> {
    fn drop(&mut self) {
        self.0.store(NEVER, Ordering::Relaxed);
    }
}

impl ReadDeadline {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, until: Arc::new(AtomicU64::new(NEVER)) }
    }

    /// Makes a connection obey this deadline.
    pub(crate) fn install(&self, conn: &Connection) -> rusqlite::Result<()> {
        let (clock, until) = (Arc::clone(&self.clock), Arc::clone(&self.until));
        let over = move || {
            let until = until.load(Ordering::Relaxed);
            until != NEVER && clock.monotonic_micros() > until
        };
        conn.progress_handler(STEPS, Some(over))
    }

    /// Interrupts statements that run after this point of monotonic time, until the value is dropped.
    pub(crate) fn set(&self, until_micros: u64) -> Deadline<'_> {
        self.until.store(until_micros, Ordering::Relaxed);
        Deadline(&self.until)
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.monotonic_micros()
    }
}

#[cfg(test)]
mod tests {
    use registry_core::SystemClock;
    use rusqlite::ErrorCode;

    use super::*;

    const ENDLESS: &str =
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

    fn count(conn: &Connection) -> rusqlite::Result<i64> {
        conn.query_row("SELECT count(*) FROM t", [], |row| row.get(0))
    }

    #[test]
    fn an_endless_read_is_interrupted_and_the_transaction_goes_on() {
        let conn = Connection::open_in_memory().unwrap();
        let deadline = ReadDeadline::new(Arc::new(SystemClock::new()));
        deadline.install(&conn).unwrap();
        conn.execute_batch("CREATE TABLE t (x); BEGIN; INSERT INTO t VALUES (1); SAVEPOINT job").unwrap();
        {
            let _until = deadline.set(deadline.now() + 20_000);
            let end = conn.query_row(ENDLESS, [], |row| row.get::<_, i64>(0));
            assert_eq!(end.unwrap_err().sqlite_error_code(), Some(ErrorCode::OperationInterrupted));
        }
        assert!(!conn.is_autocommit(), "the transaction was dropped");
        conn.execute_batch("ROLLBACK TO job; RELEASE job; COMMIT").unwrap();
        assert_eq!(count(&conn).unwrap(), 1);
    }

    #[test]
    fn without_a_deadline_nothing_is_interrupted() {
        let conn = Connection::open_in_memory().unwrap();
        let deadline = ReadDeadline::new(Arc::new(SystemClock::new()));
        deadline.install(&conn).unwrap();
        drop(deadline.set(0));
        let long = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) \
                    SELECT count(*) FROM n";
        assert_eq!(conn.query_row(long, [], |row| row.get::<_, i64>(0)).unwrap(), 100_000);
    }
}
