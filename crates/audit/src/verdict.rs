//! Result of a verification.

use canonical::Digest;

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadReason {
    /// The log from its start is empty, or does not start with a genesis row.
    #[error("the log does not start with a genesis row")]
    NoGenesis,
    /// A genesis row that is not the first.
    #[error("a second genesis row")]
    SecondGenesis,
    /// The row has no place in the log.
    #[error("the row was never sealed")]
    Unsealed,
    /// Another row belongs here: rows are missing, or were moved or inserted.
    #[error("expected sequence number {expected}")]
    Sequence {
        /// The place that comes next.
        expected: u64,
    },
    /// The id does not follow from the sequence number, so that lists show the row elsewhere or not at all.
    #[error("expected id {expected}")]
    Id {
        /// The id of a row with this sequence number.
        expected: i64,
    },
    /// A version that this program does not know.
    #[error("unknown record version {v}")]
    Version {
        /// The version that the row states.
        v: u8,
    },
    /// A column has a type or a form that the sealer does not write.
    #[error("a column has another type or form than this program writes")]
    Form,
    /// The body is not the one that was recorded.
    #[error("the body does not match its digest")]
    Body,
    /// The body is gone, and no later retention row says that it may be.
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
    /// The adopted rows are not those that a statement of the schema states: columns differ in their type, or in
    /// what this program never writes there.
    #[error("rows without a place in the log differ from what this row states")]
    AdoptedForm,
    /// A statement of the schema that can't be read, or that states another first id.
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
    /// The database names another log than its genesis row.
    #[error("the database has the name of another log than its genesis row")]
    LogId,
    /// A server found the log or the schema changed, and has stopped writing.
    #[error("writes are stopped: {0}")]
    Stopped(String),
}

/// The first row that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("audit row {id}: {reason}")]
pub struct BadRow {
    /// Its id in the table; 0 when it is about the log as a whole.
    pub id: i64,
    /// The sequence number that it states.
    pub seq: Option<u64>,
    /// What is wrong.
    pub reason: BadReason,
}

impl BadRow {
    /// What is wrong with the log as a whole.
    pub(crate) const fn of_log(reason: BadReason) -> Self {
        Self { id: 0, seq: None, reason }
    }
}

/// What a check has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogVerdict {
    /// Whether every row is right.
    pub ok: bool,
    /// How many rows were found right, up to the first that is not.
    pub checked: u64,
    /// How many rows have no place because they were adopted from the original service.
    pub adopted: u64,
    /// The sequence number that comes next.
    pub next_seq: u64,
    /// The chain value of the last right row.
    pub head: Digest,
    /// The first row that is wrong.
    pub first_bad: Option<BadRow>,
}
