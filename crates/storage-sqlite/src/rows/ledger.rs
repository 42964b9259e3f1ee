//! Tables of the ledger: the writes of jobs and the reads of views.

mod accounts;
mod alerts;
mod holds;
mod usage;
mod usage_lists;

use llm_policy::{AccountKey, AccountState, HoldId};
use registry_core::{KeyId, Timestamp};
use storage::{AlertRow, HoldRow, LedgerReads, LedgerTx, StoreError, UsageLine, UsageQuery, UsageRow};

use crate::errors::OrStore as _;
use crate::readers::Snapshot;
use crate::rows::keys;
use crate::writer::tx::JobTx;

impl LedgerTx for JobTx<'_> {
    fn account(&mut self, key: &AccountKey) -> Result<AccountState, StoreError> {
        self.read(|conn| accounts::get(conn, key))
    }

    fn book(
        &mut self,
        key: &AccountKey,
        settled_pico_usd: i64,
        held_pico_usd: i64,
    ) -> Result<AccountState, StoreError> {
        self.run(|conn| accounts::book(conn, key, settled_pico_usd, held_pico_usd))
    }

    fn hold(&mut self, key: &KeyId, id: &HoldId) -> Result<Option<HoldRow>, StoreError> {
        self.read(|conn| holds::get(conn, key, id))
    }

    fn insert_hold(&mut self, hold: &HoldRow) -> Result<bool, StoreError> {
        self.run(|conn| holds::insert(conn, hold))
    }

    fn remove_hold(&mut self, key: &KeyId, id: &HoldId) -> Result<bool, StoreError> {
        self.run(|conn| holds::remove(conn, key, id))
    }

    fn orphan_hold(&mut self, key: &KeyId, id: &HoldId) -> Result<bool, StoreError> {
        self.run(|conn| holds::orphan(conn, key, id))
    }

    fn renew_leases(&mut self, holder: &str, until: Timestamp) -> Result<u64, StoreError> {
        self.run(|conn| holds::renew(conn, holder, until))
    }

    fn expired_holds(&mut self, now: Timestamp, limit: u32) -> Result<Vec<HoldRow>, StoreError> {
        self.read(|conn| holds::expired(conn, now, limit))
    }

    fn forget_orphans(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.run(|conn| holds::forget_orphans(conn, before, limit))
    }

    fn usage(&mut self, key: &KeyId, hold: &HoldId) -> Result<Option<UsageRow>, StoreError> {
        self.read(|conn| usage::get(conn, key, hold))
    }

    fn insert_usage(&mut self, row: &UsageRow) -> Result<bool, StoreError> {
        self.run(|conn| usage::insert(conn, row).or_store())
    }

    fn amend_usage(&mut self, row: &UsageRow) -> Result<bool, StoreError> {
        self.run(|conn| usage::amend(conn, row).or_store())
    }

    fn put_key_usage(&mut self, key: &KeyId, day: &str, used_pico_usd: i64) -> Result<bool, StoreError> {
        // No cached key depends on it, so the epoch does not move.
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

impl LedgerReads for Snapshot<'_> {
    fn account(&self, key: &AccountKey) -> Result<AccountState, StoreError> {
        accounts::get(self.conn, key)
    }

    fn holds(
        &self,
        key: Option<&KeyId>,
        after: Option<(&HoldId, &KeyId)>,
        limit: u32,
    ) -> Result<Vec<HoldRow>, StoreError> {
        holds::list(self.conn, key, after, limit)
    }

    fn usage_page(
        &self,
        filter: &UsageQuery,
        before: Option<i64>,
        limit: u32,
    ) -> Result<(Vec<UsageLine>, Option<i64>), StoreError> {
        usage_lists::page(self.conn, filter, before, limit)
    }

    fn visit_usage(
        &self,
        filter: &UsageQuery,
        after: Option<i64>,
        limit: u32,
        visit: &mut dyn FnMut(&UsageLine),
    ) -> Result<Option<i64>, StoreError> {
        usage_lists::visit(self.conn, filter, after, limit, visit)
    }

    fn pending_alerts(&self, limit: u32) -> Result<Vec<AlertRow>, StoreError> {
        alerts::pending(self.conn, limit)
    }

    fn held_totals(&self) -> Result<(u64, i64), StoreError> {
        holds::totals(self.conn).or_store()
    }
}
