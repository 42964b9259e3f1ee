//! Requests to a ledger, and its answers.

use registry_core::Timestamp;

use crate::usage::words;
use crate::{AccountKey, AccountState, CallId, CallOutcome, HoldId, Rates, Shortfall, Usage, UsageSource};

words! {
    /// The kind of a model call.
    Operation {
        /// A chat completion.
        Chat = "chat",
        /// Embeddings; they have no output tokens.
        Embeddings = "embeddings",
    }
}

/// The output that a caller asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputWish {
    /// The operation has no output tokens.
    Nothing,
    /// The `max_tokens` that the caller stated for each choice. It is never lowered: if it does not fit the budgets,
    /// the call is refused.
    Stated(u64),
    /// The caller stated none. The ledger fills in the cap, or less when the budgets allow less.
    Fill,
}

impl OutputWish {
    /// The smallest value that is filled in for a missing `max_tokens`. If the budgets allow less, the call is refused.
    pub const LEAST: u64 = 16;
}

/// A request for a hold: one attempt, before it is sent to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldAsk {
    /// The call.
    pub call_id: CallId,
    /// The number of the attempt within the call, from 1.
    pub attempt: u32,
    /// The kind of the call.
    pub operation: Operation,
    /// The provider's name.
    pub provider: String,
    /// The provider under whose name the price book lists the model; usually equal to `provider`.
    pub priced_as: String,
    /// The model.
    pub model: String,
    /// An upper bound of the input tokens.
    pub input_tokens: u64,
    /// The number of answers asked for (`n`), at least 1.
    pub choices: u32,
    /// The output asked for.
    pub output: OutputWish,
    /// The lease of the hold, in seconds: the time until it becomes an orphan unless it is settled or renewed.
    pub lease_seconds: u32,
}

/// The terms of a hold, before it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The worst-case cost of the attempt, in pico-dollars.
    pub amount_pico_usd: i64,
    /// The `max_tokens` of each choice; `None` when the operation has no output.
    pub max_tokens: Option<u64>,
}

/// A hold that is on disk, so the request may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its id.
    pub hold_id: HoldId,
    /// The prices that the settlement will use.
    pub rates: Rates,
    /// The version of the price book.
    pub price_version: String,
    /// The held amount, in pico-dollars.
    pub amount_pico_usd: i64,
    /// The `max_tokens` of each choice that must be sent to the provider; `None` when the operation has no output.
    pub max_tokens: Option<u64>,
    /// What the tightest budget has left besides this hold, in pico-dollars.
    pub remaining_pico_usd: i64,
    /// The time at which the hold becomes an orphan.
    pub lease_until: Timestamp,
}

/// The measured usage of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measured {
    /// The tokens used, and the source of these numbers.
    Tokens(Usage, UsageSource),
    /// The usage is unknown, so the attempt is charged at the amount of its hold.
    WorstCase,
}

/// The result of an attempt that reached the provider, or may have reached it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Its usage.
    pub measured: Measured,
    /// How it ended.
    pub outcome: CallOutcome,
    /// The provider's HTTP status; `None` when there was no answer.
    pub provider_status: Option<u16>,
    /// The id that the provider gave the request.
    pub provider_request_id: Option<String>,
    /// The time from sending the request to the first byte of the answer, in microseconds.
    pub first_byte_micros: Option<u64>,
    /// The time from sending the request to the end of the attempt, in microseconds.
    pub total_micros: u64,
}

/// A settled attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Its cost, in pico-dollars.
    pub cost_pico_usd: i64,
    /// Its usage.
    pub usage: Usage,
    /// The source of these numbers.
    pub source: UsageSource,
    /// Whether the provider produced more output than was asked for, or the cost exceeds the hold.
    pub overrun: bool,
    /// What the tightest budget has left now, in pico-dollars.
    pub remaining_pico_usd: i64,
}

/// The current state of a budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetState {
    /// The account.
    pub account: AccountKey,
    /// The start of its window.
    pub starts_at: Timestamp,
    /// The end of its window.
    pub ends_at: Timestamp,
    /// Its limit, in pico-dollars.
    pub limit_pico_usd: i64,
    /// Its settled and held amounts.
    pub state: AccountState,
}

/// The answer to whether a call would be admitted. Asking changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The hold that the call would get, or the budget that it does not fit.
    pub verdict: Result<Grant, Shortfall>,
    /// All budgets that the call must fit.
    pub budgets: Vec<BudgetState>,
}
