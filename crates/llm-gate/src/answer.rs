//! Answers of calls, and the channel that carries a streamed answer.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use llm_policy::{CallId, HoldAsk, LedgerError, Usage, UsageSource};
use registry_core::{ServerSentEvent, pico_to_dollars};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use crate::GateError;

/// The answer of a call.
#[derive(Debug)]
pub enum GateAnswer {
    /// A complete document.
    Whole {
        /// The document in OpenAI's format. It is unchanged unless it was translated or truncated.
        body: Bytes,
        /// The usage and cost of the call.
        receipt: Receipt,
    },
    /// A stream of server-sent events.
    Stream(AnswerStream),
}

/// A streamed answer in OpenAI's format. Each item is a complete server-sent event: `data: {…}` and an empty line. The
/// last event is `data: [DONE]`.
///
/// If the caller asked for usage, the event with the usage has a member `t4` with `call_id`, `cost_usd`,
/// `cost_pico_usd`, `budget_remaining_usd`, `source` and `overrun`. An error after the first event is sent as an event
/// with a member `error`, which ends the stream. Dropping the stream counts as a disconnect: the rest of the answer is
/// read and settled in the background.
#[derive(Debug)]
pub struct AnswerStream {
    /// What was known at the first event.
    pub opened: Opened,
    pub(crate) feed: Feed,
}

impl AnswerStream {
    /// Returns the usage and cost of the call; `None` until the stream has ended without an error.
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
                // Pieces of text occur only in a `ChatStream`.
                Some(Ok(Piece::Text(_) | Piece::Failed(_) | Piece::End(_))) => continue,
            });
        }
    }
}

/// The usage and cost of an answered call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The id of the call in its usage rows.
    pub call_id: CallId,
    /// The number of the attempt that was answered, from 1.
    pub attempt: u32,
    /// The provider that answered.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The `max_tokens` of each choice that was sent; `None` when the operation has no output.
    pub max_tokens: Option<u64>,
    /// Whether `max_tokens` was filled in because the caller stated none.
    pub filled: bool,
    /// The tokens used.
    pub usage: Usage,
    /// The source of these numbers.
    pub source: UsageSource,
    /// The cost, in pico-dollars.
    pub cost_pico_usd: i64,
    /// What the tightest budget has left now, in pico-dollars.
    pub remaining_pico_usd: i64,
    /// Whether the provider produced more output than was asked for, or the cost exceeds the hold.
    pub overrun: bool,
    /// The id that the provider gave the request.
    pub provider_request_id: Option<String>,
}

/// What is known of a streamed call at its first event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The id of the call in its usage rows.
    pub call_id: CallId,
    /// The provider that answers.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The `max_tokens` of each choice that was sent; `None` when the operation has no output.
    pub max_tokens: Option<u64>,
    /// Whether `max_tokens` was filled in because the caller stated none.
    pub filled: bool,
}

/// A message from the task of a call to the reader of its stream.
#[derive(Debug)]
pub(crate) enum Piece {
    /// A complete event.
    Frame(Bytes),
    /// The text that a frame adds.
    Text(String),
    /// The answer ends with an error.
    Failed(GateError),
    /// The answer is complete.
    End(Box<Receipt>),
}

/// The receiving end of a streamed answer.
#[derive(Debug)]
pub(crate) struct Feed {
    pieces: mpsc::Receiver<Piece>,
    /// Set when the answer ends at once. Pieces that were not read yet are then dropped.
    cut: Arc<OnceLock<GateError>>,
    receipt: Option<Box<Receipt>>,
    over: bool,
}

/// The sending end of a [`Feed`].
#[derive(Debug)]
pub(crate) struct FeedSender {
    pub(crate) pieces: mpsc::Sender<Piece>,
    cut: Arc<OnceLock<GateError>>,
}

impl FeedSender {
    /// Ends the answer with this error, ahead of the pieces that were not read yet.
    pub(crate) fn cut(self, error: GateError) {
        // The error is set before the sender is dropped, which wakes the reader.
        drop(self.cut.set(error));
    }
}

impl Feed {
    /// The number of pieces that wait for a slow reader before the gate stops reading from the provider.
    const DEPTH: usize = 64;

    pub(crate) fn new() -> (FeedSender, Self) {
        let (sender, pieces) = mpsc::channel(Self::DEPTH);
        let cut = Arc::new(OnceLock::new());
        let sender = FeedSender { pieces: sender, cut: Arc::clone(&cut) };
        (sender, Self { pieces, cut, receipt: None, over: false })
    }

    pub(crate) fn receipt(&self) -> Option<&Receipt> {
        self.receipt.as_deref()
    }

