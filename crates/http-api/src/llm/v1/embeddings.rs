//! `POST /llm/v1/embeddings`.

use actix_web::{HttpResponse, web};
use llm_policy::Operation;

use super::chat_completions::BODY_KIB;
use super::schema;
use crate::endpoint::{Endpoint, Success};
use crate::error::ApiError;
use crate::extract::{Authenticated, CallerClass as _, LlmCall, RawObject};
use crate::llm::call::{ANSWER_HEADERS, pass_on};
use crate::llm::failure::CALL_CODES;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::Json(200, schema::embeddings());
    Endpoint::new("POST", "/llm/v1/embeddings", "embeddings", LlmCall::GUARD, success, || web::to(embed))
        .about("llm", "OpenAI's embeddings, held against the caller's budgets first.")
        .body(schema::embeddings_request())
        .answer_headers(ANSWER_HEADERS)
        .codes(CALL_CODES)
}

async fn embed(
    call: Authenticated<LlmCall, RawObject<BODY_KIB>>,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    pass_on(&state, call.context, Operation::Embeddings, call.body, call.memory).await
}
