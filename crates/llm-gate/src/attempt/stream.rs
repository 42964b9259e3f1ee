//! Relay of a streamed answer to the caller, frame by frame, with a settlement at its end.

use std::borrow::Cow;
use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use llm_policy::{CallOutcome, LostRight, Measured, RequestShape, Settlement, Usage, UsageSource};
use registry_core::SecretStream;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use crate::answer::{Feed, FeedSender, Piece, chunk_head, event, length_event, usage_event};
use crate::attempt::{CallAttempt, no_right};
use crate::breaker::Pass;
use crate::estimate::TokenTally;
use crate::gate::{CallReply, StreamForm};
use crate::provider::{Frame, FrameStream, Head, ProviderError};
use crate::sse::DONE;
use crate::{AnswerStream, GateAnswer, GateError, Receipt};

/// The time limit for reading the rest of a body after `[DONE]`, so that its connection can be reused.
const TAIL: Duration = Duration::from_secs(1);
/// The maximum number of frames that are read for that.
const TAIL_FRAMES: usize = 16;

/// The receiver of the frames.
enum StreamReader<'r> {
    /// The caller waits for the first frame. Until then, an error is returned instead of a stream.
    Waiting(&'r mut CallReply),
    /// The caller reads the stream.
    Reading(FeedSender),
    /// The caller has disconnected.
    Gone,
}

impl StreamReader<'_> {
    /// Completes when the caller disconnects. Never completes after that.
    async fn left(&mut self) {
        match self {
            Self::Waiting(reply) => reply.gone().await,
            Self::Reading(sender) => sender.pieces.closed().await,
            Self::Gone => std::future::pending().await,
        }
    }
}

/// How a provider's stream ended.
enum RelayEnd {
    /// With `[DONE]`, or between two events.
    Complete,
    /// With an error.
    Broken(ProviderError),
    /// Before its end, because the drain time was over. The drain time begins when the caller disconnects, or has
    /// received all the output that it may have.
    Late,
    /// Before its end, because the caller lost its right.
    Cut(LostRight),
}

/// The next event of the relay.
enum Step {
    Item(Option<Result<Frame, ProviderError>>),
    Left,
    Late,
    Cut(LostRight),
}

/// A relay of one streamed answer.
pub(crate) struct Relay<'a, 'r> {
    attempt: &'a CallAttempt<'a>,
    shape: &'a RequestShape,
    form: StreamForm,
    head: Head,
    reader: StreamReader<'r>,
    /// The end of the drain time, once it has begun.
    until: Option<Instant>,
    first_byte: Option<u64>,
    tally: TokenTally,
    /// The text of the provider so far. It detects secrets that are split between the answer and an error.
    said: SecretStream,
    /// The usage of the last frame that reported it.
    usage: Option<Usage>,
    /// The last frame that has only the usage. The caller gets one such frame, at the end. It is copied, like `sample`,
    /// because a frame would keep the buffer of the connection from being reused.
    last: Option<Bytes>,
    /// The first frame, as the source of the members that all frames share.
    sample: Option<Bytes>,
    /// Whether the caller has received all the output that it may have.
    cut: bool,
}

impl<'a, 'r> Relay<'a, 'r> {
    pub(crate) fn new(
        attempt: &'a CallAttempt<'a>,
        shape: &'a RequestShape,
        form: StreamForm,
        head: Head,
        reply: &'r mut CallReply,
    ) -> Self {
        Self {
            attempt,
            shape,
            form,
            head,
            reader: StreamReader::Waiting(reply),
            until: None,
            first_byte: None,
            tally: TokenTally::new(attempt.candidate.encoding),
            said: SecretStream::new(attempt.secrets.clone()),
            usage: None,
            last: None,
            sample: None,
            cut: false,
        }
    }

