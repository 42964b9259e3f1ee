//! A transaction that notices what a job books.

use std::collections::BTreeSet;
use std::sync::Arc;

use api_keys::KeyRecord;
use audit::Leafed;
use llm_policy::{AccountKey, AccountState, CallOutcome, HoldId};
use registry_core::{Coverage, Intent, IntentId, KeyId, Timestamp};
use storage::{
    AlertRow, AuditTx, HoldRow, IdempotencyTx, Inserted, IntentTx, KeyTx, KeyUsage, LedgerTx, QuotaTx,
    Recalled, Remembered, SealedCheckpoint, StoreError, Tx, UsageRow,
};

/// The transaction of a job, and whether a hold or a usage row was written in it.
pub struct Watching<'a> {
    pub tx: &'a mut dyn Tx,
    pub held: bool,
    pub settled: bool,
}

impl IntentTx for Watching<'_> {
    fn intent(&mut self, id: &IntentId) -> Result<Option<Intent>, StoreError> {
        self.tx.intent(id)
    }

    fn insert_intent(
        &mut self,
        intent: &Intent,
        creation: &[u8; 32],
        creator: Option<&KeyId>,
    ) -> Result<Inserted, StoreError> {
        self.tx.insert_intent(intent, creation, creator)
    }

    fn update_intent(&mut self, intent: &Intent, creator: Option<&KeyId>) -> Result<bool, StoreError> {
        self.tx.update_intent(intent, creator)
    }

    fn delete_intent(&mut self, id: &IntentId) -> Result<bool, StoreError> {
        self.tx.delete_intent(id)
    }

    fn coverage(&mut self, file: &str, codes: &BTreeSet<String>) -> Result<Coverage, StoreError> {
        self.tx.coverage(file, codes)
    }
}

impl KeyTx for Watching<'_> {
    fn key(&mut self, id: &KeyId) -> Result<Option<KeyRecord>, StoreError> {
        self.tx.key(id)
    }

    fn keys_moved(&mut self, epoch: u64) -> Result<bool, StoreError> {
        self.tx.keys_moved(epoch)
    }

    fn insert_key(&mut self, key: &KeyRecord) -> Result<bool, StoreError> {
        self.tx.insert_key(key)
    }

    fn update_key(&mut self, key: &KeyRecord) -> Result<bool, StoreError> {
        self.tx.update_key(key)
    }
}

impl AuditTx for Watching<'_> {
    fn append_audit(&mut self, record: Arc<Leafed>) -> Result<(), StoreError> {
        self.tx.append_audit(record)
    }

    fn put_checkpoint(&mut self, checkpoint: &SealedCheckpoint, at: Timestamp) -> Result<(), StoreError> {
        self.tx.put_checkpoint(checkpoint, at)
    }
}

impl IdempotencyTx for Watching<'_> {
    fn recall(&mut self, caller: &str, operation: &str, key: &str) -> Result<Option<Recalled>, StoreError> {
        self.tx.recall(caller, operation, key)
    }

    fn remember(&mut self, what: Remembered<'_>) -> Result<(), StoreError> {
        self.tx.remember(what)
    }

    fn forget_idempotency(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.tx.forget_idempotency(before, limit)
    }
}

impl QuotaTx for Watching<'_> {
    fn key_usage(&mut self, key: &KeyId) -> Result<KeyUsage, StoreError> {
        self.tx.key_usage(key)
    }

    fn creator(&mut self, id: &IntentId) -> Result<Option<KeyId>, StoreError> {
        self.tx.creator(id)
    }
}

impl LedgerTx for Watching<'_> {
    fn account(&mut self, key: &AccountKey) -> Result<AccountState, StoreError> {
        self.tx.account(key)
    }

    fn book(
        &mut self,
        key: &AccountKey,
        settled_pico_usd: i64,
        held_pico_usd: i64,
    ) -> Result<AccountState, StoreError> {
        self.tx.book(key, settled_pico_usd, held_pico_usd)
    }

    fn hold(&mut self, key: &KeyId, id: &HoldId) -> Result<Option<HoldRow>, StoreError> {
        self.tx.hold(key, id)
    }

    fn insert_hold(&mut self, hold: &HoldRow) -> Result<bool, StoreError> {
        self.held = true;
        self.tx.insert_hold(hold)
    }

    fn remove_hold(&mut self, key: &KeyId, id: &HoldId) -> Result<bool, StoreError> {
        self.tx.remove_hold(key, id)
    }

    fn orphan_hold(&mut self, key: &KeyId, id: &HoldId) -> Result<bool, StoreError> {
        self.tx.orphan_hold(key, id)
    }

    fn renew_leases(&mut self, holder: &str, until: Timestamp) -> Result<u64, StoreError> {
        self.tx.renew_leases(holder, until)
    }

    fn expired_holds(&mut self, now: Timestamp, limit: u32) -> Result<Vec<HoldRow>, StoreError> {
        self.tx.expired_holds(now, limit)
    }

    fn forget_orphans(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.tx.forget_orphans(before, limit)
    }

    fn usage(&mut self, key: &KeyId, hold: &HoldId) -> Result<Option<UsageRow>, StoreError> {
        self.tx.usage(key, hold)
    }

    fn insert_usage(&mut self, row: &UsageRow) -> Result<bool, StoreError> {
        // What an earlier crash left is settled while the server starts; that is not the call.
        self.settled |= row.outcome != CallOutcome::Orphan;
        self.tx.insert_usage(row)
    }

    fn amend_usage(&mut self, row: &UsageRow) -> Result<bool, StoreError> {
        self.tx.amend_usage(row)
    }

    fn put_key_usage(&mut self, key: &KeyId, day: &str, used_pico_usd: i64) -> Result<bool, StoreError> {
        self.tx.put_key_usage(key, day, used_pico_usd)
    }

    fn insert_alert(&mut self, alert: &AlertRow) -> Result<bool, StoreError> {
        self.tx.insert_alert(alert)
    }

    fn alert_delivered(
        &mut self,
        account: &AccountKey,
        percent: u8,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.tx.alert_delivered(account, percent, at)
    }
}
