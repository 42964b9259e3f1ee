//! Rows of the ledger: accounts, holds, usage and alerts.

use llm_policy::{
    AccountKey, AccountState, CallId, CallOutcome, HoldId, Operation, Rates, Usage, UsageSource,
};
use registry_core::{AgentId, KeyId, Owner, Timestamp};

use crate::StoreError;

/// A call under way: its worst case is held on its accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldRow {
    /// Its name, among the holds of its key: callers choose names, and two keys may choose the same.
    pub id: HoldId,
    /// The call.
    pub call_id: CallId,
    /// Which attempt of it, from 1.
    pub attempt: u32,
    /// Whose key.
    pub key_id: KeyId,
    /// The agent.
    pub agent_id: AgentId,
    /// Who answers for it.
    pub owner: Option<Owner>,
    /// What the call does.
    pub operation: Operation,
    /// The provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The prices of the settlement.
    pub rates: Rates,
    /// The version of the price book that they come from.
    pub price_version: String,
    /// The bound of the input, in tokens.
    pub input_tokens: u64,
    /// How many answers.
    pub choices: u32,
    /// The bound of each answer, in tokens; `None` where there is no output.
    pub max_tokens: Option<u64>,
    /// What is held, in pico-dollars.
    pub amount_pico_usd: i64,
    /// On which accounts. The settlement goes to the same ones, whatever day it is by then.
    pub accounts: Vec<AccountKey>,
    /// The HTTP request that it belongs to.
    pub request_id: Option<String>,
    /// The server that renews its lease; `None` when the agent itself called the provider.
    pub holder: Option<String>,
    /// Whether the agent makes the call itself, and so tells how it ended. A hold of the gate's own is ended by the gate
    /// alone: the agent pays for it.
    pub by_agent: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it becomes an orphan.
    pub lease_until: Timestamp,
    /// Whether it was settled at its worst case after its lease. It stays for a while, so that a late settlement
    /// can still put its usage row right.
    pub orphaned: bool,
}

/// One attempt that reached a provider, or may have. One row per hold. It repeats what the hold says of the call, because
/// a hold is gone once it is settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// The hold that it settled.
    pub hold_id: HoldId,
    /// The call.
    pub call_id: CallId,
    /// Which attempt of it, from 1.
    pub attempt: u32,
    /// When the hold was made.
    pub timestamp: Timestamp,
    /// When it was settled.
    pub settled_at: Timestamp,
    /// Whose key.
    pub key_id: KeyId,
    /// The agent.
    pub agent_id: AgentId,
    /// Who answers for it.
    pub owner: Option<Owner>,
    /// What the call did.
    pub operation: Operation,
    /// The provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The tokens.
    pub usage: Usage,
    /// What they cost, in pico-dollars.
    pub cost_pico_usd: i64,
    /// The version of the price book.
    pub price_version: String,
    /// Where the numbers come from.
    pub source: UsageSource,
    /// How the attempt ended.
    pub outcome: CallOutcome,
    /// The provider's HTTP status.
    pub provider_status: Option<u16>,
    /// The provider's own name of the request.
    pub provider_request_id: Option<String>,
    /// Whether the provider gave or billed more than was asked for.
    pub overrun: bool,
    /// Whether the settlement came after the hold had become an orphan.
    pub late: bool,
    /// From the request's departure to the first byte, in microseconds.
    pub first_byte_micros: Option<u64>,
    /// From the request's departure to the end, in microseconds.
    pub total_micros: u64,
}

/// A row of usage as a list shows it. Rows of the original service have few of the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageLine {
    /// Its place in the table.
    pub id: i64,
    /// When the call was made.
    pub timestamp: Timestamp,
    /// Whose key.
    pub key_id: String,
    /// The agent.
    pub agent_id: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The model.
    pub model: String,
    /// The provider's name.
    pub provider: Option<String>,
    /// The call.
    pub call_id: Option<String>,
    /// Which attempt of it.
    pub attempt: Option<u32>,
    /// The tokens.
    pub usage: Usage,
    /// What they cost, in pico-dollars.
    pub cost_pico_usd: i64,
    /// The version of the price book.
    pub price_version: Option<String>,
    /// Where the numbers come from.
    pub source: Option<UsageSource>,
    /// How the attempt ended.
    pub outcome: Option<CallOutcome>,
    /// Whether the provider gave or billed more than was asked for.
    pub overrun: bool,
    /// Whether the settlement came after the hold had become an orphan.
    pub late: bool,
}

/// Which rows of usage a list shows. All that are given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageQuery {
    /// The key.
    pub key_id: Option<KeyId>,
    /// The agent.
    pub agent_id: Option<AgentId>,
    /// The owner.
    pub owner: Option<Owner>,
    /// The model.
    pub model: Option<String>,
    /// The call.
    pub call_id: Option<CallId>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// Only rows that a person should look at: not the provider's or agent's own numbers, overrun or late. A row
    /// without a source, which the original service wrote, is none of them.
    pub flagged: bool,
}

/// A budget that has reached a part of its limit; once per account and percent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRow {
    /// The account.
    pub account: AccountKey,
    /// 50, 80 or 100.
    pub percent: u8,
    /// The limit at that time, in pico-dollars.
    pub limit_pico_usd: i64,
    /// What was settled, in pico-dollars.
    pub settled_pico_usd: i64,
    /// When.
    pub at: Timestamp,
}

/// Writes to the ledger.
pub trait LedgerTx {
    /// How an account stands; zero when nothing was ever booked.
    ///
    /// # Errors
    /// Storage trouble.
    fn account(&mut self, key: &AccountKey) -> Result<AccountState, StoreError>;

