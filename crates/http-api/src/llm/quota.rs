//! `GET /llm/quota`: whether a call would be admitted, and what would remain.

use std::sync::Arc;

use actix_web::{HttpRequest, web};
use api_types::{Code, QuotaView};
use control_plane::{AgentCaller, PossibleCall, ServiceError, Services, quota};
use http_kit::{
    Answer, Authenticated, Endpoint, JsonDocument, LlmCall, Query, QueryParam, Refused, blocking, response,
    text_param,
};
use registry_core::Timestamp;
use storage::ReadLane;

use crate::state::HttpState;

/// Highest number of tokens that a caller may state.
const MOST_TOKENS: u64 = 1_000_000_000_000;

pub(crate) fn endpoint() -> Endpoint {
    let tokens = |name, about, minimum: u32| QueryParam {
        name,
        about,
        required: false,
        schema: serde_json::json!({
            "type": "integer", "format": "int64", "minimum": minimum, "maximum": MOST_TOKENS,
        }),
    };
    Endpoint::new("GET", "/llm/quota", "llm_quota", ask)
        .about("llm", "Tells how the caller's budgets stand, and whether a call would run. Changes nothing.")
        .params(vec![
            text_param("model", "the model of the call", 200, false),
            tokens("input_tokens", "a bound of its input, 0 when absent", 0),
            tokens("max_tokens", "its `max_tokens`; filled in when absent", 1),
        ])
}

/// The question.
struct AskedCall {
    model: String,
    input_tokens: u64,
    max_tokens: Option<u64>,
}

async fn ask(
    call: Authenticated<LlmCall>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<Answer<JsonDocument<QuotaView>>, Refused> {
    let query = Query::of(&request);
    let input_tokens = query.count("input_tokens", 0, MOST_TOKENS)?.unwrap_or(0);
    let max_tokens = query.count("max_tokens", 1, MOST_TOKENS)?;
    let asked = query.checked("model", 200)?.map(|model| AskedCall { model, input_tokens, max_tokens });
    let context = call.context;
    let (caller, now) = (context.caller, context.now);
    let key = caller.key_id().clone();
    let server = Arc::clone(&state.server);
    let read = move |_: &Services, lane| answer(&state, lane, &caller, now, asked.as_ref());
    let told = blocking::point(&server, key.as_str(), read);
    Ok(response::json(&told.await?)?)
}

fn answer(
    state: &HttpState,
    lane: ReadLane,
    caller: &AgentCaller,
    now: Timestamp,
    asked: Option<&AskedCall>,
) -> Result<QuotaView, ServiceError> {
    let Some(AskedCall { model, input_tokens, max_tokens }) = asked else {
        return quota(&state.services, lane, caller, now, None);
    };
    let Some((provider, priced_as)) = state.gate.as_ref().and_then(|gate| gate.candidate(model)) else {
        let code = if state.gate.is_some() { Code::ModelNotFound } else { Code::NoProvider };
        let reason = format!("{}: {}", code.as_str(), code.hint());
        let budgets = quota(&state.services, lane, caller, now, None)?;
        return Ok(QuotaView { would_run: Some(false), reason: Some(reason), ..budgets });
    };
    let question = PossibleCall {
        provider,
        priced_as,
        model: model.clone(),
        input_tokens: *input_tokens,
        max_tokens: *max_tokens,
        choices: 1,
    };
    quota(&state.services, lane, caller, now, Some(question))
}