    /// Polls for the next frame or text; an error if the answer ended early, `None` at its end.
    pub(crate) fn poll(
        &mut self,
        opened: &Opened,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Piece, GateError>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let waiting = self.cut.get().is_none();
        let piece = if waiting { std::task::ready!(self.pieces.poll_recv(cx)) } else { None };
        if let Some(error) = self.cut.get() {
            self.over = true;
            return Poll::Ready(Some(Err(error.clone())));
        }
        self.over = matches!(piece, Some(Piece::Failed(_) | Piece::End(_)) | None);
        Poll::Ready(match piece {
            Some(Piece::End(receipt)) => {
                self.receipt = Some(receipt);
                None
            }
            Some(Piece::Failed(error)) => Some(Err(error)),
            Some(piece) => Some(Ok(piece)),
            // The sender is gone without an end: the reader was too slow and counted as disconnected.
            None => Some(Err(GateError::Failed {
                provider: opened.provider.clone(),
                call_id: opened.call_id.clone(),
                cause: "the stream was not read in time".to_owned(),
            })),
        })
    }
}

/// The maximum length of a logged cause, in characters. It may contain text of the caller.
const LOGGED_CHARS: usize = 300;

fn error_event(error: &GateError) -> Bytes {
    let (code, message) = match error {
        GateError::Ledger(LedgerError::NoRight(lost)) => {
            let kind = if lost.code == "missing_scope" { "permission_error" } else { "authentication_error" };
            return error_of(kind, &lost.code, &lost.message);
        }
        GateError::TimedOut { .. } => ("provider_timeout", error.to_string()),
        // The cause may contain details about the gate's API key, so it is only logged.
        GateError::Failed { provider, cause, .. } => {
            let cause: String = cause.chars().take(LOGGED_CHARS).collect();
            tracing::warn!(llm.provider = provider, cause, "a streamed answer failed");
            ("provider_failed", format!("`{provider}` failed in the middle of its answer"))
        }
        _ => ("provider_failed", error.to_string()),
    };
    error_of("server_error", code, &message)
}

fn error_of(kind: &str, code: &str, message: &str) -> Bytes {
    let body = json!({ "error": { "message": message, "type": kind, "code": code, "param": null } });
    event(body.to_string().as_bytes())
}

/// Returns a server-sent event with this payload.
pub(crate) fn event(payload: &[u8]) -> Bytes {
    ServerSentEvent { data: payload, ..ServerSentEvent::default() }.to_bytes().into()
}

/// Returns the members that all chunks of an answer share, taken from one of them.
pub(crate) fn chunk_head(sample: Option<&Bytes>, ask: &HoldAsk, created: i64) -> Map<String, Value> {
    let mut head = Map::new();
    if let Some(Ok(sample)) = sample.map(|bytes| serde_json::from_slice::<Map<String, Value>>(bytes)) {
        for (name, value) in sample {
            if matches!(name.as_str(), "id" | "object" | "created" | "model" | "system_fingerprint") {
                head.insert(name, value);
            }
        }
    }
    head.entry("id").or_insert_with(|| ask.call_id.as_str().into());
    head.entry("object").or_insert_with(|| "chat.completion.chunk".into());
    head.entry("created").or_insert_with(|| created.into());
    head.entry("model").or_insert_with(|| ask.model.as_str().into());
    head
}

/// Returns the event that marks an answer as truncated.
pub(crate) fn length_event(mut head: Map<String, Value>, choices: u32) -> Bytes {
    let ends: Vec<Value> =
        (0..choices).map(|index| json!({"index": index, "delta": {}, "finish_reason": "length"})).collect();
    head.insert("choices".to_owned(), Value::Array(ends));
    event(Value::Object(head).to_string().as_bytes())
}

/// Returns the event with the usage and the receipt. It is based on the provider's own usage event, if there was one.
pub(crate) fn usage_event(
    last: Option<&Bytes>,
    head: impl FnOnce() -> Map<String, Value>,
    receipt: &Receipt,
) -> Bytes {
    let told = last.and_then(|bytes| serde_json::from_slice::<Map<String, Value>>(bytes).ok());
    let mut frame = told.unwrap_or_else(|| {
        let mut frame = head();
        frame.insert("choices".to_owned(), Value::Array(Vec::new()));
        frame.insert("usage".to_owned(), usage_json(&receipt.usage));
        frame
    });
    frame.insert(
        "t4".to_owned(),
        json!({
            "call_id": receipt.call_id.as_str(),
            "cost_usd": pico_to_dollars(receipt.cost_pico_usd),
            "cost_pico_usd": receipt.cost_pico_usd,
            "budget_remaining_usd": pico_to_dollars(receipt.remaining_pico_usd),
            "source": receipt.source.as_str(),
            "overrun": receipt.overrun,
        }),
    );
    event(Value::Object(frame).to_string().as_bytes())
}

fn usage_json(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens.saturating_add(usage.completion_tokens),
        "prompt_tokens_details": { "cached_tokens": usage.cached_tokens },
        "completion_tokens_details": { "reasoning_tokens": usage.reasoning_tokens },
    })
}
