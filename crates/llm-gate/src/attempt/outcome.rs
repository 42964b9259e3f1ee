//! Handling of failures and of complete answers: settlement, error for the caller, and whether a retry is allowed.

use bytes::Bytes;
use llm_policy::{CallOutcome, Encoding, Measured, ReleaseReason, Settlement, Usage, UsageSource, cut_text};
use registry_core::KnownSecrets;
use serde_json::Value;

use super::{Bill, CallAttempt, Next};
use crate::breaker::Pass;
use crate::estimate::count_whole;
use crate::gate::CallReply;
use crate::provider::{Head, ProviderError, Whole};
use crate::{GateAnswer, GateError};

/// The maximum of a provider's error document that is passed on, in bytes.
const BODY: usize = 4096;

impl CallAttempt<'_> {
    pub(super) async fn unanswered(
        &self,
        error: ProviderError,
        streamed: bool,
        pass: Pass,
        reply: &mut CallReply,
    ) -> Next {
        let now = self.shared.clock.monotonic_micros();
        let failure = self.failed(&error.to_string());
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
                // Without a stream, the first byte comes after the whole answer is generated. A long answer may exceed
                // the time limit because of the request, so the timeout does not count as a failure of the provider.
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

    /// Releases the hold of a request that surely was not sent.
    async fn give_back(
        &self,
        reason: ReleaseReason,
        error: GateError,
        come_back: bool,
        reply: &mut CallReply,
    ) -> Next {
        if self.release_once(reason).await {
            return Next::Again { error, retry_after: None, come_back };
        }
        // An unavailable ledger would not grant the hold of another attempt either.
        reply.give(Err(error));
        self.release(reason).await;
        Next::Done
    }

    pub(super) async fn whole(&self, whole: Whole, pass: Pass, reply: &mut CallReply) -> Next {
        if !(200..300).contains(&whole.head.status) {
            return self.refused(whole, pass, reply).await;
        }
        pass.succeeded();
        let first_byte = Some(self.micros());
        let Whole { head, body, usage, text } = whole;
        let Some(text) = text else {
            let measured = usage.map_or(Measured::WorstCase, provided);
            let end = self.settlement(measured, CallOutcome::BadAnswer, Some(&head), first_byte);
            let error = self.failed("its answer can't be read");
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

    /// Truncates an answer that is longer than the request allowed.
    fn cut(&self, body: Bytes, bill: &Bill) -> Bytes {
        match self.held.max_tokens {
            Some(each) if bill.usage.completion_tokens > self.bound() => {
                cut_answer(&body, each, self.candidate.encoding).unwrap_or(body)
            }
            Some(_) | None => body,
        }
    }

    /// Handles an error status. The attempt costs what the error document reports, or nothing if it reports no usage.
    async fn refused(&self, whole: Whole, pass: Pass, reply: &mut CallReply) -> Next {
        let Whole { head, body, usage, .. } = whole;
        let now = self.shared.clock.monotonic_micros();
        match head.status {
            // The request itself may cause this error. It does not count, so that one agent's requests can't open the
            // breaker for all others.
            500 => drop(pass),
            501.. => pass.failed(now),
            _ => pass.succeeded(),
        }
        // A proxy in front of the provider answers with these statuses when it gives up waiting. The provider may have
        // run the call, so the usage is unknown.
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
        // An unavailable ledger would not grant the hold of another attempt either.
        reply.give(Err(error));
        self.settle(&end).await;
        Next::Done
    }

    fn refusal(&self, head: &Head, body: &Bytes) -> GateError {
        let provider = self.ask.provider.clone();
        match head.status {
            429 => GateError::Limited { provider, retry_after: head.retry_after },
            // The credentials belong to the gate, so the request is not at fault.
            401 | 403 => self.failed(&format!("it refused its API key with status {}", head.status)),
            408 | 504 | 522 | 524 | 598 | 599 => self.timed_out(),
            // The account or the base URL is wrong, not the request.
            402 | 404 => {
                self.failed(&format!("it refused its account or base URL with status {}", head.status))
            }
            status if (400..500).contains(&status) => {
                GateError::Rejected { provider, status, body: told(body, self.secrets) }
            }
            status => self.failed(&format!("it answered with status {status}")),
        }
    }

    /// Answers the caller and settles. `settle_before_answer` of the builder decides which comes first.
    pub(super) async fn finish(
        &self,
        mut end: Settlement,
        reply: &mut CallReply,
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

/// Returns a provider's error document as text. Known secrets are removed before it is truncated, so that no part of a
/// secret remains.
fn told(body: &Bytes, secrets: &KnownSecrets) -> String {
    let text = String::from_utf8_lossy(body);
    let mut text = secrets.clean_parts(&text).into_owned();
    text.truncate(text.floor_char_boundary(BODY));
    text
}

/// Truncates the text of each choice to the allowed number of tokens. If the tokenizer is unknown, a common one is
/// close enough, because the bill does not depend on the cut. Tool calls stay complete, because a part of one is
/// useless.
fn cut_answer(body: &Bytes, max_tokens: u64, encoding: Option<Encoding>) -> Option<Bytes> {
    let encoding = Some(encoding.unwrap_or(Encoding::O200k));
    let mut answer: Value = serde_json::from_slice(body).ok()?;
    let choices = answer.get_mut("choices")?.as_array_mut()?;
    let mut cut_any = false;
    let mut cut = Vec::with_capacity(choices.len());
    for choice in choices.iter_mut() {
        let mut is_cut = false;
        if let Some(Value::String(content)) = choice.pointer_mut("/message/content") {
            let kept = cut_text(content, max_tokens, encoding).len();
            is_cut = kept < content.len();
            content.truncate(kept);
        }
        cut_any |= is_cut;
        cut.push(is_cut);
    }
    for (choice, is_cut) in choices.iter_mut().zip(cut) {
        // If no text was cut, it is unknown which choice was too long, so all are marked.
        if let (true, Some(choice)) = (is_cut || !cut_any, choice.as_object_mut()) {
            choice.insert("finish_reason".to_owned(), "length".into());
        }
    }
    serde_json::to_vec(&answer).ok().map(Bytes::from)
}
