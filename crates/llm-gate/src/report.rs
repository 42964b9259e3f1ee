//! What is said about a call besides its answer.

use llm_policy::{CallId, CallOutcome, Held, HoldAsk, Measured, Operation, Settled, Usage, UsageSource};

/// What an answered call used and cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The call, as its usage rows name it.
    pub call_id: CallId,
    /// Which attempt was answered, from 1.
    pub attempt: u32,
    /// The provider that answered.
    pub provider: String,
    /// The model that was asked.
    pub model: String,
    /// The `max_tokens` of each choice that was sent; `None` where there is no output.
    pub max_tokens: Option<u64>,
    /// Whether `max_tokens` was filled in because the caller stated none.
    pub filled: bool,
    /// The tokens.
    pub usage: Usage,
    /// Where these numbers come from.
    pub source: UsageSource,
    /// What it cost, in pico-dollars.
    pub cost_pico_usd: i64,
    /// What the tightest budget allows now, in pico-dollars.
    pub remaining_pico_usd: i64,
    /// Whether the provider gave more output than was asked for, or billed more than was held.
    pub overrun: bool,
    /// The provider's own name of the request.
    pub provider_request_id: Option<String>,
}

/// What is known of a streamed call when its first byte leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The call, as its usage rows name it.
    pub call_id: CallId,
    /// The provider that answers.
    pub provider: String,
    /// The model that was asked.
    pub model: String,
    /// The `max_tokens` of each choice that was sent; `None` where there is no output.
    pub max_tokens: Option<u64>,
    /// Whether `max_tokens` was filled in because the caller stated none.
    pub filled: bool,
}

/// One attempt that reached a provider, or may have; for metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallReport {
    /// What it did.
    pub operation: Operation,
    /// The provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// How it ended.
    pub outcome: CallOutcome,
    /// What it used.
    pub usage: Usage,
    /// Where these numbers come from.
    pub source: UsageSource,
    /// What it cost, in pico-dollars.
    pub cost_pico_usd: i64,
    /// Whether the provider gave more output than was asked for, or billed more than was held.
    pub overrun: bool,
    /// From the request's departure to the first byte of the answer, in microseconds.
    pub first_byte_micros: Option<u64>,
    /// From the request's departure to the end, in microseconds.
    pub total_micros: u64,
    /// The provider's HTTP status; `None` when there was none.
    pub provider_status: Option<u16>,
}

/// What an attempt comes to: first as computed here, then as the ledger has written it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bill {
    pub(crate) usage: Usage,
    pub(crate) source: UsageSource,
    pub(crate) cost_pico_usd: i64,
    pub(crate) remaining_pico_usd: i64,
    pub(crate) overrun: bool,
}

impl Bill {
    /// The same arithmetic as the ledger's, so that an answer need not wait for it.
    pub(crate) fn of(ask: &HoldAsk, held: &Held, measured: &Measured) -> Self {
        let output = held.max_tokens.map_or(0, |each| each.saturating_mul(u64::from(ask.choices)));
        let (usage, source, cost) = match measured {
            Measured::Tokens(usage, source) => (*usage, *source, held.rates.cost(usage)),
            Measured::WorstCase => {
                let usage =
                    Usage { prompt_tokens: ask.input_tokens, completion_tokens: output, ..Usage::default() };
                (usage, UsageSource::WorstCase, held.amount_pico_usd)
            }
        };
        Self {
            usage,
            source,
            cost_pico_usd: cost,
            remaining_pico_usd: held
                .remaining_pico_usd
                .saturating_add(held.amount_pico_usd)
                .saturating_sub(cost)
                .max(0),
            overrun: usage.completion_tokens > output || cost > held.amount_pico_usd,
        }
    }

    pub(crate) fn settled(settled: &Settled) -> Self {
        Self {
            usage: settled.usage,
            source: settled.source,
            cost_pico_usd: settled.cost_pico_usd,
            remaining_pico_usd: settled.remaining_pico_usd,
            overrun: settled.overrun,
        }
    }
}
