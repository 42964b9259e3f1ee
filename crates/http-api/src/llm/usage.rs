//! `GET /llm/usage`: what the agent's calls used.

use actix_web::{HttpRequest, HttpResponse, web};
use api_types::UsageLineView;
use control_plane::{Whose, list_usage};

use super::filter::{self, LIST_CODES, ROWS};
use crate::blocking::{self, Cost};
use crate::endpoint::{Endpoint, Success, shape};
use crate::error::ApiError;
use crate::extract::{Authenticated, LlmCall, Query, Who as _};
use crate::respond;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::List(shape::<UsageLineView>());
    Endpoint::new("GET", "/llm/usage", "llm_usage", LlmCall::GUARD, success, || web::to(list))
        .about("llm", "Lists the attempts of the agent's own calls, newest first.")
        .params(filter::own_params())
        .paged(ROWS)
        .codes(LIST_CODES)
}

async fn list(
    call: Authenticated<LlmCall>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request);
    let (page, filter) = (query.page(ROWS)?, filter::own(&query)?);
    let whose = Whose::Agent(call.context.caller.agent_id().clone());
    let found = blocking::run(Cost::Scan, move || list_usage(&state.services, whose, filter, &page));
    respond::page(&request, &found.await?)
}
