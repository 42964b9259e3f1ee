//! Reads of the ledger.

pub(crate) mod accounts;
pub(crate) mod alerts;
pub(crate) mod holds;
pub(crate) mod usage;
mod usage_lists;

use llm_policy::{AccountKey, AccountState, HoldId};
use registry_core::KeyId;
use storage::{AlertRow, HoldRow, LedgerView, StoreError, UsageFilter, UsageLine};

use crate::errors::OrStore as _;
use crate::readers::Snapshot;

impl LedgerView for Snapshot<'_> {
    fn account(&self, key: &AccountKey) -> Result<AccountState, StoreError> {
        accounts::get(self.conn, key)
    }

    fn holds(
        &self,
        key: Option<&KeyId>,
        after: Option<&HoldId>,
        limit: u32,
    ) -> Result<Vec<HoldRow>, StoreError> {
        holds::list(self.conn, key, after, limit)
    }

    fn usage_page(
        &self,
        filter: &UsageFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<(Vec<UsageLine>, Option<i64>), StoreError> {
        usage_lists::page(self.conn, filter, before, limit)
    }

    fn visit_usage(
        &self,
        filter: &UsageFilter,
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
