//! What a job sees: the statements of its savepoint, and the records that it adds.

use std::sync::Arc;

use api_keys::KeyRecord;
use registry_core::{Intent, IntentId, KeyId, Timestamp};
use rusqlite::Connection;
use storage::{
    AuditTx, FileRow, IdempotencyTx, Inserted, IntentTx, KeyTx, Leafed, OutsideChange, OutsideTx, Recalled,
    Remembered, SealedCheckpoint, StoreError,
};

use crate::errors::OrStore as _;
use crate::{audit_rows, idempotency, intents, keys, outside};

/// One run of one job.
pub(crate) struct JobTx<'c> {
    conn: &'c Connection,
    /// Records that wait for the sealer.
    pub(crate) appended: Vec<Arc<Leafed>>,
    /// Whether rows of keys were written.
    pub(crate) keys_changed: bool,
    /// The first trouble. A job can't talk it away: PostgreSQL would refuse to go on after it as well.
    pub(crate) trouble: Option<StoreError>,
}

impl<'c> JobTx<'c> {
    pub(crate) fn new(conn: &'c Connection) -> Self {
        Self { conn, appended: Vec::new(), keys_changed: false, trouble: None }
    }

    fn run<T>(&mut self, f: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if let Some(trouble) = &self.trouble {
            return Err(trouble.clone());
        }
        f(self.conn).inspect_err(|error| self.trouble = Some(error.clone()))
    }
}

impl IntentTx for JobTx<'_> {
    fn intent(&mut self, id: &IntentId) -> Result<Option<Intent>, StoreError> {
        self.run(|conn| intents::get(conn, id).or_store())
    }

    fn insert_intent(&mut self, intent: &Intent, creation: &[u8; 32]) -> Result<Inserted, StoreError> {
        self.run(|conn| intents::insert(conn, intent, creation).or_store())
    }

    fn update_intent(&mut self, intent: &Intent) -> Result<bool, StoreError> {
        self.run(|conn| intents::update(conn, intent).or_store())
    }

    fn delete_intent(&mut self, id: &IntentId) -> Result<bool, StoreError> {
        self.run(|conn| intents::delete(conn, id).or_store())
    }

    fn visit_file(
        &mut self,
        file: &str,
        visit: &mut dyn FnMut(FileRow<'_>) -> bool,
    ) -> Result<(), StoreError> {
        self.run(|conn| intents::visit_file(conn, file, visit).or_store())
    }
}

impl KeyTx for JobTx<'_> {
    fn key(&mut self, id: &KeyId) -> Result<Option<KeyRecord>, StoreError> {
        self.run(|conn| keys::get(conn, id).or_store())
    }

    fn insert_key(&mut self, key: &KeyRecord) -> Result<bool, StoreError> {
        self.keys_changed = true;
        self.run(|conn| keys::insert(conn, key).or_store())
    }

    fn update_key(&mut self, key: &KeyRecord) -> Result<bool, StoreError> {
        self.keys_changed = true;
        self.run(|conn| keys::update(conn, key).or_store())
    }
}

impl AuditTx for JobTx<'_> {
    fn append_audit(&mut self, record: Arc<Leafed>) -> Result<(), StoreError> {
        self.appended.push(record);
        Ok(())
    }

    fn put_checkpoint(&mut self, checkpoint: &SealedCheckpoint, at: Timestamp) -> Result<(), StoreError> {
        self.run(|conn| audit_rows::put_checkpoint(conn, checkpoint, at).or_store())
    }
}

impl IdempotencyTx for JobTx<'_> {
    fn recall(&mut self, caller: &str, operation: &str, key: &str) -> Result<Option<Recalled>, StoreError> {
        self.run(|conn| idempotency::recall(conn, caller, operation, key))
    }

    fn remember(&mut self, what: Remembered<'_>) -> Result<(), StoreError> {
        self.run(|conn| idempotency::remember(conn, what).or_store())
    }

    fn forget_idempotency(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.run(|conn| idempotency::forget(conn, before, limit).or_store())
    }
}

impl OutsideTx for JobTx<'_> {
    fn take_outside_changes(&mut self, limit: u32) -> Result<Vec<OutsideChange>, StoreError> {
        self.run(|conn| outside::take(conn, limit).or_store())
    }
}
