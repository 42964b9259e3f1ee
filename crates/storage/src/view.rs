//! View: the operations of a read.

use api_keys::KeyRecord;
use audit::{LogFacts, LogRow, StoredRow};
use registry_core::{CountedIntent, Intent, IntentId, IntentRow, KeyId, Owner, Timestamp};

use crate::{
    AuditQuery, IntentList, IntentQuery, LedgerReads, QuotaReads, ScanPage, SealedCheckpoint, StoreError,
};

/// Everything that a read can do.
pub trait View: IntentReads + KeyReads + AuditReads + LedgerReads + QuotaReads {}
impl<T: IntentReads + KeyReads + AuditReads + LedgerReads + QuotaReads> View for T {}

/// Reads of intents. A list ends early when its rows reach [`crate::LIST_BYTES`]: with the first row after that, by which
/// the caller sees that there is more.
pub trait IntentReads {
    /// The intent of this id.
    ///
    /// # Errors
    /// Storage trouble.
    fn intent(&self, id: &IntentId) -> Result<Option<Intent>, StoreError>;

    /// Intents of a file in the order of (line, id), rows without a line first, after `after`.
    ///
    /// # Errors
    /// Storage trouble.
    fn intents_by_file(
        &self,
        file: &str,
        after: Option<(Option<i64>, &str)>,
        limit: u32,
    ) -> Result<Vec<Intent>, StoreError>;

    /// Intents of an owner, newest change first (ties by id, descending), before `before`.
    ///
    /// # Errors
    /// Storage trouble.
    fn intents_by_owner(
        &self,
        owner: &Owner,
        before: Option<(Timestamp, &str)>,
        limit: u32,
    ) -> Result<Vec<Intent>, StoreError>;

    /// Intents in a status that can go stale, last changed before `cutoff`, oldest first (ties by id), after
    /// `after`.
    ///
    /// # Errors
    /// Storage trouble.
    fn stale_intents(
        &self,
        cutoff: Timestamp,
        after: Option<(Timestamp, &str)>,
        limit: u32,
    ) -> Result<Vec<Intent>, StoreError>;

    /// Shows at most `limit` intents of a list, borrowed from their rows, until `visit` returns false. Returns false,
    /// with nothing shown, when it would take long to find the first of them.
    ///
    /// # Errors
    /// Storage trouble.
    fn visit_intents(
        &self,
        list: &IntentList<'_>,
        limit: u32,
        visit: &mut dyn FnMut(&IntentRow<'_>) -> bool,
    ) -> Result<bool, StoreError>;

    /// Looks through at most 5,000 intents in the order of their ids after `after`, and returns at most `limit`
    /// that fit; fewer when they reach [`crate::LIST_BYTES`].
    ///
    /// # Errors
    /// Storage trouble.
    fn scan_intents(
        &self,
        filter: &IntentQuery,
        after: Option<&IntentId>,
        limit: u32,
    ) -> Result<ScanPage, StoreError>;

    /// Shows at most `limit` intents in the order of their ids after `after`; returns the last id shown, `None`
    /// at the end.
    ///
    /// # Errors
    /// Storage trouble.
    fn count_intents(
        &self,
        after: Option<&IntentId>,
        limit: u32,
        visit: &mut dyn FnMut(CountedIntent<'_>),
    ) -> Result<Option<IntentId>, StoreError>;
}

/// Reads of keys.
pub trait KeyReads {
    /// The key of this id.
    ///
    /// # Errors
    /// Storage trouble.
    fn key(&self, id: &KeyId) -> Result<Option<KeyRecord>, StoreError>;

    /// Keys in the order of their ids after `after`.
    ///
    /// # Errors
    /// Storage trouble.
    fn keys(&self, after: Option<&KeyId>, limit: u32) -> Result<Vec<KeyRecord>, StoreError>;
}

/// Reads of the audit log.
pub trait AuditReads {
    /// Looks through at most 5,000 rows, newest first, with an `id` below `before`, and returns at most `limit`
    /// that fit, with the last id looked at (`None` at the end); fewer when they reach [`crate::LIST_BYTES`].
    ///
    /// # Errors
    /// Storage trouble.
    fn audit_page(
        &self,
        filter: &AuditQuery,
        before: Option<i64>,
        limit: u32,
    ) -> Result<(Vec<StoredRow>, Option<i64>), StoreError>;

    /// Shows at most `limit` rows of the log in the order of their ids, with an `id` above `after` (`i64::MIN`: from the start): first those of the
    /// original service, then those that claim a place. No index decides which rows are shown. Returns the last id
    /// shown, `None` when none was.
    ///
    /// # Errors
    /// Storage trouble.
    fn log_rows(
        &self,
        after: i64,
        limit: u32,
        visit: &mut dyn FnMut(LogRow<'_>),
    ) -> Result<Option<i64>, StoreError>;

    /// What the store knows of the log besides its rows.
    ///
    /// # Errors
    /// Storage trouble.
    fn log_facts(&self) -> Result<LogFacts, StoreError>;

    /// The last point up to which the log was verified.
    ///
    /// # Errors
    /// Storage trouble.
    fn checkpoint(&self) -> Result<Option<SealedCheckpoint>, StoreError>;

    /// The place after the last sealed row.
    ///
    /// # Errors
    /// Storage trouble.
    fn next_seq(&self) -> Result<u64, StoreError>;
}

/// Runs `f` on the view that `show` shows it, and returns what it returns.
///
/// # Errors
/// What `f` returns, or the trouble of `show`.
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
