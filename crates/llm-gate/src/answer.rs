//! What a call gives back.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use serde_json::json;
use tokio::sync::mpsc;

use crate::frames::event;
use crate::{GateError, Opened, Receipt};

/// The answer of a call.
#[derive(Debug)]
pub enum GateAnswer {
    /// One document.
    Whole {
        /// It, in OpenAI's form, as the provider sent it unless it was cut.
        body: Bytes,
        /// What it used and cost.
        receipt: Receipt,
    },
    /// Server-sent events, as they come.
    Stream(AnswerStream),
}

/// A streamed answer: a stream of complete server-sent events in OpenAI's form, `data: {…}` and an empty line
/// each, `data: [DONE]` at the end.
///
/// When the caller asked for usage, the event with the usage has a member `t4` with `call_id`, `cost_usd`,
/// `cost_pico_usd`, `budget_remaining_usd`, `source` and `overrun`. An error in the middle is one event with a
/// member `error`, and the last one. Dropping the stream is a hang-up: the rest of the answer is read and settled
/// without the caller.
#[derive(Debug)]
pub struct AnswerStream {
    /// What was known when the first byte left.
    pub opened: Opened,
    pub(crate) feed: Feed,
}

impl AnswerStream {
    /// What the call used and cost; there once the stream has ended without an error.
    #[must_use]
    pub fn receipt(&self) -> Option<&Receipt> {
        self.feed.receipt.as_deref()
    }
}

impl Stream for AnswerStream {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let this = &mut *self;
        loop {
            return Poll::Ready(match std::task::ready!(this.feed.poll(&this.opened, cx)) {
                Some(Ok(Piece::Frame(bytes))) => Some(bytes),
                Some(Err(error)) => Some(error_event(&error)),
                None => None,
                // Text is what the library's own streams get.
                Some(Ok(Piece::Text(_) | Piece::Failed(_) | Piece::End(_))) => continue,
            });
        }
    }
}

/// What the task of a call hands to whoever reads its stream.
#[derive(Debug)]
pub(crate) enum Piece {
    /// A complete event.
    Frame(Bytes),
    /// What a frame adds to the text.
    Text(String),
    /// The answer ends here, and not well.
    Failed(GateError),
    /// All of it was there.
    End(Box<Receipt>),
}

/// The reader's end.
#[derive(Debug)]
pub(crate) struct Feed {
    pieces: mpsc::Receiver<Piece>,
    receipt: Option<Box<Receipt>>,
    over: bool,
}

impl Feed {
    /// How many pieces wait for a slow reader before the provider is not read any further.
    const DEPTH: usize = 64;

    pub(crate) fn new() -> (mpsc::Sender<Piece>, Self) {
        let (sender, pieces) = mpsc::channel(Self::DEPTH);
        (sender, Self { pieces, receipt: None, over: false })
    }

    pub(crate) fn receipt(&self) -> Option<&Receipt> {
        self.receipt.as_deref()
    }

    /// The next frame or text, or why there is none.
    pub(crate) fn poll(
        &mut self,
        opened: &Opened,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Piece, GateError>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let piece = std::task::ready!(self.pieces.poll_recv(cx));
        self.over = matches!(piece, Some(Piece::Failed(_) | Piece::End(_)) | None);
        Poll::Ready(match piece {
            Some(Piece::End(receipt)) => {
                self.receipt = Some(receipt);
                None
            }
            Some(Piece::Failed(error)) => Some(Err(error)),
            Some(piece) => Some(Ok(piece)),
            // A reader that is too slow is taken for gone; it is told when it comes back.
            None => Some(Err(GateError::Failed {
                provider: opened.provider.clone(),
                call_id: opened.call_id.clone(),
                cause: "the stream was not read in time".to_owned(),
            })),
        })
    }
}

/// The most of a cause that is logged: it may repeat what a caller wrote.
const LOGGED_CHARS: usize = 300;

fn error_event(error: &GateError) -> Bytes {
    let (code, message) = match error {
        GateError::TimedOut { .. } => ("provider_timeout", error.to_string()),
        // What the provider wrote may be about the key that it was shown: that is for the log alone.
        GateError::Failed { provider, cause, .. } => {
            let cause: String = cause.chars().take(LOGGED_CHARS).collect();
            tracing::warn!(llm.provider = provider, cause, "a streamed answer broke off");
            ("provider_failed", format!("`{provider}` failed in the middle of its answer"))
        }
        _ => ("provider_failed", error.to_string()),
    };
    let body = json!({
        "error": { "message": message, "type": "server_error", "code": code, "param": null }
    });
    event(body.to_string().as_bytes())
}