    /// Reads the stream to its end, passes it to the caller, and settles.
    pub(crate) async fn run(mut self, mut frames: FrameStream, mut pass: Pass) {
        let mut lost = self.attempt.ledger.right_lost();
        let end = loop {
            let until = self.until;
            let step = tokio::select! {
                biased;
                why = &mut lost => Step::Cut(why),
                () = late(until) => Step::Late,
                item = next(&mut frames) => Step::Item(item),
                () = self.reader.left() => Step::Left,
            };
            match step {
                Step::Cut(why) => break RelayEnd::Cut(why),
                Step::Late => break RelayEnd::Late,
                Step::Left => self.leave(),
                Step::Item(None) => break RelayEnd::Complete,
                Step::Item(Some(Err(error))) => break RelayEnd::Broken(error),
                Step::Item(Some(Ok(frame))) => {
                    if self.first_byte.is_none() {
                        self.first_byte = Some(self.attempt.micros());
                        pass.answered();
                    }
                    if frame.done {
                        break RelayEnd::Complete;
                    }
                    // A slow reader must not delay the end of a call whose right was lost.
                    tokio::select! {
                        biased;
                        why = &mut lost => break RelayEnd::Cut(why),
                        () = self.frame(frame) => {}
                    }
                }
            }
        };
        drop(lost);
        match &end {
            RelayEnd::Complete | RelayEnd::Broken(ProviderError::BadAnswer(_)) => pass.succeeded(),
            RelayEnd::Broken(_) => pass.failed(self.attempt.shared.clock.monotonic_micros()),
            RelayEnd::Late | RelayEnd::Cut(_) => drop(pass),
        }
        if matches!(end, RelayEnd::Complete) {
            tokio::spawn(tail(frames));
        } else {
            // This closes the connection, so that the provider can stop.
            drop(frames);
        }
        self.finish(end).await;
    }

    async fn frame(&mut self, mut frame: Frame) {
        if frame.notice {
            frame.data = clean_notice(frame.data, &mut self.said);
        } else {
            self.said.pass(&frame.text);
        }
        if frame.usage.is_some() {
            self.usage = frame.usage;
        }
        if frame.usage_only {
            // An implausible usage is not passed on.
            if frame.usage.is_some() {
                self.last = Some(Bytes::copy_from_slice(&frame.data));
            }
            return;
        }
        self.tally.add(&frame.text);
        if self.cut || matches!(self.reader, StreamReader::Gone) {
            return;
        }
        if self.sample.is_none() {
            self.sample = Some(Bytes::copy_from_slice(&frame.data));
        }
        if self.tally.exceeds(self.attempt.bound()) {
            self.cut = true;
            self.until.get_or_insert(self.attempt.drained_by());
            let piece = Piece::Frame(length_event(self.chunk_head(), self.shape.choices));
            self.give(piece).await;
            return;
        }
        match self.form {
            StreamForm::Events => self.give(Piece::Frame(event(&frame.data))).await,
            StreamForm::Text if frame.text.is_empty() => {}
            StreamForm::Text => self.give(Piece::Text(frame.text)).await,
        }
    }

    fn chunk_head(&self) -> Map<String, Value> {
        let created = self.attempt.shared.clock.now().unix_seconds();
        chunk_head(self.sample.as_ref(), &self.attempt.ask, created)
    }

    /// Answers the caller with a stream, unless that has been done.
    fn open(&mut self) {
        if let StreamReader::Waiting(reply) = &mut self.reader {
            let (sender, feed) = Feed::new();
            let opened = self.attempt.opened();
            if reply.give(Ok(GateAnswer::Stream(AnswerStream { opened, feed }))) {
                self.reader = StreamReader::Reading(sender);
            } else {
                self.leave();
            }
        }
    }

    fn leave(&mut self) {
        self.reader = StreamReader::Gone;
        self.until.get_or_insert(self.attempt.drained_by());
    }

    /// Passes a piece to the caller. A caller that accepts none for the provider's idle timeout counts as disconnected.
    async fn give(&mut self, piece: Piece) {
        self.open();
        let StreamReader::Reading(sender) = &self.reader else { return };
        let taken = match sender.pieces.try_send(piece) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Closed(_)) => false,
            Err(mpsc::error::TrySendError::Full(piece)) => {
                let patience = Duration::from_millis(self.attempt.candidate.upstream.config.idle_timeout_ms);
                matches!(timeout(patience, sender.pieces.send(piece)).await, Ok(Ok(())))
            }
        };
        if !taken {
            self.leave();
        }
    }
}

