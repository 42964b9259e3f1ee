//! Transaction: the operations of a write.

use std::collections::BTreeSet;
use std::sync::Arc;

use api_keys::KeyRecord;
use audit::Leafed;
use registry_core::{Coverage, Intent, IntentId, KeyId, Timestamp};

use crate::{Inserted, LedgerTx, QuotaTx, Recalled, Remembered, SealedCheckpoint, StoreError};

/// Everything that a write can do.
pub trait Tx: IntentTx + KeyTx + AuditTx + IdempotencyTx + LedgerTx + QuotaTx {}
impl<T: IntentTx + KeyTx + AuditTx + IdempotencyTx + LedgerTx + QuotaTx> Tx for T {}

/// Writes to intents.
pub trait IntentTx {
    /// The intent of this id.
    ///
    /// # Errors
    /// Storage trouble.
    fn intent(&mut self, id: &IntentId) -> Result<Option<Intent>, StoreError>;

    /// Inserts an intent with the digest of its creating body, unless the id is taken. It counts for the key that
    /// creates it, if there is one, until it is deleted.
    ///
    /// # Errors
    /// Storage trouble.
    fn insert_intent(
        &mut self,
        intent: &Intent,
        creation: &[u8; 32],
        creator: Option<&KeyId>,
    ) -> Result<Inserted, StoreError>;

    /// Writes a changed intent over the row whose version is one less. False when there is no such row. An intent
    /// that counted for no key counts for `creator` from then on, if there is one.
    ///
    /// # Errors
    /// Storage trouble.
    fn update_intent(&mut self, intent: &Intent, creator: Option<&KeyId>) -> Result<bool, StoreError>;

    /// Deletes an intent. False when there was none.
    ///
    /// # Errors
    /// Storage trouble.
    fn delete_intent(&mut self, id: &IntentId) -> Result<bool, StoreError>;

    /// What the intents of a file come to for the pre-PR check; an empty set of codes means any. The cost must not
    /// depend on how many intents the file has.
    ///
    /// Of several that wait, it is the first by line and id. Where any code counts and the file has a crowd of them,
    /// it is the first by code, line and id.
    ///
    /// # Errors
    /// Storage trouble.
    fn coverage(&mut self, file: &str, codes: &BTreeSet<String>) -> Result<Coverage, StoreError>;
}

/// Writes to keys.
pub trait KeyTx {
    /// The key of this id.
    ///
    /// # Errors
    /// Storage trouble.
    fn key(&mut self, id: &KeyId) -> Result<Option<KeyRecord>, StoreError>;

    /// Whether rows of keys may have changed since [`crate::Watch::epoch`] had this value, as far as this transaction
    /// sees: commits of this process and of others, and what this transaction has changed so far. It may say yes
    /// without need, never no.
    ///
    /// # Errors
    /// Storage trouble.
    fn keys_moved(&mut self, epoch: u64) -> Result<bool, StoreError>;

    /// Inserts a key. False when the id is taken.
    ///
    /// # Errors
    /// Storage trouble.
    fn insert_key(&mut self, key: &KeyRecord) -> Result<bool, StoreError>;

    /// Writes a changed key over the row whose version is one less. False when there is no such row.
    ///
    /// # Errors
    /// Storage trouble.
    fn update_key(&mut self, key: &KeyRecord) -> Result<bool, StoreError>;
}

/// Writes to the audit log.
pub trait AuditTx {
    /// Adds a record. Its place in the log is given by the sealer when the transaction commits.
    ///
    /// # Errors
    /// Storage trouble.
    fn append_audit(&mut self, record: Arc<Leafed>) -> Result<(), StoreError>;

    /// Keeps a point up to which the log was verified; older ones are forgotten.
    ///
    /// # Errors
    /// Storage trouble.
    fn put_checkpoint(&mut self, checkpoint: &SealedCheckpoint, at: Timestamp) -> Result<(), StoreError>;
}

/// Writes to the memory of idempotency keys.
pub trait IdempotencyTx {
    /// What a key stood for.
    ///
    /// # Errors
    /// Storage trouble.
    fn recall(&mut self, caller: &str, operation: &str, key: &str) -> Result<Option<Recalled>, StoreError>;

    /// Keeps what a key stands for.
    ///
    /// # Errors
    /// Storage trouble.
    fn remember(&mut self, what: Remembered<'_>) -> Result<(), StoreError>;

    /// Forgets at most `limit` keys older than `before`, fewer where their outcomes are large; returns how many.
    /// None is left when it returns zero.
    ///
    /// # Errors
    /// Storage trouble.
    fn forget_idempotency(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
