//! Sealing arithmetic: place, leaf and chain value of the records of a transaction.
//!
//! A store reads the end of its log, seals the records of a transaction behind it, and writes them in that
//! transaction. INVARIANT: sequence numbers have no gap, and the id of each row is the id of the first row plus the
//! row's sequence number.

use std::sync::Arc;

use canonical::Digest;

use crate::{GENESIS_CHAIN, Record, chain};

/// Record with its leaf, ready to be sealed. The leaf is computed where the record is made, to relieve the writer. It
/// is shared, because a job may run again.
#[derive(Debug, Clone)]
pub struct Leafed {
    /// The record.
    pub record: Record,
    /// Its leaf.
    pub leaf: Digest,
}

impl Leafed {
    /// Computes the leaf.
    #[must_use]
    pub fn new(record: Record) -> Arc<Self> {
        let leaf = record.leaf();
        Arc::new(Self { record, leaf })
    }
}

/// Returns the id of the row with this sequence number, in a log whose first row has the id `first_id`.
#[must_use]
pub fn id_of(first_id: i64, seq: u64) -> i64 {
    first_id.saturating_add(i64::try_from(seq).unwrap_or(i64::MAX))
}

/// End of a log, after which the next row is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogHead {
    /// Id of the last row.
    pub id: i64,
    /// Next sequence number.
    pub next_seq: u64,
    /// Chain value of the last row.
    pub chain: Digest,
}

impl LogHead {
    /// Returns the end of a log without rows. `last_id` is the largest id that the table has assigned before.
    #[must_use]
    pub const fn empty(last_id: i64) -> Self {
        Self { id: last_id, next_seq: 0, chain: GENESIS_CHAIN }
    }

    /// Returns the end of a log whose last row is this one.
    #[must_use]
    pub const fn behind(id: i64, seq: u64, chain: Digest) -> Self {
        Self { id, next_seq: seq.saturating_add(1), chain }
    }

    /// Returns the end after one more row, which has this leaf.
    #[must_use]
    pub fn with(&self, leaf: &Digest) -> Self {
        Self::behind(self.id.saturating_add(1), self.next_seq, chain(&self.chain, leaf))
    }
}

/// Record at its place in the log.
#[derive(Debug, Clone)]
pub struct SealedRecord<'r> {
    /// The record and its leaf.
    pub leafed: &'r Leafed,
    /// Id of its row.
    pub id: i64,
    /// Sequence number.
    pub seq: u64,
    /// Chain value.
    pub chain: Digest,
}

/// Records of a transaction at their places, in the order in which they were added.
#[derive(Debug)]
pub struct SealedBatch<'r> {
    rows: Vec<SealedRecord<'r>>,
    start: LogHead,
    end: LogHead,
}

impl<'r> SealedBatch<'r> {
    /// Seals records after the end of a log.
    #[must_use]
    pub fn new(start: LogHead, records: &'r [Arc<Leafed>]) -> Self {
        let mut end = start;
        let seal = |leafed: &'r Arc<Leafed>| {
            let seq = end.next_seq;
            end = end.with(&leafed.leaf);
            SealedRecord { leafed, id: end.id, seq, chain: end.chain }
        };
        let rows = records.iter().map(seal).collect();
        Self { rows, start, end }
    }

    /// Returns the rows in their order.
    #[must_use]
    pub fn rows(&self) -> &[SealedRecord<'r>] {
        &self.rows
    }

    /// Returns the end of the log before these rows.
    #[must_use]
    pub const fn start(&self) -> LogHead {
        self.start
    }

    /// Returns the end of the log with these rows.
    #[must_use]
    pub const fn end(&self) -> LogHead {
        self.end
    }
}

#[cfg(test)]
mod tests {
    use registry_core::Timestamp;

    use super::*;
    use crate::{Actor, event};

    fn records(count: usize) -> Vec<Arc<Leafed>> {
        let record = |number: usize| {
            let at = Timestamp::EPOCH.plus_seconds(i64::try_from(number).unwrap());
            Leafed::new(Record::of(event::REQUEST, at, Actor::Agent))
        };
        (0..count).map(record).collect()
    }

    #[test]
    fn the_first_row_of_a_log_is_chained_to_nothing_and_follows_the_ids_before_it() {
        let records = records(1);
        let batch = SealedBatch::new(LogHead::empty(41), &records);
        let [row] = batch.rows() else { panic!("{batch:?}") };
        assert_eq!((row.id, row.seq), (42, 0));
        assert_eq!(row.chain, chain(&GENESIS_CHAIN, &records[0].record.leaf()));
        assert_eq!(batch.end(), LogHead { id: 42, next_seq: 1, chain: row.chain });
    }

    #[test]
    fn how_records_share_batches_changes_no_row() {
        let records = records(7);
        let whole = SealedBatch::new(LogHead::empty(3), &records);
        let places = |batch: &SealedBatch<'_>| -> Vec<_> {
            batch.rows().iter().map(|row| (row.id, row.seq, row.chain)).collect()
        };
        for cut in 0..=records.len() {
            let (first, second) = records.split_at(cut);
            let first = SealedBatch::new(LogHead::empty(3), first);
            let second = SealedBatch::new(first.end(), second);
            assert_eq!([places(&first), places(&second)].concat(), places(&whole));
            assert_eq!((second.start(), second.end()), (first.end(), whole.end()));
        }
        let ids: Vec<_> = whole.rows().iter().map(|row| id_of(4, row.seq)).collect();
        assert_eq!(ids, whole.rows().iter().map(|row| row.id).collect::<Vec<_>>());
    }

    #[test]
    fn a_batch_without_records_ends_where_it_began() {
        let start = LogHead::behind(9, 4, Digest::sha256(b"x"));
        let batch = SealedBatch::new(start, &[]);
        assert!(batch.rows().is_empty());
        assert_eq!((batch.start(), batch.end()), (start, start));
    }

    #[test]
    fn numbers_at_their_end_do_not_wrap() {
        let end = LogHead::behind(i64::MAX, u64::MAX, GENESIS_CHAIN).with(&Digest::sha256(b"x"));
        assert_eq!((end.id, end.next_seq), (i64::MAX, u64::MAX));
        assert_eq!(id_of(1, u64::MAX), i64::MAX);
    }
}
