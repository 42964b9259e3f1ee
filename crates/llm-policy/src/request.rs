//! The price-relevant parts of a request in OpenAI's format, and an upper bound of its input.
//!
//! Unknown fields are allowed, because a provider may know them. They count as input. A field that is known to change
//! the price is either taken into account, or the request is refused.

mod fields;
mod input;
mod meter;
mod refused;

use serde_json::{Map, Value};

use crate::{Operation, OutputWish, PriceEntry};

/// The parts of a request that determine its price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestShape {
    /// The operation.
    pub operation: Operation,
    /// The model that it names.
    pub model: String,
    /// Whether the answer is requested as a stream.
    pub stream: bool,
    /// Whether the stream must end with a usage frame (`stream_options.include_usage`).
    pub wants_usage: bool,
    /// The number of answers (`n`), 1 to 128.
    pub choices: u32,
    /// The output that each answer may have.
    pub output: OutputWish,
}

/// Reason why a request is refused before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A field has an invalid value.
    #[error("`{param}` {what}")]
    Invalid {
        /// The path of the field, such as `messages[2].content`.
        param: String,
        /// What the value must be.
        what: String,
    },
    /// A part of the request is not billed by the tokens of the model, or has no upper bound of tokens.
    #[error("`{param}` can't be priced: {what}")]
    NotPriced {
        /// The path of the field, such as `tools[0].type`.
        param: String,
        /// The reason.
        what: String,
    },
}

impl RequestError {
    fn invalid(param: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Invalid { param: param.into(), what: what.into() }
    }

    fn not_priced(param: impl Into<String>, what: impl Into<String>) -> Self {
        Self::NotPriced { param: param.into(), what: what.into() }
    }
}

/// Reads a request for a chat completion.
///
/// # Errors
/// - [`RequestError::Invalid`] when a field such as `model`, `messages`, `n`, `max_tokens` or `stream` is invalid.
/// - [`RequestError::NotPriced`] when a part is not billed by the tokens of the model, or has no upper bound.
pub fn read_chat(body: &Map<String, Value>) -> Result<RequestShape, RequestError> {
    let model = fields::model(body)?;
    let stream = fields::boolean(body, "stream", "stream")?;
    let wants_usage = stream && fields::wants_usage(body)?;
    let choices = fields::choices(body)?;
    let output = fields::max_tokens(body)?.map_or(OutputWish::Fill, OutputWish::Stated);
    refused::check_chat(body, choices)?;
    input::check_chat(body)?;
    Ok(RequestShape { operation: Operation::Chat, model, stream, wants_usage, choices, output })
}

/// Reads a request for embeddings.
///
/// # Errors
/// - [`RequestError::Invalid`] when a field such as `model` or `input` is invalid, or a stream is requested.
/// - [`RequestError::NotPriced`] when a part is not billed by the tokens of the model, or has no upper bound.
pub fn read_embeddings(body: &Map<String, Value>) -> Result<RequestShape, RequestError> {
    let model = fields::model(body)?;
    if fields::boolean(body, "stream", "stream")? {
        return Err(RequestError::invalid("stream", "must not be true: embeddings have no stream"));
    }
    refused::check_embeddings(body)?;
    input::check_embeddings(body)?;
    Ok(RequestShape {
        operation: Operation::Embeddings,
        model,
        stream: false,
        wants_usage: false,
        choices: 1,
        output: OutputWish::Nothing,
    })
}

impl RequestShape {
    /// Returns an upper bound of the input tokens. Tokens are counted if the tokenizer of the model is known and all
    /// texts together have at most 256 KiB; otherwise each byte counts as a token. `body` must be the body from which
    /// the shape was read.
    ///
    /// # Errors
    /// - [`RequestError::NotPriced`] when the body has images and the entry has no maximum of tokens for an image.
    /// - The errors of [`read_chat`] or [`read_embeddings`] when the body is not the one that was read.
    pub fn input_tokens(&self, body: &Map<String, Value>, entry: &PriceEntry) -> Result<u64, RequestError> {
        input::tokens(self.operation, body, entry)
    }
}

#[cfg(test)]
mod tests;
