//! `POST /llm/holds/{id}/settle`: what the agent's call used.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use api_types::{Code, SettleHold, SettledView};
use control_plane::settle_hold;

use crate::endpoint::{Endpoint, Success, schema_of};
use crate::error::ApiError;
use crate::extract::{Authenticated, CallerClass as _, JsonBody, LlmSettle, path_param};
use crate::response;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::Json(200, schema_of::<SettledView>());
    let path = "/llm/holds/{id}/settle";
    Endpoint::new("POST", path, "settle_hold", LlmSettle::GUARD, success, || web::to(settle))
        .about("llm", "Writes what the agent's own call used, and frees the rest of its hold.")
        .body(schema_of::<SettleHold>())
        .codes(&[Code::HoldNotFound, Code::HoldSettled, Code::InvalidField])
}

async fn settle(
    call: Authenticated<LlmSettle, JsonBody<SettleHold, 16>>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let id = path_param(&request, "id")?;
    response::json(StatusCode::OK, &settle_hold(&state.services, call.context, &id, call.body).await?)
}
