//! One attempt of a call, from its hold to the settlement or release.

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

/// The first pause before an unavailable ledger is tried again; further pauses double.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The longest message of a failure, in bytes.
const MAX_CAUSE: usize = 1100;

/// A provider for a call, and the values that its hold depends on.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) input_tokens: u64,
    pub(crate) encoding: Option<Encoding>,
    pub(crate) reasoning: bool,
}

/// An attempt with a durable hold.
pub(crate) struct CallAttempt<'c> {
    pub(crate) shared: &'c GateState,
    pub(crate) ledger: &'c dyn Ledger,
    /// Secrets that are removed from texts of the provider.
    pub(crate) secrets: &'c KnownSecrets,
    pub(crate) candidate: &'c Candidate,
    pub(crate) ask: HoldAsk,
    pub(crate) held: Held,
    /// The time at which the request was sent, in microseconds of the monotonic clock.
    pub(crate) departed: u64,
}

impl CallAttempt<'_> {
    /// Sends the request, answers the caller and settles.
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
                // It is unknown what the provider bills for the request.
                drop(pass);
                let end = self.settlement(Measured::WorstCase, CallOutcome::Cut, None, None);
                return self.finish(end, reply, |_, _| Err(no_right(lost))).await;
            }
            incoming = self.candidate.upstream.provider.send(outgoing) => incoming,
            () = self.abandoned(reply) => {
                // The provider might still have answered, so this is neither a success nor a failure of the provider.
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
                let error = self.failed("it sent a stream although none was requested");
                self.finish(end, reply, |_, _| Err(error)).await
            }
        }
    }

    /// Returns the reason if the caller has already lost its right, without waiting.
    pub(crate) async fn lost_already(&self) -> Option<LostRight> {
        tokio::select! {
            biased;
            lost = self.ledger.right_lost() => Some(lost),
            () = std::future::ready(()) => None,
        }
    }

    /// Completes when the caller has disconnected and the drain time has passed since.
    async fn abandoned(&self, reply: &mut CallReply) {
        reply.gone().await;
        sleep_until(self.drained_by()).await;
    }

    /// Returns the maximum of output tokens of all choices together.
    pub(crate) fn bound(&self) -> u64 {
        self.held.max_tokens.map_or(0, |each| each.saturating_mul(u64::from(self.ask.choices)))
    }

    /// Returns the time since the request was sent, in microseconds.
    pub(crate) fn micros(&self) -> u64 {
        self.shared.clock.monotonic_micros().saturating_sub(self.departed)
    }

    /// Returns the time until which the rest of a stream is read when it is no longer passed to the caller.
    pub(crate) fn drained_by(&self) -> Instant {
        Instant::now() + Duration::from_secs(u64::from(self.shared.limits.drain_seconds))
    }

    /// Returns a measurement from counted output tokens. For a reasoning model it is the worst case instead, because
    /// the hidden tokens that it bills can't be counted.
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

    /// Returns the failure of this attempt. `cause` may contain text of the provider. Known secrets are removed before
    /// it is truncated, so that no part of a secret remains.
    pub(crate) fn failed(&self, cause: &str) -> GateError {
        let mut cause = self.secrets.clean_parts(cause).into_owned();
        cause.truncate(cause.floor_char_boundary(MAX_CAUSE));
        GateError::Failed { provider: self.ask.provider.clone(), call_id: self.ask.call_id.clone(), cause }
    }

    pub(crate) fn timed_out(&self) -> GateError {
        GateError::TimedOut { provider: self.ask.provider.clone(), call_id: self.ask.call_id.clone() }
    }

    /// Tries to settle. Returns `None` if the ledger is unavailable; the same settlement must then be tried again.
    pub(crate) async fn settle_once(&self, end: &Settlement) -> Option<Bill> {
        let hold = &self.held.hold_id;
        let bill = match self.ledger.settle(hold.clone(), end.clone()).await {
            Ok(settled) => Bill::settled(&settled),
            Err(LedgerError::Unavailable { cause, .. }) => {
                tracing::warn!(llm.hold_id = hold.as_str(), "a call could not be settled yet: {cause}");
                return None;
            }
            Err(error) => {
                tracing::error!(llm.hold_id = hold.as_str(), "the ledger refused a settlement: {error}");
                self.bill(end)
            }
        };
        self.report(&bill, end);
        Some(bill)
    }

    /// Settles, and retries until it succeeds. It gives up after the time of one lease. The hold is then an orphan, and
    /// the ledger settles it at its worst case.
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
                    "a call was not settled within its lease; the ledger settles it at its worst case"
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

    /// Tries to release the hold. Returns `false` if the ledger is unavailable.
    pub(crate) async fn release_once(&self, reason: ReleaseReason) -> bool {
        let hold = &self.held.hold_id;
        match self.ledger.release(hold.clone(), reason).await {
            Ok(()) => true,
            Err(LedgerError::Unavailable { cause, .. }) => {
                tracing::warn!(llm.hold_id = hold.as_str(), "a hold could not be released yet: {cause}");
                false
            }
            Err(error) => {
                tracing::error!(llm.hold_id = hold.as_str(), "the ledger refused to release a hold: {error}");
                true
            }
        }
    }

    /// Releases the hold, and retries until it succeeds or the time of one lease is over.
    pub(crate) async fn release(&self, reason: ReleaseReason) {
        let mut retry = Retry::new(self.ask.lease_seconds);
        while !self.release_once(reason).await {
            if !retry.pause().await {
                tracing::error!(
                    llm.hold_id = self.held.hold_id.as_str(),
                    "a hold was not released within its lease; the ledger settles it at its worst case"
                );
                return;
            }
        }
    }
}

