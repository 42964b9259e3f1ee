//! Handing a streamed answer on, frame by frame, and knowing at its end what it used.

use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use llm_policy::{CallOutcome, Measured, Settlement, Shape, Usage, UsageSource};
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use crate::answer::{Feed, Piece};
use crate::attempt::Attempt;
use crate::breaker::Pass;
use crate::estimate::Tally;
use crate::frames::{DONE, chunk_head, event, length_event, usage_event};
use crate::gate::{Form, Reply};
use crate::provider::{Frame, FrameStream, Head, ProviderError};
use crate::{AnswerStream, GateAnswer, GateError, Receipt};

/// How long the end of a body is waited for after `[DONE]`, so that its connection can be used again.
const TAIL: Duration = Duration::from_secs(1);
/// How many frames after `[DONE]` are looked at for that.
const TAIL_FRAMES: usize = 16;

/// Who gets the frames.
enum Reader<'r> {
    /// Nobody yet: until the first frame an error can still be a plain refusal.
    Waiting(&'r mut Reply),
    Reading(mpsc::Sender<Piece>),
    Gone,
}

impl Reader<'_> {
    /// Returns when the reader leaves; never, once it has.
    async fn left(&mut self) {
        match self {
            Self::Waiting(reply) => reply.gone().await,
            Self::Reading(sender) => sender.closed().await,
            Self::Gone => std::future::pending().await,
        }
    }
}

/// How a provider's stream ended.
enum End {
    /// With `[DONE]`, or cleanly.
    Complete,
    Broken(ProviderError),
    /// It was not read to its end: the caller had left, or was given all that it may have, and the time for the
    /// rest is over.
    Late,
}

enum Step {
    Item(Option<Result<Frame, ProviderError>>),
    Left,
    Late,
}

pub(crate) struct Relay<'a, 'r> {
    attempt: &'a Attempt<'a>,
    shape: &'a Shape,
    form: Form,
    head: Head,
    reader: Reader<'r>,
    /// When the rest of the stream is not worth reading any more.
    until: Option<Instant>,
    first_byte: Option<u64>,
    tally: Tally,
    /// The usage of the last frame that brought one.
    usage: Option<Usage>,
    /// The last frame with nothing but the usage. The caller gets it at the end, and only one.
    last: Option<Bytes>,
    /// The first frame, for what all frames have in common.
    sample: Option<Bytes>,
    /// Whether the caller has had all the content that it may have.
    cut: bool,
}

impl<'a, 'r> Relay<'a, 'r> {
    pub(crate) fn new(
        attempt: &'a Attempt<'a>,
        shape: &'a Shape,
        form: Form,
        head: Head,
        reply: &'r mut Reply,
    ) -> Self {
        Self {
            attempt,
            shape,
            form,
            head,
            reader: Reader::Waiting(reply),
            until: None,
            first_byte: None,
            tally: Tally::new(attempt.candidate.encoding),
            usage: None,
            last: None,
            sample: None,
            cut: false,
        }
    }

    /// Reads the stream to its end, hands it on and settles.
    pub(crate) async fn run(mut self, mut frames: FrameStream, mut pass: Pass) {
        let end = loop {
            let until = self.until;
            let step = tokio::select! {
                biased;
                () = late(until) => Step::Late,
                item = next(&mut frames) => Step::Item(item),
                () = self.reader.left() => Step::Left,
            };
            match step {
                Step::Late => break End::Late,
                Step::Left => self.leave(),
                Step::Item(None) => break End::Complete,
                Step::Item(Some(Err(error))) => break End::Broken(error),
                Step::Item(Some(Ok(frame))) => {
                    if self.first_byte.is_none() {
                        self.first_byte = Some(self.attempt.micros());
                        pass.answered();
                    }
                    if frame.done {
                        break End::Complete;
                    }
                    self.frame(frame).await;
                }
            }
        };
        match &end {
            End::Complete | End::Broken(ProviderError::BadAnswer(_)) => pass.succeeded(),
            End::Broken(_) => pass.failed(self.attempt.shared.clock.monotonic_micros()),
            End::Late => drop(pass),
        }
        if matches!(end, End::Complete) {
            tokio::spawn(tail(frames));
        } else {
            // Closes the connection: the provider need not go on.
            drop(frames);
        }
        self.finish(end).await;
    }

