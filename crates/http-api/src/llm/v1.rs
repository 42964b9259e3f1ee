//! OpenAI's routes, so that its clients work by changing only their base URL and key.

mod error;
mod models;
mod schema;

pub(crate) use error::{OPENAI_ERRORS, OPENAI_PATHS};
pub(super) use schema::{ChatCompletionAnswer, ChatCompletionRequest, Embeddings, EmbeddingsRequest};

use http_kit::Endpoint;

pub(crate) fn models_endpoint() -> Endpoint {
    models::endpoint()
}
