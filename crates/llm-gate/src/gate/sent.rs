//! What comes back once an attempt has left, or has not.

use bytes::Bytes;
use llm_policy::{CallOutcome, Measured, ReleaseReason, RequestShape, Settlement, Usage, UsageSource};

use super::{Form, Reply};
use crate::attempt::{Attempt, told};
use crate::breaker::Pass;
use crate::estimate::count_whole;
use crate::frames::cut_answer;
use crate::provider::{Head, Incoming, Outgoing, ProviderError, Whole};
use crate::report::Bill;
use crate::stream::Relay;
use crate::{GateAnswer, GateError};

/// How a call goes on after an attempt.
pub(super) enum Next {
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

impl Attempt<'_> {
    /// Sends the attempt, answers and settles.
    pub(super) async fn send(
        &self,
        outgoing: Outgoing,
        shape: &RequestShape,
        form: Form,
        pass: Pass,
        reply: &mut Reply,
    ) -> Next {
        match self.candidate.upstream.provider.send(outgoing).await {
            Err(error) => self.unanswered(error, shape.stream, pass, reply).await,
            Ok(Incoming::Whole(whole)) => self.whole(whole, pass, reply).await,
            Ok(Incoming::Stream(head, frames)) if shape.stream => {
                Relay::new(self, shape, form, head, reply).run(frames, pass).await;
                Next::Done
            }
            Ok(Incoming::Stream(head, _)) => {
                pass.succeeded();
                let end = self.settlement(Measured::WorstCase, CallOutcome::BadAnswer, Some(&head), None);
                let error = self.failed("it sent a stream that nobody asked for".to_owned());
                self.finish(end, reply, |_, _| Err(error)).await
            }
        }
    }

    async fn unanswered(&self, error: ProviderError, streamed: bool, pass: Pass, reply: &mut Reply) -> Next {
        let now = self.shared.clock.monotonic_micros();
        let failure = self.failed(error.to_string());
        let (outcome, failure) = match error {
            ProviderError::NotConnected(_) => {
                pass.failed(now);
                return self.give_back(ReleaseReason::NotConnected, failure, true, reply).await;
            }
            ProviderError::NotSent(_) => {
                drop(pass);
                return self.give_back(ReleaseReason::NotSent, failure, false, reply).await;
            }
            ProviderError::Timeout { .. } => {
                // A long answer that comes whole is late by its caller's choice, not by the provider's.
                if streamed {
                    pass.failed(now);
                }
                (CallOutcome::Timeout, self.timed_out())
            }
            ProviderError::Broken(_) => {
                pass.failed(now);
                (CallOutcome::Broken, failure)
            }
            ProviderError::BadAnswer(_) => {
                pass.succeeded();
                (CallOutcome::BadAnswer, failure)
            }
        };
        let end = self.settlement(Measured::WorstCase, outcome, None, None);
        self.finish(end, reply, |_, _| Err(failure)).await
    }

    /// The request surely never left.
    async fn give_back(
        &self,
        reason: ReleaseReason,
        error: GateError,
        come_back: bool,
        reply: &mut Reply,
    ) -> Next {
        if self.release_once(reason).await {
            return Next::Again { error, retry_after: None, come_back };
        }
        // A ledger that can't be used takes no further hold either.
        reply.give(Err(error));
        self.release(reason).await;
        Next::Done
    }

    async fn whole(&self, whole: Whole, pass: Pass, reply: &mut Reply) -> Next {
        if !(200..300).contains(&whole.head.status) {
            return self.refused(whole, pass, reply).await;
        }
        pass.succeeded();
        let first_byte = Some(self.micros());
        let Whole { head, body, usage, text } = whole;
        let Some(text) = text else {
            let measured = usage.map_or(Measured::WorstCase, provided);
            let end = self.settlement(measured, CallOutcome::BadAnswer, Some(&head), first_byte);
            let error = self.failed("its answer can't be read".to_owned());
            return self.finish(end, reply, |_, _| Err(error)).await;
        };
        let measured = usage.map_or_else(
            || self.estimate(count_whole(&text, self.candidate.encoding, self.bound())),
            provided,
        );
        let end = self.settlement(measured, CallOutcome::Ok, Some(&head), first_byte);
        self.finish(end, reply, |bill, end| {
            let body = self.cut(body, bill);
            Ok(GateAnswer::Whole { body, receipt: self.receipt(bill, end) })
        })
        .await
    }

