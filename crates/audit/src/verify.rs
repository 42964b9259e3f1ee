//! Checks a log row by row: nothing edited, removed, inserted or moved.

use std::collections::VecDeque;

use canonical::Digest;

use crate::statements::{horizon_of, log_id_of};
use crate::{
    Adopted, AdoptedDigest, ExactDigest, GENESIS_CHAIN, RECORD_VERSION, Record, SchemaDigest,
    SchemaStatement, UnplacedRow, chain, event,
};

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

    fn fault_by(&self, statement: Option<&SchemaStatement>) -> Option<BadReason> {
        if !self.schema.has("table", "audit_log") {
            return Some(BadReason::Schema("table audit_log is missing".to_owned()));
        }
        let Some(statement) = statement else { return Some(BadReason::NoStatement) };
        let difference = statement.difference(&self.schema).map(BadReason::Schema);
        difference.or_else(|| self.stopped.clone().map(BadReason::Stopped))
    }
}

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
    const fn of_log(reason: BadReason) -> Self {
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

/// Checks the rows of the table in the order of their ids, so that no index decides which rows are seen.
///
/// Rows cut off at the end are found only by comparing the verdict with a checkpoint kept elsewhere, and so is a log
/// that was computed anew.
#[derive(Debug, Clone)]
pub struct Verifier {
    next_seq: u64,
    head: Digest,
    checked: u64,
    first_bad: Option<BadRow>,
    /// Rows whose body is gone and that no retention row covers yet: sequence number and id, ascending.
    bodies_missing: VecDeque<(u64, i64)>,
    /// The id of the log's first row, once known.
    first_id: Option<i64>,
    log_id: Option<String>,
    statement: Option<SchemaStatement>,
    /// The rows before the log; `None` for a check that does not begin with them.
    before: Option<RowsBefore>,
}

/// The adopted rows, which come before the log.
#[derive(Debug, Clone, Default)]
struct RowsBefore {
    /// The id of the last one.
    last_id: i64,
    adopted: AdoptedDigest,
    exact: ExactDigest,
}

impl Verifier {
    /// Checks a table from its first row.
    #[must_use]
    pub fn from_genesis() -> Self {
        Self {
            next_seq: 0,
            head: GENESIS_CHAIN,
            checked: 0,
            first_bad: None,
            bodies_missing: VecDeque::new(),
            first_id: None,
            log_id: None,
            statement: None,
            before: Some(RowsBefore::default()),
        }
    }

    /// Checks a log from `next_seq` on, which comes after the statement; `chain` is the chain value of the row before.
    #[must_use]
    pub fn from_checkpoint(next_seq: u64, chain: Digest, statement: SchemaStatement) -> Self {
        let first_id = Some(statement.first_id);
        let statement = Some(statement);
        Self { next_seq, head: chain, first_id, statement, before: None, ..Self::from_genesis() }
    }

    /// Checks the next row of the table.
    ///
    /// # Errors
    /// The first wrong row, at this push and at every one after it: nothing behind it can be trusted.
    pub fn push_row(&mut self, row: &LogRow<'_>) -> Result<(), BadRow> {
        match row {
            LogRow::Placed(row) => self.push(row),
            LogRow::Unplaced(row) => self.push_unplaced(row),
        }
    }

    /// Checks the next row that claims a place in the log.
    ///
    /// # Errors
    /// As [`push_row`](Self::push_row).
    pub fn push(&mut self, row: &StoredRow) -> Result<(), BadRow> {
        self.sound_so_far()?;
        self.check(row).map_err(|reason| {
            // A claim about the adopted rows is about them, not about the row that makes it.
            let (id, seq) = match (&reason, &self.before) {
                (BadReason::Adopted, Some(before)) => (before.last_id, None),
                _ => (row.id, row.seq),
            };
            self.wrong(BadRow { id, seq, reason })
        })
    }

    fn push_unplaced(&mut self, unplaced: &UnplacedRow<'_>) -> Result<(), BadRow> {
        self.sound_so_far()?;
        let id = unplaced.row.id;
        match &mut self.before {
            Some(before) if self.next_seq == 0 => {
                before.last_id = id;
                before.adopted.push(&unplaced.row);
                before.exact.push(unplaced.cells);
                Ok(())
            }
            _ => Err(self.wrong(BadRow { id, seq: None, reason: BadReason::Unsealed })),
        }
    }

    /// How many adopted rows came so far.
    #[must_use]
    pub fn adopted(&self) -> u64 {
        self.before.as_ref().map_or(0, |before| before.adopted.count())
    }

    fn sound_so_far(&self) -> Result<(), BadRow> {
        self.first_bad.clone().map_or(Ok(()), Err)
    }

    fn wrong(&mut self, bad: BadRow) -> BadRow {
        self.first_bad = Some(bad.clone());
        bad
    }

    /// The verdict over all rows that were pushed.
    #[must_use]
    pub fn finish(self) -> LogVerdict {
        let missing = self.bodies_missing.front().map(|&(seq, id)| BadRow {
            id,
            seq: Some(seq),
            reason: BadReason::BodyMissing,
        });
        let empty = (self.next_seq == 0).then_some(BadRow::of_log(BadReason::NoGenesis));
        let adopted = self.adopted();
        // A retention row behind a wrong row can't be trusted, so a missing body before that row is wrong first
        // only when the rest of the log is right.
        let first_bad = self.first_bad.or(missing).or(empty);
        LogVerdict {
            ok: first_bad.is_none(),
            checked: self.checked,
            adopted,
            next_seq: self.next_seq,
            head: self.head,
            first_bad,
        }
    }

    /// The verdict over all rows that were pushed, to the end of the log, and over what the store knows besides.
    #[must_use]
    pub fn finish_with(self, facts: &LogFacts) -> LogVerdict {
        let of_store = self.against(facts).err();
        let mut verdict = self.finish();
        if let (None, Some(reason)) = (&verdict.first_bad, of_store) {
            verdict.ok = false;
            verdict.first_bad = Some(BadRow::of_log(reason));
        }
        verdict
    }

    fn against(&self, facts: &LogFacts) -> Result<(), BadReason> {
        if let Some(fault) = facts.fault_by(self.statement.as_ref()) {
            return Err(fault);
        }
        if facts.statement != self.statement {
            return Err(BadReason::StatementIndex);
        }
        // Known only to a check that has seen the genesis row.
        if self.log_id.is_some() && self.log_id != facts.log_id {
            return Err(BadReason::LogId);
        }
        Ok(())
    }

    fn check(&mut self, row: &StoredRow) -> Result<(), BadReason> {
        let seq = row.seq.ok_or(BadReason::Unsealed)?;
        if seq != self.next_seq {
            return Err(BadReason::Sequence { expected: self.next_seq });
        }
        let place = i64::try_from(seq).unwrap_or(i64::MAX);
        let first_id = *self.first_id.get_or_insert_with(|| row.id.saturating_sub(place));
        let expected = first_id.saturating_add(place);
        if row.id != expected {
            return Err(BadReason::Id { expected });
        }
        let record = &row.record;
        if record.v != RECORD_VERSION {
            return Err(BadReason::Version { v: record.v });
        }
        if !row.exact {
            return Err(BadReason::Form);
        }
        match (seq == 0, record.event == event::GENESIS) {
            (true, false) => return Err(BadReason::NoGenesis),
            (false, true) => return Err(BadReason::SecondGenesis),
            (true, true) | (false, false) => {}
        }
        let body_missing = !body_is_there(record)?;
        let leaf = record.leaf();
        if row.leaf != leaf.as_bytes() {
            return Err(BadReason::Leaf);
        }
        let head = chain(&self.head, &leaf);
        if row.chain != head.as_bytes() {
            return Err(BadReason::Chain);
        }
        self.check_claims(record, first_id)?;
        if body_missing {
            self.bodies_missing.push_back((seq, row.id));
        }
        if let Some(horizon) = horizon_of(record) {
            // A row can't permit what comes after it.
            let horizon = horizon.min(seq);
            while self.bodies_missing.pop_front_if(|(missing, _)| *missing < horizon).is_some() {}
        }
        self.head = head;
        self.next_seq = seq.saturating_add(1);
        self.checked += 1;
        Ok(())
    }

    /// Checks what a sound row says of the database and of the rows before the log.
    fn check_claims(&mut self, record: &Record, first_id: i64) -> Result<(), BadReason> {
        if record.event == event::GENESIS {
            self.log_id = log_id_of(record);
            if let (Some(claim), Some(before)) = (Adopted::claimed_by(record), &self.before)
                && claim != before.adopted.clone().finish_as_claim()
            {
                return Err(BadReason::Adopted);
            }
        }
        let statement = SchemaStatement::of(record);
        if record.event == event::SCHEMA && statement.is_none() {
            return Err(BadReason::Statement);
        }
        if let Some(statement) = statement {
            if statement.first_id != first_id {
                return Err(BadReason::Statement);
            }
            if let Some(before) = &self.before
                && statement.adopted_sha256 != before.exact.clone().finish()
            {
                return Err(BadReason::AdoptedForm);
            }
            self.statement = Some(statement);
        }
        Ok(())
    }
}

/// Whether the body that was kept is still there; true for a record that kept none.
fn body_is_there(record: &Record) -> Result<bool, BadReason> {
    match (&record.body, record.body_kept) {
        (None, kept) => Ok(!kept),
        (Some(_), false) => Err(BadReason::Body),
        (Some(body), true) => {
            let digest = Digest::sha256(body.as_bytes()).to_string();
            let length = u64::try_from(body.len()).ok();
            let same = record.body_sha256.as_deref() == Some(&*digest) && length == Some(record.body_bytes);
            same.then_some(true).ok_or(BadReason::Body)
        }
    }
}

#[cfg(test)]
mod tests;