    /// Adds to an account (negative numbers take away) and returns how it stands.
    ///
    /// # Errors
    /// Storage trouble. [`StoreError::Corrupt`] when less than nothing would be held, or a sum is beyond `i64`: the
    /// ledger would not add up.
    fn book(
        &mut self,
        key: &AccountKey,
        settled_pico_usd: i64,
        held_pico_usd: i64,
    ) -> Result<AccountState, StoreError>;

    /// The hold of this name of a key.
    ///
    /// # Errors
    /// Storage trouble.
    fn hold(&mut self, key: &KeyId, id: &HoldId) -> Result<Option<HoldRow>, StoreError>;

    /// Inserts a hold. False when its key has one of this id.
    ///
    /// # Errors
    /// Storage trouble.
    fn insert_hold(&mut self, hold: &HoldRow) -> Result<bool, StoreError>;

    /// Deletes a hold. False when there was none.
    ///
    /// # Errors
    /// Storage trouble.
    fn remove_hold(&mut self, key: &KeyId, id: &HoldId) -> Result<bool, StoreError>;

    /// Marks a hold as orphaned. False when there is none or it was marked before.
    ///
    /// # Errors
    /// Storage trouble.
    fn orphan_hold(&mut self, key: &KeyId, id: &HoldId) -> Result<bool, StoreError>;

    /// Moves the leases of all holds of a server that are not orphaned; returns how many.
    ///
    /// # Errors
    /// Storage trouble.
    fn renew_leases(&mut self, holder: &str, until: Timestamp) -> Result<u64, StoreError>;

    /// At most `limit` holds that are not orphaned and whose lease has ended at `now` (it ends at its very moment),
    /// oldest lease first, ties by id and key.
    ///
    /// # Errors
    /// Storage trouble.
    fn expired_holds(&mut self, now: Timestamp, limit: u32) -> Result<Vec<HoldRow>, StoreError>;

    /// Deletes at most `limit` orphaned holds whose lease ended before `before`; returns how many.
    ///
    /// # Errors
    /// Storage trouble.
    fn forget_orphans(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// The usage row of the hold of this name of a key.
    ///
    /// # Errors
    /// Storage trouble.
    fn usage(&mut self, key: &KeyId, hold: &HoldId) -> Result<Option<UsageRow>, StoreError>;

    /// Inserts a usage row. False when its hold has one.
    ///
    /// # Errors
    /// Storage trouble.
    fn insert_usage(&mut self, row: &UsageRow) -> Result<bool, StoreError>;

    /// Writes a usage row over the one of the same hold. False when there is none.
    ///
    /// # Errors
    /// Storage trouble.
    fn amend_usage(&mut self, row: &UsageRow) -> Result<bool, StoreError>;

    /// Writes what a key has spent on a day into its row, for people's queries; its version stays, and so does the
    /// epoch. False when there is no such key.
    ///
    /// # Errors
    /// Storage trouble.
    fn put_key_usage(&mut self, key: &KeyId, day: &str, used_pico_usd: i64) -> Result<bool, StoreError>;

    /// Keeps an alert until it is delivered, and after. False when this account has had it.
    ///
    /// # Errors
    /// Storage trouble.
    fn insert_alert(&mut self, alert: &AlertRow) -> Result<bool, StoreError>;

    /// Marks an alert as delivered. False when no such alert waits.
    ///
    /// # Errors
    /// Storage trouble.
    fn alert_delivered(
        &mut self,
        account: &AccountKey,
        percent: u8,
        at: Timestamp,
    ) -> Result<bool, StoreError>;
}

/// Reads of the ledger.
pub trait LedgerReads {
    /// How an account stands; zero when nothing was ever booked.
    ///
    /// # Errors
    /// Storage trouble.
    fn account(&self, key: &AccountKey) -> Result<AccountState, StoreError>;

    /// Holds in the order of their ids, ties by key, after `after`; of one key when it is given.
    ///
    /// # Errors
    /// Storage trouble.
    fn holds(
        &self,
        key: Option<&KeyId>,
        after: Option<(&HoldId, &KeyId)>,
        limit: u32,
    ) -> Result<Vec<HoldRow>, StoreError>;

    /// Looks through at most 5,000 usage rows, newest first, with a place below `before`, and returns at most
    /// `limit` that fit, with the last place looked at (`None` at the end).
    ///
    /// # Errors
    /// Storage trouble.
    fn usage_page(
        &self,
        filter: &UsageQuery,
        before: Option<i64>,
        limit: u32,
    ) -> Result<(Vec<UsageLine>, Option<i64>), StoreError>;

    /// Shows the usage rows that fit among at most `limit` rows, and never more than 5,000, with a place above
    /// `after`, in the order of their places; returns the last place looked at, `None` at the end. Rows that
    /// `since` rules out are skipped by index where there is one. Rows have their places in the order in which
    /// they were settled, which is not quite that of their times.
    ///
    /// # Errors
    /// Storage trouble.
    fn visit_usage(
        &self,
        filter: &UsageQuery,
        after: Option<i64>,
        limit: u32,
        visit: &mut dyn FnMut(&UsageLine),
    ) -> Result<Option<i64>, StoreError>;

    /// Alerts that wait to be delivered, oldest first, ties by account and percent.
    ///
    /// # Errors
    /// Storage trouble.
    fn pending_alerts(&self, limit: u32) -> Result<Vec<AlertRow>, StoreError>;

    /// How many holds are under way, and how much they hold, in pico-dollars. Orphaned ones are not: they were settled.
    ///
    /// # Errors
    /// Storage trouble.
    fn held_totals(&self) -> Result<(u64, i64), StoreError>;
}
