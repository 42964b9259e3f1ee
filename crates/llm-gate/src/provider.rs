//! The seam to a provider.

use std::pin::Pin;

use bytes::Bytes;
use futures_core::Stream;
use llm_policy::{BoxFuture, HoldId, Operation, Usage};
use registry_core::KnownSecrets;
use serde_json::{Map, Value};

/// One attempt, ready to leave. Bodies are in OpenAI's form; a provider with another protocol translates.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// What it does.
    pub operation: Operation,
    /// The hold behind it, sent as `X-Client-Request-Id` so that a provider's log can be matched with the ledger.
    pub hold_id: HoldId,
    /// The body in OpenAI's form. Its `model` is the provider's name of the model; of the fields that bound the
    /// output only `max_completion_tokens` is there, and the provider writes it under the name that it takes.
    pub body: Map<String, Value>,
    /// Whether the answer is to come as a stream. `stream_options.include_usage` is then set by the provider.
    pub stream: bool,
}

/// An answer, in OpenAI's form.
pub enum Incoming {
    /// One document.
    Whole(Whole),
    /// Frames, as they come; the HTTP status was 2xx.
    Stream(Head, FrameStream),
}

/// What comes before the body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The HTTP status.
    pub status: u16,
    /// The provider's own name of the request (`x-request-id`, `request-id`).
    pub request_id: Option<String>,
    /// What `Retry-After` asks for, in seconds.
    pub retry_after: Option<u64>,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Whole {
    /// What came before the body.
    pub head: Head,
    /// The body in OpenAI's form; for a status of 400 and above whatever the provider sent.
    pub body: Bytes,
    /// What the provider says that it billed; `None` when it says nothing that can be believed (missing, negative,
    /// or beyond any sense).
    pub usage: Option<Usage>,
    /// The text of the answer, tool calls included, over all choices, for counting; `None` when the body can't
    /// be read as an answer.
    pub text: Option<String>,
}

/// The frames of a streamed answer. Dropping it closes the connection.
pub type FrameStream = Pin<Box<dyn Stream<Item = Result<Frame, ProviderError>> + Send>>;

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The event's payload in OpenAI's form, without `data: ` and line ends, as it came where nothing was
    /// translated. `[DONE]` is a frame as well.
    pub data: Bytes,
    /// What it adds to the answer's text, tool calls included, for counting.
    pub text: String,
    /// The usage, when this frame brings it.
    pub usage: Option<Usage>,
    /// Whether the frame carries only the usage (no choices): a caller that did not ask for it does not get it.
    pub usage_only: bool,
    /// Whether this is the end (`[DONE]`).
    pub done: bool,
    /// Whether it is neither a part of the answer nor its usage but something else that the provider says, such as an
    /// error in a form of its own. Known secrets are removed from it.
    pub notice: bool,
}

/// Why there is no (further) answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// No connection came about: the request surely never left.
    #[error("no connection: {0}")]
    NotConnected(String),
    /// The request could not be built: it surely never left.
    #[error("the request can't be sent: {0}")]
    NotSent(String),
    /// A time of [`llm_policy::ProviderConfig`] ran out after the request had left, or may have.
    #[error("no answer in time ({phase})")]
    Timeout {
        /// `first_byte`, `idle` or `total`.
        phase: &'static str,
    },
    /// The connection broke after the request had left, or may have.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// What came is no answer.
    #[error("the answer can't be read: {0}")]
    BadAnswer(String),
}

/// A provider of models.
pub trait Provider: Send + Sync {
    /// The name of the configuration.
    fn name(&self) -> &str;

    /// The credentials that it sends. The gate removes them from whatever it tells about a call that failed.
    fn secrets(&self) -> KnownSecrets {
        KnownSecrets::default()
    }

    /// Sends one attempt, and returns once the head of the answer (of a stream) or all of it is there.
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, ProviderError>>;
}
