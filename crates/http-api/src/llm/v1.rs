//! OpenAI's routes, so that its clients work by changing their base URL and key alone.

mod chat_completions;
mod embeddings;
mod error;
mod models;
mod schema;

pub(crate) use error::{OpenaiErrorBody, speaks_openai};

use crate::endpoint::Endpoint;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![chat_completions::endpoint(), embeddings::endpoint(), models::endpoint()]
}
