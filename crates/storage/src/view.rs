//! View: the operations of a read.

use api_keys::KeyRecord;
use audit::{LogFacts, LogRow, StoredRow};
use registry_core::{CountedIntent, Intent, IntentId, IntentRow, KeyId, Owner, Timestamp};

use crate::{
    AuditQuery, IntentList, IntentQuery, LedgerReads, QuotaReads, ScanPage, SealedCheckpoint, StoreError,
};

/// All operations of a read.
pub trait View: IntentReads + KeyReads + AuditReads + LedgerReads + QuotaReads {}
impl<T: IntentReads + KeyReads + AuditReads + LedgerReads + QuotaReads> View for T {}

/// Reads of intents. A list ends early when its rows reach [`crate::LIST_BYTES`]: one row after that is included, by
/// which the caller sees that there is more.
pub trait IntentReads {
    /// Returns the intent with this id.
    ///
    /// # Errors
    /// A storage error.
    fn intent(&self, id: &IntentId) -> Result<Option<Intent>, StoreError>;

    /// Returns intents of a file by line and id, rows without a line first, after `after`.
    ///
    /// # Errors
    /// A storage error.
    fn intents_by_file(
        &self,
        file: &str,
        after: Option<(Option<i64>, &str)>,
        limit: u32,
    ) -> Result<Vec<Intent>, StoreError>;

    /// Returns intents of an owner, newest change first (ties by id, descending), before `before`.
    ///
    /// # Errors
    /// A storage error.
    fn intents_by_owner(
        &self,
        owner: &Owner,
        before: Option<(Timestamp, &str)>,
        limit: u32,
    ) -> Result<Vec<Intent>, StoreError>;

    /// Returns intents with a status that can go stale, last changed before `cutoff`, oldest first (ties by id),
    /// after `after`.
    ///
    /// # Errors
    /// A storage error.
    fn stale_intents(
        &self,
        cutoff: Timestamp,
        after: Option<(Timestamp, &str)>,
        limit: u32,
    ) -> Result<Vec<Intent>, StoreError>;

    /// Passes at most `limit` intents of a list, borrowed from their rows, to `visit` until it returns `false`.
    /// Returns `false`, without any call of `visit`, when it would take long to find the first intent.
    ///
    /// # Errors
    /// A storage error.
    fn visit_intents(
        &self,
        list: &IntentList<'_>,
        limit: u32,
        visit: &mut dyn FnMut(&IntentRow<'_>) -> bool,
    ) -> Result<bool, StoreError>;

    /// Looks through at most 5,000 intents by id after `after`, and returns at most `limit` that fit; fewer when they
    /// reach [`crate::LIST_BYTES`].
    ///
    /// # Errors
    /// A storage error.
    fn scan_intents(
        &self,
        filter: &IntentQuery,
        after: Option<&IntentId>,
        limit: u32,
    ) -> Result<ScanPage, StoreError>;

    /// Passes at most `limit` intents to `visit`, by id after `after`. Returns the last id, `None` at the end.
    ///
    /// # Errors
    /// A storage error.
    fn count_intents(
        &self,
        after: Option<&IntentId>,
        limit: u32,
        visit: &mut dyn FnMut(CountedIntent<'_>),
    ) -> Result<Option<IntentId>, StoreError>;
}

/// Reads of keys.
pub trait KeyReads {
    /// Returns the key with this id.
    ///
    /// # Errors
    /// A storage error.
    fn key(&self, id: &KeyId) -> Result<Option<KeyRecord>, StoreError>;

    /// Returns keys by id after `after`.
    ///
    /// # Errors
    /// A storage error.
    fn keys(&self, after: Option<&KeyId>, limit: u32) -> Result<Vec<KeyRecord>, StoreError>;
}

/// Reads of the audit log.
pub trait AuditReads {
    /// Looks through at most 5,000 rows, newest first, with an `id` below `before`. Returns at most `limit` that fit,
    /// and the last id that was looked at (`None` at the end); fewer when they reach [`crate::LIST_BYTES`].
    ///
    /// # Errors
    /// A storage error.
    fn audit_page(
        &self,
        filter: &AuditQuery,
        before: Option<i64>,
        limit: u32,
    ) -> Result<(Vec<StoredRow>, Option<i64>), StoreError>;

    /// Passes at most `limit` rows of the log to `visit`, by `id` above `after` (`i64::MIN`: from the start): first
    /// those of the original service, then those with a place in the log. No index decides which rows are passed.
    /// Returns the last id, `None` when there was none.
    ///
    /// # Errors
    /// A storage error.
    fn log_rows(
        &self,
        after: i64,
        limit: u32,
        visit: &mut dyn FnMut(LogRow<'_>),
    ) -> Result<Option<i64>, StoreError>;

    /// Returns what the store knows about the log besides its rows.
    ///
    /// # Errors
    /// A storage error.
    fn log_facts(&self) -> Result<LogFacts, StoreError>;

    /// Returns the last checkpoint up to which the log was verified.
    ///
    /// # Errors
    /// A storage error.
    fn checkpoint(&self) -> Result<Option<SealedCheckpoint>, StoreError>;

    /// Returns the next sequence number.
    ///
    /// # Errors
    /// A storage error.
    fn next_seq(&self) -> Result<u64, StoreError>;
}

/// Runs `f` on the view that `show` provides, and returns the result of `f`.
///
/// # Errors
/// The error of `f`, or an error of `show`.
pub fn read_shown<T>(
    show: impl FnOnce(&mut dyn FnMut(&dyn View) -> Result<(), StoreError>) -> Result<(), StoreError>,
    mut f: impl FnMut(&dyn View) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut out = None;
    show(&mut |view| {
        out = Some(f(view)?);
        Ok(())
    })?;
    out.ok_or_else(|| StoreError::Invariant("the view was not shown".to_owned()))
}