    async fn frame(&mut self, frame: Frame) {
        if frame.usage.is_some() {
            self.usage = frame.usage;
        }
        if frame.usage_only {
            // One that can't be believed is not handed on either.
            if frame.usage.is_some() {
                self.last = Some(frame.data);
            }
            return;
        }
        self.tally.add(&frame.text);
        if self.cut || matches!(self.reader, Reader::Gone) {
            return;
        }
        if self.sample.is_none() {
            self.sample = Some(frame.data.clone());
        }
        if self.tally.exceeds(self.attempt.bound()) {
            self.cut = true;
            self.until.get_or_insert(self.attempt.drained_by());
            let piece = Piece::Frame(length_event(self.chunk_head(), self.shape.choices));
            self.give(piece).await;
            return;
        }
        match self.form {
            Form::Events => self.give(Piece::Frame(event(&frame.data))).await,
            Form::Text if frame.text.is_empty() => {}
            Form::Text => self.give(Piece::Text(frame.text)).await,
        }
    }

    fn chunk_head(&self) -> Map<String, Value> {
        let created = self.attempt.shared.clock.now().unix_seconds();
        chunk_head(self.sample.as_ref(), &self.attempt.ask, created)
    }

    /// Answers with a stream, if that was not done yet.
    fn open(&mut self) {
        if let Reader::Waiting(reply) = &mut self.reader {
            let (sender, feed) = Feed::new();
            let opened = self.attempt.opened();
            if reply.give(Ok(GateAnswer::Stream(AnswerStream { opened, feed }))) {
                self.reader = Reader::Reading(sender);
            } else {
                self.leave();
            }
        }
    }

    fn leave(&mut self) {
        self.reader = Reader::Gone;
        self.until.get_or_insert(self.attempt.drained_by());
    }

    /// Hands a piece on. A reader that takes none for longer than the provider itself may pause is gone.
    async fn give(&mut self, piece: Piece) {
        self.open();
        let Reader::Reading(sender) = &self.reader else { return };
        let taken = match sender.try_send(piece) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Closed(_)) => false,
            Err(mpsc::error::TrySendError::Full(piece)) => {
                let patience = Duration::from_millis(self.attempt.candidate.upstream.config.idle_timeout_ms);
                matches!(timeout(patience, sender.send(piece)).await, Ok(Ok(())))
            }
        };
        if !taken {
            self.leave();
        }
    }

    /// What the answer used, as far as that is known.
    fn measured(&self, end: &End) -> Measured {
        match (end, self.usage) {
            (End::Complete, Some(usage)) => Measured::Tokens(usage, UsageSource::Provider),
            // The usage stands in the last frame: nothing but the end is missing.
            (_, Some(usage)) if self.last.is_some() => Measured::Tokens(usage, UsageSource::Provider),
            (End::Broken(_), None) if self.first_byte.is_none() => Measured::WorstCase,
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

    fn outcome(&self, end: &End) -> CallOutcome {
        match (&self.reader, end) {
            (Reader::Gone, _) => CallOutcome::ClientGone,
            (_, End::Complete | End::Late) => CallOutcome::Ok,
            (_, End::Broken(ProviderError::Timeout { .. })) => CallOutcome::Timeout,
            (_, End::Broken(ProviderError::BadAnswer(_))) => CallOutcome::BadAnswer,
            (
                _,
                End::Broken(
                    ProviderError::Broken(_) | ProviderError::NotConnected(_) | ProviderError::NotSent(_),
                ),
            ) => CallOutcome::Broken,
        }
    }

    async fn finish(mut self, end: End) {
        let attempt = self.attempt;
        let mut settlement =
            attempt.settlement(self.measured(&end), self.outcome(&end), Some(&self.head), self.first_byte);
        let before = attempt.shared.settle_before_answer;
        let bill = if before { attempt.settle(&settlement).await } else { attempt.bill(&settlement) };
        match end {
            End::Broken(error) if self.last.is_none() => self.give_up(&error).await,
            End::Broken(_) | End::Complete | End::Late => {
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
        if matches!(self.reader, Reader::Gone) && settlement.outcome == CallOutcome::Ok {
            settlement.outcome = CallOutcome::ClientGone;
        }
    }

    async fn give_end(&mut self, receipt: Receipt) {
        if self.form == Form::Events {
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
            Reader::Waiting(reply) => {
                reply.give(Err(error));
            }
            Reader::Reading(_) => self.give(Piece::Failed(error)).await,
            Reader::Gone => {}
        }
    }
}

async fn next(frames: &mut FrameStream) -> Option<Result<Frame, ProviderError>> {
    poll_fn(|cx| frames.as_mut().poll_next(cx)).await
}

/// Reads a body to its end, so that its connection can be used again. That is worth little time, and no error.
async fn tail(mut frames: FrameStream) {
    let _ = timeout(TAIL, async {
        for _ in 0..TAIL_FRAMES {
            if !matches!(next(&mut frames).await, Some(Ok(_))) {
                break;
            }
        }
    })
    .await;
}

async fn late(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}
