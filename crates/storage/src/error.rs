//! Errors of a store.

/// Error of the store itself. A refusal by a rule is never one of these: it is a value.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The writer's queue is full, or the caller's share of it.
    #[error("too many writes wait")]
    Busy,
    /// The job or the view took longer than it may; nothing was changed.
    #[error("it took more of the database's time than one request may")]
    DeadlineExceeded,
    /// No connection for reading became free in time.
    #[error("no connection to read with came free")]
    NoReader,
    /// Another process holds the database and did not release it in time.
    #[error("the database is locked by another process")]
    Locked,
    /// No space is left for the database.
    #[error("no space is left for the database")]
    Full,
    /// The database can't be reached, read or written.
    #[error("the database failed: {0}")]
    Unavailable(String),
    /// The commit may or may not be durable.
    #[error("the outcome of the write is unknown: {0}")]
    OutcomeUnknown(String),
    /// An invariant is violated. A retry fails in the same way.
    #[error("an invariant is broken: {0}")]
    Invariant(String),
    /// A stored value can't be read. A retry fails in the same way.
    #[error("`{table}.{column}` of row `{row}` can't be read: {problem}")]
    Corrupt {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// Key of the row.
        row: String,
        /// What is wrong.
        problem: String,
    },
    /// The audit log or the schema was changed by another program. Nothing is written until an operator accepts the
    /// database as it is.
    #[error("writes are stopped: {0}")]
    AuditBroken(String),
    /// The job's code panicked; its changes were rolled back.
    #[error("the write failed inside: {0}")]
    Panicked(String),
    /// The caller disconnected before the write began.
    #[error("the caller is gone")]
    Gone,
    /// The store is stopping.
    #[error("the store is closed")]
    Closed,
}
