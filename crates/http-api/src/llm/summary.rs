//! `GET /llm/usage/summary`: what the agent's calls came to.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use api_types::UsageTotalView;
use control_plane::{Whose, summarize_usage};

use super::filter::{self, LIST_CODES, Sum};
use crate::blocking::{self, Cost};
use crate::endpoint::{Endpoint, Success, shape};
use crate::error::ApiError;
use crate::extract::{Authenticated, LlmCall, Query, Who as _};
use crate::respond;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::List(shape::<UsageTotalView>());
    Endpoint::new("GET", "/llm/usage/summary", "llm_usage_summary", LlmCall::GUARD, success, || web::to(sum))
        .about("llm", "Adds up the agent's own calls.")
        .params(filter::sum_params())
        .codes(LIST_CODES)
}

async fn sum(
    call: Authenticated<LlmCall>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let Sum { by, since, until } = filter::sum(&Query::of(&request))?;
    let whose = Whose::Agent(call.context.caller.agent_id().clone());
    let found = blocking::run(Cost::Scan, move || summarize_usage(&state.services, whose, by, since, until));
    respond::json(StatusCode::OK, &found.await?)
}
