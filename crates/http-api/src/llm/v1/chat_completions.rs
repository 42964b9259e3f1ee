//! `POST /llm/v1/chat/completions`.

use actix_web::{HttpResponse, web};
use llm_policy::Operation;

use super::schema;
use crate::endpoint::{Endpoint, Success};
use crate::error::ApiError;
use crate::extract::{Authenticated, CallerClass as _, LlmCall, RawObject};
use crate::llm::call::{ANSWER_HEADERS, pass_on};
use crate::llm::failure::CALL_CODES;
use crate::state::HttpState;

/// The largest body, in KiB: prompts of 10 MB are taken, and pictures in them.
pub(super) const BODY_KIB: usize = 16 * 1024;

type ChatCompletionCall = Authenticated<LlmCall, RawObject<BODY_KIB>>;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::Events(schema::chat_completion());
    let path = "/llm/v1/chat/completions";
    Endpoint::new("POST", path, "chat_completion", LlmCall::GUARD, success, || web::to(complete))
        .about("llm", "OpenAI's chat completion, held against the caller's budgets first.")
        .body(schema::chat_request())
        .answer_headers(ANSWER_HEADERS)
        .codes(CALL_CODES)
}

async fn complete(call: ChatCompletionCall, state: web::Data<HttpState>) -> Result<HttpResponse, ApiError> {
    pass_on(&state, call.context, Operation::Chat, call.body, call.memory).await
}
