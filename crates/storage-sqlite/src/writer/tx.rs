//! What a job sees: the statements of its savepoint, and the records that it adds.

use std::sync::Arc;

use api_keys::KeyRecord;
use llm_policy::{AccountKey, AccountState, HoldId};
use registry_core::{Intent, IntentId, KeyId, Timestamp};
use rusqlite::Connection;
use storage::{
    AlertRow, AuditTx, FileRow, HoldRow, IdempotencyTx, Inserted, IntentTx, KeyTx, Leafed, LedgerTx,
    OutsideChange, OutsideTx, Recalled, Remembered, SealedCheckpoint, StoreError, UsageRow,
};

use crate::audit::rows as audit_rows;
use crate::errors::OrStore as _;
use crate::rows::ledger::{accounts, alerts, holds, usage};
use crate::rows::{external_changes, idempotency, intents, keys};

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
        self.run(|conn| external_changes::take(conn, limit).or_store())
    }
}

impl LedgerTx for JobTx<'_> {
    fn account(&mut self, key: &AccountKey) -> Result<AccountState, StoreError> {
        self.run(|conn| accounts::get(conn, key))
    }

    fn book(
        &mut self,
        key: &AccountKey,
        settled_pico_usd: i64,
        held_pico_usd: i64,
    ) -> Result<AccountState, StoreError> {
        self.run(|conn| accounts::book(conn, key, settled_pico_usd, held_pico_usd))
    }

    fn hold(&mut self, id: &HoldId) -> Result<Option<HoldRow>, StoreError> {
        self.run(|conn| holds::get(conn, id))
    }

    fn insert_hold(&mut self, hold: &HoldRow) -> Result<bool, StoreError> {
        self.run(|conn| holds::insert(conn, hold))
    }

    fn remove_hold(&mut self, id: &HoldId) -> Result<bool, StoreError> {
        self.run(|conn| holds::remove(conn, id))
    }

    fn orphan_hold(&mut self, id: &HoldId) -> Result<bool, StoreError> {
        self.run(|conn| holds::orphan(conn, id))
    }

    fn renew_leases(&mut self, holder: &str, until: Timestamp) -> Result<u64, StoreError> {
        self.run(|conn| holds::renew(conn, holder, until))
    }

    fn expired_holds(&mut self, now: Timestamp, limit: u32) -> Result<Vec<HoldRow>, StoreError> {
        self.run(|conn| holds::expired(conn, now, limit))
    }

    fn forget_orphans(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.run(|conn| holds::forget_orphans(conn, before, limit))
    }

    fn usage(&mut self, hold: &HoldId) -> Result<Option<UsageRow>, StoreError> {
        self.run(|conn| usage::get(conn, hold))
    }

    fn insert_usage(&mut self, row: &UsageRow) -> Result<bool, StoreError> {
        self.run(|conn| usage::insert(conn, row).or_store())
    }

    fn amend_usage(&mut self, row: &UsageRow) -> Result<bool, StoreError> {
        self.run(|conn| usage::amend(conn, row).or_store())
    }

    fn put_key_usage(&mut self, key: &KeyId, day: &str, used_pico_usd: i64) -> Result<bool, StoreError> {
        // Nobody's cached key depends on it, so the epoch stays.
        self.run(|conn| keys::put_usage(conn, key, day, used_pico_usd).or_store())
    }

    fn insert_alert(&mut self, alert: &AlertRow) -> Result<bool, StoreError> {
        self.run(|conn| alerts::insert(conn, alert).or_store())
    }

    fn alert_delivered(
        &mut self,
        account: &AccountKey,
        percent: u8,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.run(|conn| alerts::delivered(conn, account, percent, at).or_store())
    }
}
