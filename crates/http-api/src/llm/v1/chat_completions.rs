//! `POST /llm/v1/chat/completions`.

use actix_web::web;
use http_kit::{Answer, Authenticated, Endpoint, Events, LlmCall, RawObject, Refused};
use llm_policy::Operation;

use super::schema::{ChatCompletionAnswer, ChatCompletionRequest};
use crate::llm::call::{CallAnswer, pass_on};
use crate::llm::failure::CallCodes;
use crate::state::HttpState;

/// The largest body, in KiB: prompts of 10 MB are taken, and pictures in them.
pub(super) const BODY_KIB: usize = 16 * 1024;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new("POST", "/llm/v1/chat/completions", "chat_completion", complete)
        .about("llm", "OpenAI's chat completion, held against the caller's budgets first.")
}

async fn complete(
    call: Authenticated<LlmCall, RawObject<ChatCompletionRequest, BODY_KIB>>,
    state: web::Data<HttpState>,
) -> Result<Answer<CallAnswer<Events<ChatCompletionAnswer>>>, Refused<CallCodes>> {
    Ok(pass_on(&state, call.context, Operation::Chat, call.body, call.memory).await?)
}
