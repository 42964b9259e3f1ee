//! One attempt of a call: what was held for it, and how that is settled or given back.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use llm_policy::{
    CallOutcome, Encoding, Held, HoldAsk, Ledger, LedgerError, Measured, OutputWish, ReleaseReason,
    Settlement, Usage, UsageSource,
};
use tokio::time::{Instant, sleep};

use crate::builder::{GateState, Upstream};
use crate::provider::Head;
use crate::report::Bill;
use crate::{CallReport, GateError, Opened, Receipt};

/// The first pause before a ledger that could not be used is asked again; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Where a call may go, and what that means for its hold.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) input_tokens: u64,
    pub(crate) encoding: Option<Encoding>,
    pub(crate) reasoning: bool,
}

/// An attempt whose hold is durable.
pub(crate) struct CallAttempt<'c> {
    pub(crate) shared: &'c GateState,
    pub(crate) ledger: &'c dyn Ledger,
    pub(crate) candidate: &'c Candidate,
    pub(crate) ask: HoldAsk,
    pub(crate) held: Held,
    /// When the request left, on the monotonic clock.
    pub(crate) departed: u64,
}

impl CallAttempt<'_> {
    /// The most output tokens of all choices together.
    pub(crate) fn bound(&self) -> u64 {
        self.held.max_tokens.map_or(0, |each| each.saturating_mul(u64::from(self.ask.choices)))
    }

    pub(crate) fn micros(&self) -> u64 {
        self.shared.clock.monotonic_micros().saturating_sub(self.departed)
    }

    /// Until when the rest of a stream is read that nobody gets any more.
    pub(crate) fn drained_by(&self) -> Instant {
        Instant::now() + Duration::from_secs(u64::from(self.shared.limits.drain_seconds))
    }

    /// Counted tokens, where counting text tells the truth: a model that thinks bills what nobody sees.
    pub(crate) fn estimate(&self, completion_tokens: u64) -> Measured {
        if self.candidate.reasoning {
            return Measured::WorstCase;
        }
        let usage = Usage { prompt_tokens: self.ask.input_tokens, completion_tokens, ..Usage::default() };
        Measured::Tokens(usage, UsageSource::Estimated)
    }

    pub(crate) fn settlement(
        &self,
        measured: Measured,
        outcome: CallOutcome,
        head: Option<&Head>,
        first_byte_micros: Option<u64>,
    ) -> Settlement {
        Settlement {
            measured,
            outcome,
            provider_status: head.map(|head| head.status),
            provider_request_id: head.and_then(|head| head.request_id.clone()),
            first_byte_micros,
            total_micros: self.micros(),
        }
    }

    pub(crate) fn bill(&self, end: &Settlement) -> Bill {
        Bill::of(&self.ask, &self.held, &end.measured)
    }

    fn filled(&self) -> bool {
        self.ask.output == OutputWish::Fill && self.held.max_tokens.is_some()
    }

    pub(crate) fn opened(&self) -> Opened {
        Opened {
            call_id: self.ask.call_id.clone(),
            provider: self.ask.provider.clone(),
            model: self.ask.model.clone(),
            max_tokens: self.held.max_tokens,
            filled: self.filled(),
        }
    }

    pub(crate) fn receipt(&self, bill: &Bill, end: &Settlement) -> Receipt {
        Receipt {
            call_id: self.ask.call_id.clone(),
            attempt: self.ask.attempt,
            provider: self.ask.provider.clone(),
            model: self.ask.model.clone(),
            max_tokens: self.held.max_tokens,
            filled: self.filled(),
            usage: bill.usage,
            source: bill.source,
            cost_pico_usd: bill.cost_pico_usd,
            remaining_pico_usd: bill.remaining_pico_usd,
            overrun: bill.overrun,
            provider_request_id: end.provider_request_id.clone(),
        }
    }

    pub(crate) fn failed(&self, cause: String) -> GateError {
        GateError::Failed { provider: self.ask.provider.clone(), call_id: self.ask.call_id.clone(), cause }
    }

    pub(crate) fn timed_out(&self) -> GateError {
        GateError::TimedOut { provider: self.ask.provider.clone(), call_id: self.ask.call_id.clone() }
    }

    /// Settles. `None` when the ledger can't be used now: the same settlement must come again.
    pub(crate) async fn settle_once(&self, end: &Settlement) -> Option<Bill> {
        let hold = &self.held.hold_id;
        let bill = match self.ledger.settle(hold.clone(), end.clone()).await {
            Ok(settled) => Bill::settled(&settled),
            Err(LedgerError::Unavailable { cause }) => {
                tracing::warn!(llm.hold_id = hold.as_str(), "a call can't be settled now: {cause}");
                return None;
            }
            Err(error) => {
                tracing::error!(
                    llm.hold_id = hold.as_str(),
                    "the ledger does not take a settlement: {error}"
                );
                self.bill(end)
            }
        };
        self.report(&bill, end);
        Some(bill)
    }

    /// Settles, and comes again until it is in. A lease after the first try it is left to the ledger, which
    /// settles what nobody settles at its worst case.
    pub(crate) async fn settle(&self, end: &Settlement) -> Bill {
        let mut retry = Retry::new(self.ask.lease_seconds);
        loop {
            if let Some(bill) = self.settle_once(end).await {
                return bill;
            }
            if !retry.pause().await {
                tracing::error!(
                    llm.hold_id = self.held.hold_id.as_str(),
                    llm.provider = self.ask.provider,
                    "a call was not settled within its lease and is left to the ledger at its worst case"
                );
                let bill = self.bill(end);
                self.report(&bill, end);
                return bill;
            }
        }
    }

    fn report(&self, bill: &Bill, end: &Settlement) {
        let Some(observer) = &self.shared.observer else { return };
        observer(&CallReport {
            operation: self.ask.operation,
            provider: self.ask.provider.clone(),
            model: self.ask.model.clone(),
            outcome: end.outcome,
            usage: bill.usage,
            source: bill.source,
            cost_pico_usd: bill.cost_pico_usd,
            overrun: bill.overrun,
            first_byte_micros: end.first_byte_micros,
            total_micros: end.total_micros,
            provider_status: end.provider_status,
        });
    }

    /// Gives the hold back. False when the ledger can't be used now.
    pub(crate) async fn release_once(&self, reason: ReleaseReason) -> bool {
        let hold = &self.held.hold_id;
        match self.ledger.release(hold.clone(), reason).await {
            Ok(()) => true,
            Err(LedgerError::Unavailable { cause }) => {
                tracing::warn!(llm.hold_id = hold.as_str(), "a hold can't be given back now: {cause}");
                false
            }
            Err(error) => {
                tracing::error!(llm.hold_id = hold.as_str(), "the ledger does not take a hold back: {error}");
                true
            }
        }
    }

    /// Gives the hold back, and comes again until it is in or its lease is over.
    pub(crate) async fn release(&self, reason: ReleaseReason) {
        let mut retry = Retry::new(self.ask.lease_seconds);
        while !self.release_once(reason).await {
            if !retry.pause().await {
                tracing::error!(
                    llm.hold_id = self.held.hold_id.as_str(),
                    "a hold was not given back within its lease and is left to the ledger at its worst case"
                );
                return;
            }
        }
    }
}

/// Pauses that double, within one lease.
pub(crate) struct Retry {
    until: Instant,
    pause: Duration,
}

impl Retry {
    pub(crate) fn new(lease_seconds: u32) -> Self {
        Self { until: Instant::now() + Duration::from_secs(u64::from(lease_seconds)), pause: FIRST_PAUSE }
    }

    /// Waits. False when the time is over.
    pub(crate) async fn pause(&mut self) -> bool {
        if Instant::now() + self.pause > self.until {
            return false;
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }
}

/// What is told of a provider's own words, at most.
const BODY: usize = 4096;

/// A provider's error document, as text.
pub(crate) fn told(body: &Bytes) -> String {
    let mut text = String::from_utf8_lossy(body.get(..BODY).unwrap_or(body)).into_owned();
    if text.len() > BODY {
        text.truncate(text.floor_char_boundary(BODY));
    }
    text
}
