//! Verification of a log, row by row: nothing edited, removed, inserted or moved.

use std::collections::VecDeque;

use canonical::Digest;

use crate::statements::{horizon_of, log_id_of};
use crate::{
    Adopted, AdoptedDigest, BadReason, BadRow, ExactDigest, LogFacts, LogHead, LogRow, LogVerdict,
    RECORD_VERSION, Record, SchemaStatement, StoredRow, UnplacedRow, event, id_of,
};

/// Verifier of the rows of a table in the order of their ids, so that no index decides which rows are seen.
///
/// It can't find rows that were cut off at the end, or a log that was computed anew. Only a checkpoint that is kept
/// elsewhere shows these.
#[derive(Debug, Clone)]
pub struct Verifier {
    /// End of the rows that are right. Its id is that of the last row once [`Self::first_id`] is known.
    end: LogHead,
    checked: u64,
    first_bad: Option<BadRow>,
    /// Rows whose body is missing and that no retention row covers yet: sequence number and id, ascending.
    bodies_missing: VecDeque<(u64, i64)>,
    /// Id of the log's first row, once known.
    first_id: Option<i64>,
    log_id: Option<String>,
    statement: Option<SchemaStatement>,
    /// Rows before the log; `None` for a verification that does not begin with them.
    before: Option<RowsBefore>,
}

/// Adopted rows, which come before the log.
#[derive(Debug, Clone, Default)]
struct RowsBefore {
    /// Id of the last one.
    last_id: i64,
    adopted: AdoptedDigest,
    exact: ExactDigest,
}

impl Verifier {
    /// Verifies a table from its first row.
    #[must_use]
    pub fn from_genesis() -> Self {
        Self {
            end: LogHead::empty(0),
            checked: 0,
            first_bad: None,
            bodies_missing: VecDeque::new(),
            first_id: None,
            log_id: None,
            statement: None,
            before: Some(RowsBefore::default()),
        }
    }

    /// Verifies a log from `next_seq` on, which comes after the statement; `chain` is the chain value of the row
    /// before.
    #[must_use]
    pub fn from_checkpoint(next_seq: u64, chain: Digest, statement: SchemaStatement) -> Self {
        let first_id = statement.first_id;
        let end = LogHead { id: id_of(first_id, next_seq).saturating_sub(1), next_seq, chain };
        let (first_id, statement) = (Some(first_id), Some(statement));
        Self { end, first_id, statement, before: None, ..Self::from_genesis() }
    }

    /// Verifies the next row of the table.
    ///
    /// # Errors
    /// The first wrong row, at this call and at every later one: nothing after it can be trusted.
    pub fn push_row(&mut self, row: &LogRow<'_>) -> Result<(), BadRow> {
        match row {
            LogRow::Placed(row) => self.push(row),
            LogRow::Unplaced(row) => self.push_unplaced(row),
        }
    }

    /// Verifies the next row with a place in the log.
    ///
    /// # Errors
    /// Same errors as [`push_row`](Self::push_row).
    pub fn push(&mut self, row: &StoredRow) -> Result<(), BadRow> {
        self.sound_so_far()?;
        self.check(row).map_err(|reason| {
            // A statement about the adopted rows concerns them, not the row that makes it.
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
            Some(before) if self.end.next_seq == 0 => {
                before.last_id = id;
                before.adopted.push(&unplaced.row);
                before.exact.push(unplaced.cells);
                Ok(())
            }
            _ => Err(self.wrong(BadRow { id, seq: None, reason: BadReason::Unsealed })),
        }
    }

    /// Returns the number of adopted rows so far.
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

    /// Returns the verdict over all rows that were pushed.
    #[must_use]
    pub fn finish(self) -> LogVerdict {
        let missing = self.bodies_missing.front().map(|&(seq, id)| BadRow {
            id,
            seq: Some(seq),
            reason: BadReason::BodyMissing,
        });
        let empty = (self.end.next_seq == 0).then_some(BadRow::of_log(BadReason::NoGenesis));
        let adopted = self.adopted();
        // A retention row after a wrong row can't be trusted. So a missing body before that row counts as the first
        // fault only when the rest of the log is right.
        let first_bad = self.first_bad.or(missing).or(empty);
        LogVerdict {
            ok: first_bad.is_none(),
            checked: self.checked,
            adopted,
            next_seq: self.end.next_seq,
            head: self.end.chain,
            first_bad,
        }
    }

    /// Returns the verdict over all rows that were pushed, to the end of the log, and over what the store knows
    /// besides.
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
        // Known only to a verification that has seen the genesis row.
        if self.log_id.is_some() && self.log_id != facts.log_id {
            return Err(BadReason::LogId);
        }
        Ok(())
    }

    fn check(&mut self, row: &StoredRow) -> Result<(), BadReason> {
        let seq = row.seq.ok_or(BadReason::Unsealed)?;
        if seq != self.end.next_seq {
            return Err(BadReason::Sequence { expected: self.end.next_seq });
        }
        // A verification that knows no first id begins with the first row.
        let first_id = *self.first_id.get_or_insert(row.id);
        let expected = id_of(first_id, seq);
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
        let end = LogHead { id: row.id.saturating_sub(1), ..self.end }.with(&leaf);
        if row.chain != end.chain.as_bytes() {
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
        self.end = end;
        self.checked += 1;
        Ok(())
    }

    /// Verifies what a right row states about the database and the rows before the log.
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
