//! What is asked of a ledger, and what it answers.

use registry_core::Timestamp;

use crate::usage::words;
use crate::{AccountKey, AccountState, CallId, CallOutcome, HoldId, Rates, Shortfall, Usage, UsageSource};

words! {
    /// What a call does.
    Operation {
        /// A chat completion.
        Chat = "chat",
        /// Embeddings: no output tokens.
        Embeddings = "embeddings",
    }
}

/// How much output a caller wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputWish {
    /// The operation has no output tokens.
    Nothing,
    /// The caller's own `max_tokens` for each choice. It is never lowered: it fits, or the call is refused.
    Stated(u64),
    /// None was stated: the cap, or what the budgets still allow.
    Fill,
}

impl OutputWish {
    /// The least that a missing `max_tokens` is filled with; below it the call is refused.
    pub const LEAST: u64 = 16;
}

/// One attempt that wants to leave for a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldAsk {
    /// The call.
    pub call_id: CallId,
    /// Which attempt of it, from 1.
    pub attempt: u32,
    /// What it does.
    pub operation: Operation,
    /// The provider's name.
    pub provider: String,
    /// The provider under whose name the price book lists the model; usually the same.
    pub priced_as: String,
    /// The model.
    pub model: String,
    /// An upper bound of the input's tokens.
    pub input_tokens: u64,
    /// How many answers are asked for (`n`), at least 1.
    pub choices: u32,
    /// The output.
    pub output: OutputWish,
    /// How long the hold lives unless it is settled or renewed, in seconds.
    pub lease_seconds: u32,
}

/// What a hold came to, before it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The most that the attempt can cost, in pico-dollars.
    pub amount_pico_usd: i64,
    /// The `max_tokens` of each choice; `None` where there is no output.
    pub max_tokens: Option<u64>,
}

/// A durable hold: the request may leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its name.
    pub hold_id: HoldId,
    /// The prices that the settlement will use.
    pub rates: Rates,
    /// The version of the price book.
    pub price_version: String,
    /// What is held, in pico-dollars.
    pub amount_pico_usd: i64,
    /// The `max_tokens` of each choice that must be sent; `None` where there is no output.
    pub max_tokens: Option<u64>,
    /// What the tightest budget allows besides this hold, in pico-dollars.
    pub remaining_pico_usd: i64,
    /// When the hold becomes an orphan.
    pub lease_until: Timestamp,
}

/// What an attempt used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measured {
    /// These tokens, known from there.
    Tokens(Usage, UsageSource),
    /// Nothing is known: the hold's bound.
    WorstCase,
}

/// The end of an attempt that reached the provider, or may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// What it used.
    pub measured: Measured,
    /// How it ended.
    pub outcome: CallOutcome,
    /// The provider's HTTP status; `None` when there was none.
    pub provider_status: Option<u16>,
    /// The provider's own name of the request.
    pub provider_request_id: Option<String>,
    /// From the request's departure to the first byte of the answer, in microseconds.
    pub first_byte_micros: Option<u64>,
    /// From the request's departure to the end, in microseconds.
    pub total_micros: u64,
}

/// A settled attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// What it cost, in pico-dollars.
    pub cost_pico_usd: i64,
    /// What it used.
    pub usage: Usage,
    /// Where these numbers come from.
    pub source: UsageSource,
    /// Whether the provider gave more output than was asked for, or billed more than was held.
    pub overrun: bool,
    /// What the tightest budget allows now, in pico-dollars.
    pub remaining_pico_usd: i64,
}

/// How a budget stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetState {
    /// Which account.
    pub account: AccountKey,
    /// When its window began.
    pub starts_at: Timestamp,
    /// When its window ends.
    pub ends_at: Timestamp,
    /// Its limit, in pico-dollars.
    pub limit_pico_usd: i64,
    /// What it has spent and holds.
    pub state: AccountState,
}

/// Whether a call would run, and what would remain. Asking changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// What would be held; or why nothing would.
    pub verdict: Result<Grant, Shortfall>,
    /// Every budget that the call must fit.
    pub budgets: Vec<BudgetState>,
}
