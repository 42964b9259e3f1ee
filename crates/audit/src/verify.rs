//! Checks a log row by row: nothing edited, removed, inserted or moved.

use std::collections::VecDeque;

use canonical::Digest;

use crate::statements::horizon_of;
use crate::{GENESIS_CHAIN, RECORD_VERSION, Record, chain, event};

/// A row as it is stored, its record rebuilt from the columns.
///
/// Whoever rebuilds it must refuse columns that the record would not print again just as they are (a time in
/// another form, an actor that does not exist): a difference lost there is not found here.
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
}

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
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
    /// Another row should stand here: rows are missing, or were moved or inserted.
    #[error("expected sequence number {expected}")]
    Sequence {
        /// The place that comes next.
        expected: u64,
    },
    /// A version that this program does not know.
    #[error("unknown record version {v}")]
    Version {
        /// The version that the row states.
        v: u8,
    },
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
}

/// The first row that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("audit row {id}: {reason}")]
pub struct BadRow {
    /// Its id in the table; 0 when the log has no rows at all.
    pub id: i64,
    /// The sequence number that it states.
    pub seq: Option<u64>,
    /// What is wrong.
    pub reason: BadReason,
}

/// What a check has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogVerdict {
    /// Whether every row is right.
    pub ok: bool,
    /// How many rows were found right, up to the first that is not.
    pub checked: u64,
    /// The sequence number that comes next.
    pub next_seq: u64,
    /// The chain value of the last right row.
    pub head: Digest,
    /// The first row that is wrong.
    pub first_bad: Option<BadRow>,
}

/// Checks rows in the order of their sequence numbers.
///
/// Rows cut off at the end are found only by comparing the verdict with a checkpoint kept elsewhere. Adopted rows
/// are not pushed here: compare [`AdoptedDigest`](crate::AdoptedDigest) with what genesis claims.
#[derive(Debug, Clone)]
pub struct Verifier {
    next_seq: u64,
    head: Digest,
    checked: u64,
    first_bad: Option<BadRow>,
    /// Rows whose body is gone and that no retention row covers yet: sequence number and id, ascending.
    bodies_missing: VecDeque<(u64, i64)>,
}

impl Verifier {
    /// Checks a log from its first row.
    #[must_use]
    pub const fn from_genesis() -> Self {
        Self::from_checkpoint(0, GENESIS_CHAIN)
    }

    /// Checks a log from `next_seq` on; `chain` is the chain value of the row before it.
    #[must_use]
    pub const fn from_checkpoint(next_seq: u64, chain: Digest) -> Self {
        Self { next_seq, head: chain, checked: 0, first_bad: None, bodies_missing: VecDeque::new() }
    }

    /// Checks the next row.
    ///
    /// # Errors
    /// The first wrong row, at this push and at every one after it: nothing behind it can be trusted.
    pub fn push(&mut self, row: &StoredRow) -> Result<(), BadRow> {
        if let Some(bad) = self.first_bad {
            return Err(bad);
        }
        self.check(row).map_err(|reason| {
            let bad = BadRow { id: row.id, seq: row.seq, reason };
            self.first_bad = Some(bad);
            bad
        })
    }

    /// The verdict over all rows that were pushed.
    #[must_use]
    pub fn finish(self) -> LogVerdict {
        let missing = self.bodies_missing.front().map(|&(seq, id)| BadRow {
            id,
            seq: Some(seq),
            reason: BadReason::BodyMissing,
        });
        let empty = (self.next_seq == 0).then_some(BadRow { id: 0, seq: None, reason: BadReason::NoGenesis });
        // A retention row behind a wrong row can't be trusted, so a missing body before that row is wrong first
        // only when the rest of the log is right.
        let first_bad = self.first_bad.or(missing).or(empty);
        LogVerdict {
            ok: first_bad.is_none(),
            checked: self.checked,
            next_seq: self.next_seq,
            head: self.head,
            first_bad,
        }
    }

    fn check(&mut self, row: &StoredRow) -> Result<(), BadReason> {
        let seq = row.seq.ok_or(BadReason::Unsealed)?;
        if seq != self.next_seq {
            return Err(BadReason::Sequence { expected: self.next_seq });
        }
        let record = &row.record;
        if record.v != RECORD_VERSION {
            return Err(BadReason::Version { v: record.v });
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
