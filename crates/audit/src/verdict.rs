//! Result of a verification.

use canonical::Digest;

/// Fault of a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadReason {
    /// The log from its start is empty, or does not start with a genesis row.
    #[error("the log does not start with a genesis row")]
    NoGenesis,
    /// A genesis row is not the first.
    #[error("a second genesis row")]
    SecondGenesis,
    /// The row has no sequence number.
    #[error("the row was never sealed")]
    Unsealed,
    /// Another row belongs here: rows are missing, or were moved or inserted.
    #[error("expected sequence number {expected}")]
    Sequence {
        /// Expected sequence number.
        expected: u64,
    },
    /// The id does not follow from the sequence number, so that lists show the row elsewhere or not at all.
    #[error("expected id {expected}")]
    Id {
        /// Id of a row with this sequence number.
        expected: i64,
    },
    /// The version is unknown to this program.
    #[error("unknown record version {v}")]
    Version {
        /// Version that the row states.
        v: u8,
    },
    /// A column has a type or a form that the sealer does not write.
    #[error("a column has another type or form than this program writes")]
    Form,
    /// The body is not the one that was recorded.
    #[error("the body does not match its digest")]
    Body,
    /// The body is missing, and no later retention row permits that.
    #[error("the body is missing and no later retention row covers it")]
    BodyMissing,
    /// A column was edited.
    #[error("the columns do not match the leaf")]
    Leaf,
    /// The row, or one before it, was replaced.
    #[error("the chain value does not follow from the row before")]
    Chain,
    /// The adopted rows are not those that the genesis row states.
    #[error("rows without a place in the log differ from what the genesis row states")]
    Adopted,
    /// The adopted rows are not those that a statement of the schema states: columns differ in type, or hold what
    /// this program never writes there.
    #[error("rows without a place in the log differ from what this row states")]
    AdoptedForm,
    /// A statement of the schema can't be read, or states another first id.
    #[error("the statement of the schema does not fit this log")]
    Statement,
    /// No row states the schema.
    #[error("no row of the log states the schema of the database")]
    NoStatement,
    /// The store finds another statement of the schema than the newest one of the log.
    #[error("the index that finds the newest statement of the schema is wrong")]
    StatementIndex,
    /// The database has another schema than the log states.
    #[error("the schema of the database is not the one that the log states: {0}")]
    Schema(String),
    /// The database names another log than its genesis row does.
    #[error("the database has the name of another log than its genesis row")]
    LogId,
    /// A server found the log or the schema changed, and has stopped writing.
    #[error("writes are stopped: {0}")]
    Stopped(String),
}

/// First wrong row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("audit row {id}: {reason}")]
pub struct BadRow {
    /// Id in the table; 0 when the fault concerns the log as a whole.
    pub id: i64,
    /// Sequence number that the row states.
    pub seq: Option<u64>,
    /// The fault.
    pub reason: BadReason,
}

impl BadRow {
    /// Creates a fault of the log as a whole.
    pub(crate) const fn of_log(reason: BadReason) -> Self {
        Self { id: 0, seq: None, reason }
    }
}

/// Result of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogVerdict {
    /// Whether every row is right.
    pub ok: bool,
    /// Number of right rows, up to the first wrong one.
    pub checked: u64,
    /// Number of rows without a place, because they were adopted from the original service.
    pub adopted: u64,
    /// Next sequence number.
    pub next_seq: u64,
    /// Chain value of the last right row.
    pub head: Digest,
    /// First wrong row.
    pub first_bad: Option<BadRow>,
}
