//! OpenAI's routes, so that its clients work by changing their base URL and key alone.

mod chat_completions;
mod embeddings;
mod error;
mod models;
mod schema;

pub(crate) use error::{OPENAI_ERRORS, OPENAI_PATHS};

use http_kit::Endpoint;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![chat_completions::endpoint(), embeddings::endpoint(), models::endpoint()]
}
