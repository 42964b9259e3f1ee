//! Rows and facts that a store hands to the verification of its log.

use crate::{BadReason, Record, SchemaDigest, SchemaStatement, UnplacedRow};

/// A row of the log as it is stored, its record rebuilt from the columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// The row's id in the table.
    pub id: i64,
    /// Its place in the log; `None` for a row that was never sealed.
    pub seq: Option<u64>,
    /// The record.
    pub record: Record,
    /// The stored leaf.
    pub leaf: Vec<u8>,
    /// The stored chain value.
    pub chain: Vec<u8>,
    /// Whether every column has the value that the sealer writes for this record, its type included. A record alone
    /// can't tell NULL from 0, or a text from bytes.
    pub exact: bool,
}

/// A row of the table, in the order of ids.
#[derive(Debug)]
pub enum LogRow<'a> {
    /// A row that claims a place in the log.
    Placed(&'a StoredRow),
    /// A row without a place: of the original service, or one that this program did not write.
    Unplaced(UnplacedRow<'a>),
}

/// What a store knows of its log besides the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFacts {
    /// The name of the log.
    pub log_id: Option<String>,
    /// The schema as it is.
    pub schema: SchemaDigest,
    /// The newest statement of the schema, as the store finds it without reading the log.
    pub statement: Option<SchemaStatement>,
    /// Why writes were stopped, until an operator accepts the database as it is.
    pub stopped: Option<String>,
}

impl LogFacts {
    /// What is wrong, as far as can be said without reading the rows.
    #[must_use]
    pub fn fault(&self) -> Option<BadReason> {
        self.fault_by(self.statement.as_ref())
    }

    pub(crate) fn fault_by(&self, statement: Option<&SchemaStatement>) -> Option<BadReason> {
        if !self.schema.has("table", "audit_log") {
            return Some(BadReason::Schema("table audit_log is missing".to_owned()));
        }
        let Some(statement) = statement else { return Some(BadReason::NoStatement) };
        let difference = statement.difference(&self.schema).map(BadReason::Schema);
        difference.or_else(|| self.stopped.clone().map(BadReason::Stopped))
    }
}
