//! The end of a streamed answer: what it used, and what its reader is told.

use llm_policy::{CallOutcome, Measured, Settlement, Usage, UsageSource};

use super::{Relay, StreamReader};
use crate::answer::Piece;
use crate::answer::{DONE, event, usage_event};
use crate::gate::StreamForm;
use crate::provider::ProviderError;
use crate::{GateError, Receipt};

/// How a provider's stream ended.
pub(super) enum RelayEnd {
    /// With `[DONE]`, or cleanly.
    Complete,
    Broken(ProviderError),
    /// It was not read to its end: the caller had left, or was given all that it may have, and the time for the
    /// rest is over.
    Late,
}

impl Relay<'_, '_> {
    /// What the answer used, as far as that is known.
    fn measured(&self, end: &RelayEnd) -> Measured {
        match (end, self.usage) {
            (RelayEnd::Complete, Some(usage)) => Measured::Tokens(usage, UsageSource::Provider),
            // The usage stands in the last frame: nothing but the end is missing.
            (_, Some(usage)) if self.last.is_some() => Measured::Tokens(usage, UsageSource::Provider),
            (RelayEnd::Broken(_), None) if self.first_byte.is_none() => Measured::WorstCase,
            (_, running) => {
                let counted = self.tally.count(self.attempt.bound());
                let running = running.unwrap_or_default();
                match self.attempt.estimate(counted.max(running.completion_tokens)) {
                    // What has been read of the input is not going to change.
                    Measured::Tokens(guess, source) if running.prompt_tokens > 0 => Measured::Tokens(
                        Usage { completion_tokens: guess.completion_tokens, ..running },
                        source,
                    ),
                    measured => measured,
                }
            }
        }
    }

    fn outcome(&self, end: &RelayEnd) -> CallOutcome {
        match (&self.reader, end) {
            (StreamReader::Gone, _) => CallOutcome::ClientGone,
            (_, RelayEnd::Complete | RelayEnd::Late) => CallOutcome::Ok,
            (_, RelayEnd::Broken(ProviderError::Timeout { .. })) => CallOutcome::Timeout,
            (_, RelayEnd::Broken(ProviderError::BadAnswer(_))) => CallOutcome::BadAnswer,
            (
                _,
                RelayEnd::Broken(
                    ProviderError::Broken(_) | ProviderError::NotConnected(_) | ProviderError::NotSent(_),
                ),
            ) => CallOutcome::Broken,
        }
    }

    /// Tells the reader how it ended, and settles.
    pub(super) async fn finish(mut self, end: RelayEnd) {
        let attempt = self.attempt;
        let mut settlement =
            attempt.settlement(self.measured(&end), self.outcome(&end), Some(&self.head), self.first_byte);
        let before = attempt.shared.settle_before_answer;
        let bill = if before { attempt.settle(&settlement).await } else { attempt.bill(&settlement) };
        match end {
            RelayEnd::Broken(error) if self.last.is_none() => self.give_up(&error).await,
            RelayEnd::Broken(_) | RelayEnd::Complete | RelayEnd::Late => {
                self.give_end(attempt.receipt(&bill, &settlement)).await;
            }
        }
        if !before {
            self.note_hang_up(&mut settlement);
            attempt.settle(&settlement).await;
        }
    }

    /// A caller that left before the very end has left.
    fn note_hang_up(&self, settlement: &mut Settlement) {
        if matches!(self.reader, StreamReader::Gone) && settlement.outcome == CallOutcome::Ok {
            settlement.outcome = CallOutcome::ClientGone;
        }
    }

    async fn give_end(&mut self, receipt: Receipt) {
        if self.form == StreamForm::Events {
            if self.shape.wants_usage {
                let usage = usage_event(self.last.as_ref(), || self.chunk_head(), &receipt);
                self.give(Piece::Frame(usage)).await;
            }
            self.give(Piece::Frame(event(DONE))).await;
        }
        self.give(Piece::End(Box::new(receipt))).await;
    }

    async fn give_up(&mut self, error: &ProviderError) {
        let error: GateError = match error {
            ProviderError::Timeout { .. } => self.attempt.timed_out(),
            error => self.attempt.failed(error.to_string()),
        };
        match &mut self.reader {
            StreamReader::Waiting(reply) => {
                reply.give(Err(error));
            }
            StreamReader::Reading(_) => self.give(Piece::Failed(error)).await,
            StreamReader::Gone => {}
        }
    }
}
