//! Rows of the ledger: accounts, holds, usage and alerts.

use llm_policy::{
    AccountKey, AccountState, CallId, CallOutcome, HoldId, Operation, Rates, Usage, UsageSource,
};
use registry_core::{AgentId, KeyId, Owner, Timestamp};

use crate::StoreError;

/// Hold of an attempt: its worst case is booked on its accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldRow {
    /// Id, unique for its key: callers choose ids, and two keys may choose the same.
    pub id: HoldId,
    /// Call id.
    pub call_id: CallId,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Key that pays.
    pub key_id: KeyId,
    /// Agent of the key.
    pub agent_id: AgentId,
    /// Owner of the key.
    pub owner: Option<Owner>,
    /// Operation of the call.
    pub operation: Operation,
    /// Name of the provider.
    pub provider: String,
    /// Name of the model.
    pub model: String,
    /// Prices of the settlement.
    pub rates: Rates,
    /// Version of the price book that they come from.
    pub price_version: String,
    /// Maximum of the input, in tokens.
    pub input_tokens: u64,
    /// Number of answers.
    pub choices: u32,
    /// Maximum of each answer, in tokens; `None` where there is no output.
    pub max_tokens: Option<u64>,
    /// Amount that is held, in pico-dollars.
    pub amount_pico_usd: i64,
    /// Accounts that it is booked on. The settlement goes to the same accounts, also on a later day.
    pub accounts: Vec<AccountKey>,
    /// Request id of the HTTP request.
    pub request_id: Option<String>,
    /// Server that renews its lease; `None` when the agent calls the provider itself.
    pub holder: Option<String>,
    /// Whether the agent makes the call itself and reports its end. A hold of the gate is ended only by the gate,
    /// because the agent pays for it.
    pub by_agent: bool,
    /// Time of creation.
    pub created_at: Timestamp,
    /// End of the lease: from then on it is an orphan.
    pub lease_until: Timestamp,
    /// Whether it was settled at its worst case after its lease. It stays for a while, so that a late settlement can
    /// correct its usage row.
    pub orphaned: bool,
}

/// Usage of one attempt that reached a provider, or may have; one row per hold. It repeats members of the hold,
/// because a hold is deleted once it is settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// Hold that was settled.
    pub hold_id: HoldId,
    /// Call id.
    pub call_id: CallId,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Time at which the hold was made.
    pub timestamp: Timestamp,
    /// Time of the settlement.
    pub settled_at: Timestamp,
    /// Key that paid.
    pub key_id: KeyId,
    /// Agent of the key.
    pub agent_id: AgentId,
    /// Owner of the key.
    pub owner: Option<Owner>,
    /// Operation of the call.
    pub operation: Operation,
    /// Name of the provider.
    pub provider: String,
    /// Name of the model.
    pub model: String,
    /// Tokens.
    pub usage: Usage,
    /// Cost, in pico-dollars.
    pub cost_pico_usd: i64,
    /// Version of the price book.
    pub price_version: String,
    /// Source of the numbers.
    pub source: UsageSource,
    /// How the attempt ended.
    pub outcome: CallOutcome,
    /// HTTP status of the provider.
    pub provider_status: Option<u16>,
    /// Provider's id of the request.
    pub provider_request_id: Option<String>,
    /// Whether the provider delivered or billed more than was asked for.
    pub overrun: bool,
    /// Whether the settlement came after the hold had become an orphan.
    pub late: bool,
    /// Time from sending the request to the first byte, in microseconds.
    pub first_byte_micros: Option<u64>,
    /// Time from sending the request to the end, in microseconds.
    pub total_micros: u64,
}

/// Usage row of a list. Rows of the original service have few of the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageLine {
    /// Position in the table.
    pub id: i64,
    /// Time of the call.
    pub timestamp: Timestamp,
    /// Key that paid.
    pub key_id: String,
    /// Agent of the key.
    pub agent_id: String,
    /// Owner of the key.
    pub owner: Option<String>,
    /// Name of the model.
    pub model: String,
    /// Name of the provider.
    pub provider: Option<String>,
    /// Call id.
    pub call_id: Option<String>,
    /// Number of the attempt.
    pub attempt: Option<u32>,
    /// Tokens.
    pub usage: Usage,
    /// Cost, in pico-dollars.
    pub cost_pico_usd: i64,
    /// Version of the price book.
    pub price_version: Option<String>,
    /// Source of the numbers.
    pub source: Option<UsageSource>,
    /// How the attempt ended.
    pub outcome: Option<CallOutcome>,
    /// Whether the provider delivered or billed more than was asked for.
    pub overrun: bool,
    /// Whether the settlement came after the hold had become an orphan.
    pub late: bool,
}

/// Filter of usage rows. All conditions that are given must hold.
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
    /// Not before this time.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Only rows that need attention: estimated or worst-case numbers, overrun or late. A row without a source, which
    /// the original service wrote, is not one of them.
    pub flagged: bool,
}

/// Alert: a budget has reached a percentage of its limit. Once per account and percentage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRow {
    /// Account.
    pub account: AccountKey,
    /// 50, 80 or 100.
    pub percent: u8,
    /// Limit at that time, in pico-dollars.
    pub limit_pico_usd: i64,
    /// Settled amount, in pico-dollars.
    pub settled_pico_usd: i64,
    /// Time.
    pub at: Timestamp,
}

/// Writes to the ledger.
pub trait LedgerTx {
    /// Returns the balance of an account; zero when nothing was ever booked.
    ///
    /// # Errors
    /// A storage error.
    fn account(&mut self, key: &AccountKey) -> Result<AccountState, StoreError>;

