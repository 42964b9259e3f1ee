//! The interface between the gate and a provider.

use std::pin::Pin;

use bytes::Bytes;
use futures_core::Stream;
use llm_policy::{BoxFuture, HoldId, Operation, Usage};
use registry_core::KnownSecrets;
use serde_json::{Map, Value};

/// One attempt that is ready to be sent. The body is in OpenAI's format; a provider with another protocol translates.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The operation.
    pub operation: Operation,
    /// The hold of the attempt. It is sent as `X-Client-Request-Id`, so that the provider's log can be matched with the
    /// ledger.
    pub hold_id: HoldId,
    /// The body in OpenAI's format. `max_completion_tokens` is the only field that limits the output; the provider
    /// sends it under the name that its API expects.
    pub body: Map<String, Value>,
    /// Whether the answer is requested as a stream. The provider then sets `stream_options.include_usage`.
    pub stream: bool,
}

/// An answer, in OpenAI's format.
pub enum Incoming {
    /// A complete document.
    Whole(Whole),
    /// A stream of frames. The HTTP status was 2xx.
    Stream(Head, FrameStream),
}

/// The status and headers of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The HTTP status.
    pub status: u16,
    /// The id that the provider gave the request (`x-request-id`, `request-id`).
    pub request_id: Option<String>,
    /// The delay that `Retry-After` asks for, in seconds.
    pub retry_after: Option<u64>,
}

/// A complete answer.
#[derive(Debug, Clone)]
pub struct Whole {
    /// The status and headers.
    pub head: Head,
    /// The body in OpenAI's format; the unchanged body of the provider if the status is not 2xx.
    pub body: Bytes,
    /// The usage that the provider reported; `None` when it is missing or implausible (negative, or above 1,000,000,000
    /// tokens).
    pub usage: Option<Usage>,
    /// The text of all choices, including tool calls, for counting tokens; `None` when the body is not an answer.
    pub text: Option<String>,
}

/// The frames of a streamed answer. Dropping the stream closes the connection.
pub type FrameStream = Pin<Box<dyn Stream<Item = Result<Frame, ProviderError>> + Send>>;

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The payload in OpenAI's format, without `data: ` and line ends. It is unchanged unless it was translated.
    /// `[DONE]` is a frame as well.
    pub data: Bytes,
    /// The text that the frame adds to the answer, including tool calls, for counting tokens.
    pub text: String,
    /// The usage, if the frame reports it.
    pub usage: Option<Usage>,
    /// Whether the frame has only the usage and no choices. It is passed only to callers that asked for usage.
    pub usage_only: bool,
    /// Whether this is the end (`[DONE]`).
    pub done: bool,
    /// Whether the frame is neither a part of the answer nor its usage, such as an error in a format of the provider.
    /// Known secrets are removed from such frames.
    pub notice: bool,
}

/// Reason why a provider failed to answer, or why its answer ended early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// No connection was made, so the request surely was not sent.
    #[error("no connection: {0}")]
    NotConnected(String),
    /// The request could not be built, so it surely was not sent.
    #[error("the request can't be sent: {0}")]
    NotSent(String),
    /// A time limit of [`llm_policy::ProviderConfig`] ran out after the request was sent, or may have been sent.
    #[error("no answer in time ({phase})")]
    Timeout {
        /// `first_byte`, `idle` or `total`.
        phase: &'static str,
    },
    /// The connection broke after the request was sent, or may have been sent.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The answer is invalid, or reports that the provider failed.
    #[error("the answer can't be read: {0}")]
    BadAnswer(String),
}

/// A provider of models.
pub trait Provider: Send + Sync {
    /// Returns its name in the configuration.
    fn name(&self) -> &str;

    /// Returns the credentials that it sends. The gate removes them from all that it reports about a failed call.
    fn secrets(&self) -> KnownSecrets {
        KnownSecrets::default()
    }

    /// Sends one attempt. Returns when the head of a streamed answer, or all of another answer, has arrived.
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, ProviderError>>;
}
