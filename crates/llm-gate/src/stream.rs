//! Handing a streamed answer on, frame by frame, and knowing at its end what it used.

mod end;

use std::future::poll_fn;
use std::time::Duration;

use bytes::Bytes;
use llm_policy::{RequestShape, Usage};
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use crate::answer::{Feed, Piece};
use crate::attempt::Attempt;
use crate::breaker::Pass;
use crate::estimate::Tally;
use crate::frames::{chunk_head, event, length_event};
use crate::gate::{Form, Reply};
use crate::provider::{Frame, FrameStream, Head, ProviderError};
use crate::{AnswerStream, GateAnswer};
use end::End;

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

enum Step {
    Item(Option<Result<Frame, ProviderError>>),
    Left,
    Late,
}

pub(crate) struct Relay<'a, 'r> {
    attempt: &'a Attempt<'a>,
    shape: &'a RequestShape,
    form: Form,
    head: Head,
    reader: Reader<'r>,
    /// When the rest of the stream is not worth reading any more.
    until: Option<Instant>,
    first_byte: Option<u64>,
    tally: Tally,
    /// The usage of the last frame that brought one.
    usage: Option<Usage>,
    /// The last frame with nothing but the usage. The caller gets it at the end, and only one. Copied, like the
    /// next one: a frame is a piece of the connection's buffer, which is to be used again.
    last: Option<Bytes>,
    /// The first frame, for what all frames have in common.
    sample: Option<Bytes>,
    /// Whether the caller has had all the content that it may have.
    cut: bool,
}

impl<'a, 'r> Relay<'a, 'r> {
    pub(crate) fn new(
        attempt: &'a Attempt<'a>,
        shape: &'a RequestShape,
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
                self.last = Some(Bytes::copy_from_slice(&frame.data));
            }
            return;
        }
        self.tally.add(&frame.text);
        if self.cut || matches!(self.reader, Reader::Gone) {
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
