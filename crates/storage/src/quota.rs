//! Counts for quotas: what is stored for a key, and how each row is counted.
//!
//! A store changes the counts in the transaction that changes the rows. So they are exact, whatever fails and however
//! many servers write. Sizes are computed here from the values, not from a backend's pages, so that every backend
//! counts alike.

use audit::Record;
use registry_core::{AgentId, Intent, IntentId, KeyId, Owner, Timestamp};

use crate::{Remembered, StoreError};

/// Approximate bytes of a row besides its texts: times, numbers, digests and entries in indexes.
const ROW_BYTES: u64 = 128;

const MICROS_PER_DAY: i64 = 24 * 3600 * 1_000_000;

/// What one key has stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyUsage {
    /// Number of intents that it created.
    pub intents: u64,
    /// Bytes of these intents, see [`stored_intent_bytes`].
    pub intent_bytes: u64,
    /// Number of its idempotency keys.
    pub idempotency_rows: u64,
    /// Bytes of these idempotency keys, see [`stored_answer_bytes`].
    pub idempotency_bytes: u64,
    /// Rows of the audit log that name the key.
    pub audit: DayUsage,
}

impl KeyUsage {
    /// Returns the bytes that the quota of stored bytes counts.
    #[must_use]
    pub const fn stored_bytes(&self) -> u64 {
        self.intent_bytes.saturating_add(self.idempotency_bytes)
    }
}

/// Bytes used on one day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DayUsage {
    /// The day, in days since 1970-01-01, UTC.
    pub day: i64,
    /// Bytes, see [`logged_bytes`].
    pub bytes: u64,
}

impl DayUsage {
    /// Returns the bytes used on `day`.
    #[must_use]
    pub const fn on(&self, day: i64) -> u64 {
        if self.day == day { self.bytes } else { 0 }
    }

    /// Adds bytes used on `day`. Bytes of the day before are added to the present day, because rows of reads reach
    /// the log a moment after their time. Any other day starts the count again, also an earlier one: a clock that was
    /// set wrong must not lock a key out until the day that it showed.
    pub const fn add(&mut self, day: i64, bytes: u64) {
        if self.day == day || self.day == day.saturating_add(1) {
            self.bytes = self.bytes.saturating_add(bytes);
        } else {
            *self = Self { day, bytes };
        }
    }
}

/// Returns the day of a time, in days since 1970-01-01, UTC.
#[must_use]
pub const fn day_of(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(MICROS_PER_DAY)
}

/// Returns the seconds until the next day of UTC, at least one.
#[must_use]
pub const fn seconds_to_next_day(at: Timestamp) -> u64 {
    let left = MICROS_PER_DAY - at.as_micros().rem_euclid(MICROS_PER_DAY);
    left.unsigned_abs().div_ceil(1_000_000)
}

/// Returns the bytes that an intent counts: its texts, and 128 bytes.
#[must_use]
pub fn stored_intent_bytes(intent: &Intent) -> u64 {
    let texts = [
        Some(intent.id.as_str()),
        Some(intent.code.as_str()),
        Some(intent.kind.as_str()),
        intent.file.as_deref(),
        intent.import_text.as_deref(),
        intent.reason_category.as_deref(),
        intent.reason.as_deref(),
        intent.suggestion.as_deref(),
        intent.owner.as_ref().map(Owner::as_str),
        intent.ticket.as_deref(),
        intent.eta.as_deref(),
        Some(intent.status_text()),
        intent.raw.as_deref(),
        intent.agent_id.as_ref().map(AgentId::as_str),
    ];
    with_row(&texts)
}

/// Returns the bytes that an idempotency key counts: its texts, mainly the stored answer, and 128 bytes.
#[must_use]
pub fn stored_answer_bytes(what: &Remembered<'_>) -> u64 {
    with_row(&[Some(what.operation), Some(what.key), Some(what.outcome)])
}

/// Returns the bytes that a row of the audit log counts: its texts, mainly the body, and 256 bytes for its digests
/// and short columns.
#[must_use]
pub fn logged_bytes(record: &Record) -> u64 {
    let texts = [
        record.request_id.as_deref(),
        record.api_key.as_deref(),
        record.agent_id.as_deref(),
        record.ip.as_deref(),
        record.route.as_deref(),
        record.path.as_deref(),
        record.detail.as_deref(),
        record.body.as_deref(),
    ];
    with_row(&texts).saturating_add(ROW_BYTES)
}

fn with_row(texts: &[Option<&str>]) -> u64 {
    let length = |text: &str| u64::try_from(text.len()).unwrap_or(u64::MAX);
    texts.iter().flatten().map(|text| length(text)).fold(ROW_BYTES, u64::saturating_add)
}

/// Reads of the counts inside a transaction.
pub trait QuotaTx {
    /// Returns what a key has stored, including the changes of this transaction. Rows of the audit log are counted
    /// when the transaction commits.
    ///
    /// # Errors
    /// A storage error.
    fn key_usage(&mut self, key: &KeyId) -> Result<KeyUsage, StoreError>;

    /// Returns the key that created an intent; `None` for an intent that counts for no key, and for a missing intent.
    ///
    /// # Errors
    /// A storage error.
    fn creator(&mut self, id: &IntentId) -> Result<Option<KeyId>, StoreError>;
}

/// Reads of the counts in a snapshot.
pub trait QuotaReads {
    /// Returns what a key has stored.
    ///
    /// # Errors
    /// A storage error.
    fn key_usage(&self, key: &KeyId) -> Result<KeyUsage, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 20_000;

    #[test]
    fn a_late_row_counts_for_the_day_that_has_begun_and_any_other_day_starts_again() {
        let mut usage = DayUsage::default();
        usage.add(DAY, 5);
        usage.add(DAY - 1, 2);
        assert_eq!(usage, DayUsage { day: DAY, bytes: 7 });
        assert_eq!((usage.on(DAY), usage.on(DAY + 1), usage.on(DAY - 1)), (7, 0, 0));
        usage.add(DAY + 1, 1);
        assert_eq!(usage, DayUsage { day: DAY + 1, bytes: 1 });
        usage.add(DAY + 9000, 3);
        usage.add(DAY + 1, 4);
        assert_eq!(usage, DayUsage { day: DAY + 1, bytes: 4 });
    }

    #[test]
    fn a_day_ends_at_midnight_of_utc() {
        let noon = Timestamp::parse("2026-03-01T12:00:00Z").unwrap();
        let midnight = Timestamp::parse("2026-03-02T00:00:00Z").unwrap();
        assert_eq!(seconds_to_next_day(noon), 12 * 3600);
        assert_eq!(seconds_to_next_day(midnight.plus_micros(-1)), 1);
        assert_eq!(seconds_to_next_day(midnight), 24 * 3600);
        assert_eq!(day_of(midnight), day_of(midnight.plus_micros(-1)) + 1);
        assert_eq!(day_of(Timestamp::from_micros(-1)), -1);
    }
}