impl Relay<'_, '_> {
    /// Returns the usage of the answer, measured or estimated.
    fn measured(&self, end: &RelayEnd) -> Measured {
        match (end, self.usage) {
            (RelayEnd::Complete, Some(usage)) => Measured::Tokens(usage, UsageSource::Provider),
            // The final usage has arrived; only `[DONE]` is missing.
            (_, Some(usage)) if self.last.is_some() => Measured::Tokens(usage, UsageSource::Provider),
            (RelayEnd::Broken(_) | RelayEnd::Cut(_), None) if self.first_byte.is_none() => {
                Measured::WorstCase
            }
            (_, running) => {
                let counted = self.tally.count(self.attempt.bound());
                let running = running.unwrap_or_default();
                match self.attempt.estimate(counted.max(running.completion_tokens)) {
                    // A running usage already has the final number of input tokens.
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
            (_, RelayEnd::Cut(_)) => CallOutcome::Cut,
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

    /// Sends the end or the error to the caller, and settles.
    async fn finish(mut self, end: RelayEnd) {
        let attempt = self.attempt;
        let mut settlement =
            attempt.settlement(self.measured(&end), self.outcome(&end), Some(&self.head), self.first_byte);
        if let RelayEnd::Cut(why) = &end {
            self.cut_off(no_right(why.clone()));
        }
        let before = attempt.shared.settle_before_answer;
        let bill = if before { attempt.settle(&settlement).await } else { attempt.bill(&settlement) };
        match end {
            // `cut_off` has sent the error.
            RelayEnd::Cut(_) => {}
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

    /// Records a disconnect that happened while the end was sent.
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

    /// Removes known secrets from an error, including the rest of a secret that began in the answer.
    fn cleaned(&mut self, error: &ProviderError) -> ProviderError {
        let mut clean = |text: &str| self.said.piece(text).into_owned();
        match error {
            ProviderError::NotConnected(text) => ProviderError::NotConnected(clean(text)),
            ProviderError::NotSent(text) => ProviderError::NotSent(clean(text)),
            ProviderError::Broken(text) => ProviderError::Broken(clean(text)),
            ProviderError::BadAnswer(text) => ProviderError::BadAnswer(clean(text)),
            ProviderError::Timeout { phase } => ProviderError::Timeout { phase },
        }
    }

    async fn give_up(&mut self, error: &ProviderError) {
        let error: GateError = match error {
            ProviderError::Timeout { .. } => self.attempt.timed_out(),
            error => self.attempt.failed(&self.cleaned(error).to_string()),
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

impl Relay<'_, '_> {
    /// Ends the caller's answer at once. Pieces that still wait in the channel are dropped.
    fn cut_off(&mut self, error: GateError) {
        match std::mem::replace(&mut self.reader, StreamReader::Gone) {
            StreamReader::Waiting(reply) => {
                reply.give(Err(error));
            }
            StreamReader::Reading(sender) => sender.cut(error),
            StreamReader::Gone => {}
        }
    }
}

/// Removes known secrets from a frame that is not part of the answer. Without a secret, the frame stays unchanged.
fn clean_notice(data: Bytes, said: &mut SecretStream) -> Bytes {
    let Ok(mut value) = serde_json::from_slice::<Value>(&data) else { return data };
    if !clean_texts(&mut value, said) {
        return data;
    }
    value.to_string().into()
}

/// Removes known secrets from the strings and member names of a value, and returns whether there were any. The strings
/// are read in order, because a secret may be split over two of them.
fn clean_texts(value: &mut Value, said: &mut SecretStream) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => match said.piece(text) {
            Cow::Borrowed(_) => false,
            Cow::Owned(cleaned) => {
                *text = cleaned;
                true
            }
        },
        Value::Array(items) => items.iter_mut().fold(false, |any, item| clean_texts(item, said) | any),
        Value::Object(members) => {
            let mut any = false;
            for (name, mut member) in std::mem::take(members) {
                let cleaned = said.aside(&name).into_owned();
                any |= clean_texts(&mut member, said) || cleaned != name;
                members.insert(cleaned, member);
            }
            any
        }
    }
}

async fn next(frames: &mut FrameStream) -> Option<Result<Frame, ProviderError>> {
    poll_fn(|cx| frames.as_mut().poll_next(cx)).await
}

/// Reads a body to its end, so that its connection can be reused. Failure only costs the connection.
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
