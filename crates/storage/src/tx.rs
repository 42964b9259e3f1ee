//! Transaction: the operations of a write.

use std::collections::BTreeSet;
use std::sync::Arc;

use api_keys::KeyRecord;
use audit::Leafed;
use registry_core::{Coverage, Intent, IntentId, KeyId, Timestamp};

use crate::{Inserted, LedgerTx, QuotaTx, Recalled, Remembered, SealedCheckpoint, StoreError};

/// All operations of a write.
pub trait Tx: IntentTx + KeyTx + AuditTx + IdempotencyTx + LedgerTx + QuotaTx {}
impl<T: IntentTx + KeyTx + AuditTx + IdempotencyTx + LedgerTx + QuotaTx> Tx for T {}

/// Writes to intents.
pub trait IntentTx {
    /// Returns the intent with this id.
    ///
    /// # Errors
    /// A storage error.
    fn intent(&mut self, id: &IntentId) -> Result<Option<Intent>, StoreError>;

    /// Inserts an intent with the digest of its creating body, unless the id is taken. It counts for the key that
    /// creates it, if there is one, until it is deleted.
    ///
    /// # Errors
    /// A storage error.
    fn insert_intent(
        &mut self,
        intent: &Intent,
        creation: &[u8; 32],
        creator: Option<&KeyId>,
    ) -> Result<Inserted, StoreError>;

    /// Replaces the row of an intent whose version is one less. Returns `false` when there is no such row. An intent
    /// that counted for no key counts for `creator` from then on, if there is one.
    ///
    /// # Errors
    /// A storage error.
    fn update_intent(&mut self, intent: &Intent, creator: Option<&KeyId>) -> Result<bool, StoreError>;

    /// Deletes an intent. Returns `false` when there was none.
    ///
    /// # Errors
    /// A storage error.
    fn delete_intent(&mut self, id: &IntentId) -> Result<bool, StoreError>;

    /// Returns how the intents of a file cover it for the pre-PR check; an empty set of codes means any code. The
    /// cost must not depend on how many intents the file has.
    ///
    /// Of several placeholders, it returns the first by line and id. Where any code counts and the file has very
    /// many, it returns the first by code, line and id.
    ///
    /// # Errors
    /// A storage error.
    fn coverage(&mut self, file: &str, codes: &BTreeSet<String>) -> Result<Coverage, StoreError>;
}

/// Writes to keys.
pub trait KeyTx {
    /// Returns the key with this id.
    ///
    /// # Errors
    /// A storage error.
    fn key(&mut self, id: &KeyId) -> Result<Option<KeyRecord>, StoreError>;

    /// Whether rows of keys may have changed since [`crate::Watch::epoch`] had this value, as this transaction sees
    /// it: commits of this process and of others, and changes of this transaction so far. It may return `true`
    /// without need, never `false` wrongly.
    ///
    /// # Errors
    /// A storage error.
    fn keys_moved(&mut self, epoch: u64) -> Result<bool, StoreError>;

    /// Inserts a key. Returns `false` when the id is taken.
    ///
    /// # Errors
    /// A storage error.
    fn insert_key(&mut self, key: &KeyRecord) -> Result<bool, StoreError>;

    /// Replaces the row of a key whose version is one less. Returns `false` when there is no such row.
    ///
    /// # Errors
    /// A storage error.
    fn update_key(&mut self, key: &KeyRecord) -> Result<bool, StoreError>;
}

/// Writes to the audit log.
pub trait AuditTx {
    /// Adds a record. The sealer assigns its place in the log when the transaction commits.
    ///
    /// # Errors
    /// A storage error.
    fn append_audit(&mut self, record: Arc<Leafed>) -> Result<(), StoreError>;

    /// Stores a checkpoint up to which the log was verified; older ones are deleted.
    ///
    /// # Errors
    /// A storage error.
    fn put_checkpoint(&mut self, checkpoint: &SealedCheckpoint, at: Timestamp) -> Result<(), StoreError>;
}

/// Writes of idempotency keys.
pub trait IdempotencyTx {
    /// Returns the stored outcome of a key.
    ///
    /// # Errors
    /// A storage error.
    fn recall(&mut self, caller: &str, operation: &str, key: &str) -> Result<Option<Recalled>, StoreError>;

    /// Stores the outcome of a key.
    ///
    /// # Errors
    /// A storage error.
    fn remember(&mut self, what: Remembered<'_>) -> Result<(), StoreError>;

    /// Deletes at most `limit` keys older than `before`, fewer where their outcomes are large; returns how many. None
    /// is left when it returns zero.
    ///
    /// # Errors
    /// A storage error.
    fn forget_idempotency(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
