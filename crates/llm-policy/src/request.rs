//! What of a request in OpenAI's form changes its price, and what bounds its input.
//!
//! A field that a provider may know passes, whatever it says. A field that changes the price is understood, or the
//! request is refused: nothing is ignored.

mod fields;
mod input;
mod meter;
mod refused;

use serde_json::{Map, Value};

use crate::{Operation, OutputWish, PriceEntry};

/// What changes the price of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestShape {
    /// What it does.
    pub operation: Operation,
    /// The model that it names.
    pub model: String,
    /// Whether the answer is to come as a stream.
    pub stream: bool,
    /// Whether the stream is to end with a usage frame (`stream_options.include_usage`).
    pub wants_usage: bool,
    /// How many answers (`n`), 1 to 128.
    pub choices: u32,
    /// The output of each answer.
    pub output: OutputWish,
}

/// Why a request is not taken. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A field has no form that can be understood.
    #[error("`{param}` {what}")]
    Invalid {
        /// Where, such as `messages[2].content`.
        param: String,
        /// What it must be.
        what: String,
    },
    /// A part of it is billed by something else than the model's tokens, or its tokens can't be bounded.
    #[error("`{param}` can't be priced: {what}")]
    NotPriced {
        /// Where, such as `tools[0].type`.
        param: String,
        /// Why.
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

/// Reads a chat completion.
///
/// # Errors
/// [`RequestError`]: `model`, `messages`, `n`, `max_tokens`, `stream` and the like have no form that can be
/// understood; or a part is billed by something else than the model's tokens.
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
/// [`RequestError`]: `model` or `input` have no form that can be understood; or a part is billed by something else
/// than the model's tokens.
pub fn read_embeddings(body: &Map<String, Value>) -> Result<RequestShape, RequestError> {
    let model = fields::model(body)?;
    if fields::boolean(body, "stream", "stream")? {
        return Err(RequestError::invalid("stream", "must not be true: embeddings come whole"));
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
    /// An upper bound of the input's tokens: counted where the model's tokenizer is known and the texts have at most
    /// 256 KiB together, else bounded by bytes. `body` is the one that the shape was read from.
    ///
    /// # Errors
    /// [`RequestError::NotPriced`] when it has images, and the entry no bound for them; or a part that
    /// [`read_chat`] would refuse.
    pub fn input_tokens(&self, body: &Map<String, Value>, entry: &PriceEntry) -> Result<u64, RequestError> {
        input::tokens(self.operation, body, entry)
    }
}

#[cfg(test)]
mod tests;
