//! Rows and facts that a store hands to the verification of its log.

use crate::{BadReason, Record, SchemaDigest, SchemaStatement, UnplacedRow};

/// Row of the log as it is stored, with the record rebuilt from its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// Id of the row in the table.
    pub id: i64,
    /// Sequence number; `None` for a row that was never sealed.
    pub seq: Option<u64>,
    /// The record.
    pub record: Record,
    /// Stored leaf.
    pub leaf: Vec<u8>,
    /// Stored chain value.
    pub chain: Vec<u8>,
    /// Whether every column has the value and type that the sealer writes for this record. The record alone can't
    /// distinguish NULL from 0, or text from bytes.
    pub exact: bool,
}

/// Row of the table, in the order of ids.
#[derive(Debug)]
pub enum LogRow<'a> {
    /// Row with a place in the log.
    Placed(&'a StoredRow),
    /// Row without a place: of the original service, or not written by this program.
    Unplaced(UnplacedRow<'a>),
}

/// What a store knows about its log besides the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFacts {
    /// Name of the log.
    pub log_id: Option<String>,
    /// Present schema.
    pub schema: SchemaDigest,
    /// Newest statement of the schema, as the store finds it without reading the log.
    pub statement: Option<SchemaStatement>,
    /// Reason why writes were stopped, until an operator accepts the database as it is.
    pub stopped: Option<String>,
}

impl LogFacts {
    /// Returns what is wrong, as far as that is known without reading the rows.
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