/// Returns the error of a call whose caller has lost its right.
pub(crate) fn no_right(lost: LostRight) -> GateError {
    LedgerError::NoRight(Box::new(lost)).into()
}

/// The next step of a call after an attempt.
pub(crate) enum Next {
    /// None: the caller was answered, and the attempt is settled or released.
    Done,
    /// Another attempt may be made, because nothing was sent to the caller.
    Again {
        /// The error for the caller if there is no other attempt.
        error: GateError,
        /// The delay that `Retry-After` asks for, in seconds.
        retry_after: Option<u64>,
        /// Whether the same provider may be tried again.
        come_back: bool,
    },
}

/// Doubling pauses between retries, within the time of one lease.
pub(crate) struct Retry {
    until: Instant,
    pause: Duration,
}

impl Retry {
    pub(crate) fn new(lease_seconds: u32) -> Self {
        Self { until: Instant::now() + Duration::from_secs(u64::from(lease_seconds)), pause: FIRST_PAUSE }
    }

    /// Waits for the next pause. Returns `false` without waiting if the time is over.
    pub(crate) async fn pause(&mut self) -> bool {
        if Instant::now() + self.pause > self.until {
            return false;
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }
}

/// Report for metrics on one attempt that reached a provider, or may have reached it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallReport {
    /// The operation.
    pub operation: Operation,
    /// The provider's name.
    pub provider: String,
    /// The model.
    pub model: String,
    /// How it ended.
    pub outcome: CallOutcome,
    /// Its usage.
    pub usage: Usage,
    /// The source of these numbers.
    pub source: UsageSource,
    /// Its cost, in pico-dollars.
    pub cost_pico_usd: i64,
    /// Whether the provider produced more output than was asked for, or the cost exceeds the hold.
    pub overrun: bool,
    /// The time from sending the request to the first byte of the answer, in microseconds.
    pub first_byte_micros: Option<u64>,
    /// The time from sending the request to the end of the attempt, in microseconds.
    pub total_micros: u64,
    /// The provider's HTTP status; `None` when there was no answer.
    pub provider_status: Option<u16>,
}

/// The usage and cost of an attempt: computed by the gate before the settlement, or returned by the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bill {
    pub(crate) usage: Usage,
    pub(crate) source: UsageSource,
    pub(crate) cost_pico_usd: i64,
    pub(crate) remaining_pico_usd: i64,
    pub(crate) overrun: bool,
}

impl Bill {
    /// Computes the bill that the ledger will confirm, so that an answer need not wait for the settlement.
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
