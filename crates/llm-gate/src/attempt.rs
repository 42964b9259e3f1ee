//! One attempt of a call: what was held for it, and how that is settled or given back.

mod outcome;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use llm_policy::{
    CallOutcome, Charge, Encoding, Held, HeldTerms, HoldAsk, Ledger, LedgerError, LostRight, Measured,
    Operation, OutputWish, ReleaseReason, RequestShape, Settled, Settlement, Usage, UsageSource,
};
use registry_core::KnownSecrets;
use tokio::time::{Instant, sleep, sleep_until};

use crate::breaker::Pass;
use crate::builder::{GateState, Upstream};
use crate::gate::{CallReply, StreamForm};
use crate::provider::{Head, Incoming, Outgoing};
use crate::{GateError, Opened, Receipt};
use stream::Relay;

/// The first pause before a ledger that could not be used is asked again; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The longest message of a failure, in bytes.
const MAX_CAUSE: usize = 1100;

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
    /// What no text of the provider's may repeat.
    pub(crate) secrets: &'c KnownSecrets,
    pub(crate) candidate: &'c Candidate,
    pub(crate) ask: HoldAsk,
    pub(crate) held: Held,
    /// When the request left, on the monotonic clock.
    pub(crate) departed: u64,
}

impl CallAttempt<'_> {
    /// Sends the attempt, answers and settles.
    pub(crate) async fn send(
        &self,
        outgoing: Outgoing,
        shape: &RequestShape,
        form: StreamForm,
        pass: Pass,
        reply: &mut CallReply,
    ) -> Next {
        let incoming = tokio::select! {
            biased;
            lost = self.ledger.right_lost() => {
                // What the provider may bill for it is not known.
                drop(pass);
                let end = self.settlement(Measured::WorstCase, CallOutcome::Cut, None, None);
                return self.finish(end, reply, |_, _| Err(no_right(lost))).await;
            }
            incoming = self.candidate.upstream.provider.send(outgoing) => incoming,
            () = self.abandoned(reply) => {
                // The provider may yet answer: how long a caller waits says nothing about it.
                drop(pass);
                let end = self.settlement(Measured::WorstCase, CallOutcome::ClientGone, None, None);
                return self.finish(end, reply, |_, _| Err(self.timed_out())).await;
            }
        };
        match incoming {
            Err(error) => self.unanswered(error, shape.stream, pass, reply).await,
            Ok(Incoming::Whole(whole)) => self.whole(whole, pass, reply).await,
            Ok(Incoming::Stream(head, frames)) if shape.stream => {
                Relay::new(self, shape, form, head, reply).run(frames, pass).await;
                Next::Done
            }
            Ok(Incoming::Stream(head, _)) => {
                pass.succeeded();
                let end = self.settlement(Measured::WorstCase, CallOutcome::BadAnswer, Some(&head), None);
                let error = self.failed("it sent a stream, which was not asked for");
                self.finish(end, reply, |_, _| Err(error)).await
            }
        }
    }

    /// Whether the caller has lost its right before the request has left.
    pub(crate) async fn lost_already(&self) -> Option<LostRight> {
        tokio::select! {
            biased;
            lost = self.ledger.right_lost() => Some(lost),
            () = std::future::ready(()) => None,
        }
    }

    /// Returns when the caller has been gone for as long as the rest of an answer is waited for.
    async fn abandoned(&self, reply: &mut CallReply) {
        reply.gone().await;
        sleep_until(self.drained_by()).await;
    }

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
            provider_request_id: head
                .and_then(|head| head.request_id.as_deref())
                .map(|id| self.secrets.clean_parts(id).into_owned()),
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

    /// The failure of this attempt. `cause` may hold what the provider wrote: known secrets are removed before it is
    /// cut, so that no part of one is left.
    pub(crate) fn failed(&self, cause: &str) -> GateError {
        let mut cause = self.secrets.clean_parts(cause).into_owned();
        cause.truncate(cause.floor_char_boundary(MAX_CAUSE));
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
            Err(LedgerError::Unavailable { cause, .. }) => {
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
            Err(LedgerError::Unavailable { cause, .. }) => {
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

/// The end of a call whose caller has lost its right.
pub(crate) fn no_right(lost: LostRight) -> GateError {
    LedgerError::NoRight(Box::new(lost)).into()
}

/// How a call goes on after an attempt.
pub(crate) enum Next {
    /// It is answered and settled.
    Done,
    /// Nothing was sent to the caller, so another attempt may be made.
    Again {
        /// What the caller is told if there is none.
        error: GateError,
        /// What `Retry-After` asks for, in seconds.
        retry_after: Option<u64>,
        /// Whether the same provider may be asked again.
        come_back: bool,
    },
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
    /// As the ledger will charge it, so that an answer need not wait for it.
    pub(crate) fn of(ask: &HoldAsk, held: &Held, measured: &Measured) -> Self {
        let terms = HeldTerms {
            rates: &held.rates,
            amount_pico_usd: held.amount_pico_usd,
            input_tokens: ask.input_tokens,
            max_tokens: held.max_tokens,
            choices: ask.choices,
        };
        let Charge { usage, source, cost_pico_usd, overrun } = terms.charge(measured);
        let before = held.remaining_pico_usd.saturating_add(held.amount_pico_usd);
        let remaining_pico_usd = before.saturating_sub(cost_pico_usd).max(0);
        Self { usage, source, cost_pico_usd, remaining_pico_usd, overrun }
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
