//! `POST /llm/v1/embeddings`.

use actix_web::web;
use http_kit::{Answer, Authenticated, Endpoint, JsonDocument, LlmCall, RawObject, Refused};
use llm_policy::Operation;

use super::chat_completions::BODY_KIB;
use super::schema::{Embeddings, EmbeddingsRequest};
use crate::llm::call::{CallAnswer, pass_on};
use crate::llm::failure::CallCodes;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new("POST", "/llm/v1/embeddings", "embeddings", embed)
        .about("llm", "OpenAI's embeddings, held against the caller's budgets first.")
}

async fn embed(
    call: Authenticated<LlmCall, RawObject<EmbeddingsRequest, BODY_KIB>>,
    state: web::Data<HttpState>,
) -> Result<Answer<CallAnswer<JsonDocument<Embeddings>>>, Refused<CallCodes>> {
    Ok(pass_on(&state, call.context, Operation::Embeddings, call.body, call.memory).await?)
}