    /// Adds to an account (negative numbers subtract) and returns its balance.
    ///
    /// # Errors
    /// A storage error. [`StoreError::Corrupt`] when a negative amount would be held, or a sum exceeds `i64`: the
    /// ledger would be inconsistent.
    fn book(
        &mut self,
        key: &AccountKey,
        settled_pico_usd: i64,
        held_pico_usd: i64,
    ) -> Result<AccountState, StoreError>;

    /// Returns the hold of a key with this id.
    ///
    /// # Errors
    /// A storage error.
    fn hold(&mut self, key: &KeyId, id: &HoldId) -> Result<Option<HoldRow>, StoreError>;

    /// Inserts a hold. Returns `false` when its key has a hold with this id.
    ///
    /// # Errors
    /// A storage error.
    fn insert_hold(&mut self, hold: &HoldRow) -> Result<bool, StoreError>;

    /// Deletes a hold. Returns `false` when there was none.
    ///
    /// # Errors
    /// A storage error.
    fn remove_hold(&mut self, key: &KeyId, id: &HoldId) -> Result<bool, StoreError>;

    /// Marks a hold as orphaned. Returns `false` when there is none, or it is marked already.
    ///
    /// # Errors
    /// A storage error.
    fn orphan_hold(&mut self, key: &KeyId, id: &HoldId) -> Result<bool, StoreError>;

    /// Moves the leases of all holds of a server that are not orphaned; returns how many.
    ///
    /// # Errors
    /// A storage error.
    fn renew_leases(&mut self, holder: &str, until: Timestamp) -> Result<u64, StoreError>;

    /// Returns at most `limit` holds that are not orphaned and whose lease has ended at `now` (a lease ends at its
    /// very moment), oldest lease first, ties by id and key.
    ///
    /// # Errors
    /// A storage error.
    fn expired_holds(&mut self, now: Timestamp, limit: u32) -> Result<Vec<HoldRow>, StoreError>;

    /// Deletes at most `limit` orphaned holds whose lease ended before `before`; returns how many.
    ///
    /// # Errors
    /// A storage error.
    fn forget_orphans(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// Returns the usage row of a key's hold with this id.
    ///
    /// # Errors
    /// A storage error.
    fn usage(&mut self, key: &KeyId, hold: &HoldId) -> Result<Option<UsageRow>, StoreError>;

    /// Inserts a usage row. Returns `false` when its hold has one.
    ///
    /// # Errors
    /// A storage error.
    fn insert_usage(&mut self, row: &UsageRow) -> Result<bool, StoreError>;

    /// Replaces the usage row of the same hold. Returns `false` when there is none.
    ///
    /// # Errors
    /// A storage error.
    fn amend_usage(&mut self, row: &UsageRow) -> Result<bool, StoreError>;

    /// Writes what a key has spent on a day into its row, for people's queries. The key's version and the epoch do
    /// not change. Returns `false` when there is no such key.
    ///
    /// # Errors
    /// A storage error.
    fn put_key_usage(&mut self, key: &KeyId, day: &str, used_pico_usd: i64) -> Result<bool, StoreError>;

    /// Stores an alert. Returns `false` when this account has had it.
    ///
    /// # Errors
    /// A storage error.
    fn insert_alert(&mut self, alert: &AlertRow) -> Result<bool, StoreError>;

    /// Marks an alert as delivered. Returns `false` when no such alert waits.
    ///
    /// # Errors
    /// A storage error.
    fn alert_delivered(
        &mut self,
        account: &AccountKey,
        percent: u8,
        at: Timestamp,
    ) -> Result<bool, StoreError>;
}

/// Reads of the ledger.
pub trait LedgerReads {
    /// Returns the balance of an account; zero when nothing was ever booked.
    ///
    /// # Errors
    /// A storage error.
    fn account(&self, key: &AccountKey) -> Result<AccountState, StoreError>;

    /// Returns holds by id, ties by key, after `after`; of one key when it is given.
    ///
    /// # Errors
    /// A storage error.
    fn holds(
        &self,
        key: Option<&KeyId>,
        after: Option<(&HoldId, &KeyId)>,
        limit: u32,
    ) -> Result<Vec<HoldRow>, StoreError>;

    /// Looks through at most 5,000 usage rows, newest first, below the position `before`. Returns at most `limit`
    /// that fit, and the last position that was looked at (`None` at the end).
    ///
    /// # Errors
    /// A storage error.
    fn usage_page(
        &self,
        filter: &UsageQuery,
        before: Option<i64>,
        limit: u32,
    ) -> Result<(Vec<UsageLine>, Option<i64>), StoreError>;

    /// Passes the usage rows that fit, of at most `limit` rows (never more than 5,000) above the position `after`, in
    /// the order of their positions. Returns the last position that was looked at, `None` at the end. Rows before
    /// `since` are skipped by an index where there is one. Positions follow the order of settlement, which is not
    /// quite that of the times.
    ///
    /// # Errors
    /// A storage error.
    fn visit_usage(
        &self,
        filter: &UsageQuery,
        after: Option<i64>,
        limit: u32,
        visit: &mut dyn FnMut(&UsageLine),
    ) -> Result<Option<i64>, StoreError>;

    /// Returns alerts that wait to be delivered, oldest first, ties by account and percentage.
    ///
    /// # Errors
    /// A storage error.
    fn pending_alerts(&self, limit: u32) -> Result<Vec<AlertRow>, StoreError>;

    /// Returns the number of open holds and their total, in pico-dollars. Orphans do not count: they are settled.
    ///
    /// # Errors
    /// A storage error.
    fn held_totals(&self) -> Result<(u64, i64), StoreError>;
}