    /// An answer that is longer than it was allowed to be is cut.
    fn cut(&self, body: Bytes, bill: &Bill) -> Bytes {
        match self.held.max_tokens {
            Some(each) if bill.usage.completion_tokens > self.bound() => {
                cut_answer(&body, each, self.candidate.encoding).unwrap_or(body)
            }
            Some(_) | None => body,
        }
    }

    /// The provider answered with an error. It bills what it says, which is nothing when it says nothing.
    async fn refused(&self, whole: Whole, pass: Pass, reply: &mut Reply) -> Next {
        let Whole { head, body, usage, .. } = whole;
        let now = self.shared.clock.monotonic_micros();
        match head.status {
            // The request may be what it can't stand: one agent's calls close the provider to nobody else.
            500 => drop(pass),
            501.. => pass.failed(now),
            _ => pass.succeeded(),
        }
        // What stands before a provider gives up with these; the call may have run behind it.
        let unsure = usage.is_none() && matches!(head.status, 408 | 504 | 520..=524 | 598 | 599);
        let measured = if unsure { Measured::WorstCase } else { provided(usage.unwrap_or_default()) };
        let end = self.settlement(measured, CallOutcome::ProviderError, Some(&head), Some(self.micros()));
        let error = self.refusal(&head, &body);
        if unsure || !matches!(head.status, 408 | 429 | 500 | 502 | 503 | 529) {
            return self.finish(end, reply, |_, _| Err(error)).await;
        }
        if self.settle_once(&end).await.is_some() {
            return Next::Again { error, retry_after: head.retry_after, come_back: true };
        }
        // A ledger that can't be used takes no further hold either.
        reply.give(Err(error));
        self.settle(&end).await;
        Next::Done
    }

    fn refusal(&self, head: &Head, body: &Bytes) -> GateError {
        let provider = self.ask.provider.clone();
        match head.status {
            429 => GateError::Limited { provider, retry_after: head.retry_after },
            // The credentials are the server's own, so this says nothing about the request.
            401 | 403 => self.failed(format!("it refuses the credentials with status {}", head.status)),
            408 | 504 | 522 | 524 | 598 | 599 => self.timed_out(),
            // The server's account or address is wrong, not the request.
            402 | 404 => self.failed(format!("it refuses the server with status {}", head.status)),
            status if (400..500).contains(&status) => {
                GateError::Rejected { provider, status, body: told(body) }
            }
            status => self.failed(format!("it answers with status {status}")),
        }
    }

    /// Answers and settles, in the order that the gate was built for.
    async fn finish(
        &self,
        mut end: Settlement,
        reply: &mut Reply,
        answer: impl FnOnce(&Bill, &Settlement) -> Result<GateAnswer, GateError> + Send,
    ) -> Next {
        let left = |end: &mut Settlement| {
            if end.outcome == CallOutcome::Ok {
                end.outcome = CallOutcome::ClientGone;
            }
        };
        if self.shared.settle_before_answer {
            if reply.is_gone() {
                left(&mut end);
            }
            let bill = self.settle(&end).await;
            reply.give(answer(&bill, &end));
        } else {
            if !reply.give(answer(&self.bill(&end), &end)) {
                left(&mut end);
            }
            self.settle(&end).await;
        }
        Next::Done
    }
}

fn provided(usage: Usage) -> Measured {
    Measured::Tokens(usage, UsageSource::Provider)
}
