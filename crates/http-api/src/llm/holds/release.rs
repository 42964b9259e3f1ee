//! `POST /llm/holds/{id}/release`: the agent's call did not take place.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use api_types::{Code, ReleaseHold, Released};
use control_plane::release_hold;

use crate::endpoint::{Endpoint, Success, schema_of};
use crate::error::ApiError;
use crate::extract::{Authenticated, CallerClass as _, LlmSettle, OptionalJson, path_param};
use crate::response;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::Json(200, schema_of::<Released>());
    let path = "/llm/holds/{id}/release";
    Endpoint::new("POST", path, "release_hold", LlmSettle::GUARD, success, || web::to(release))
        .about("llm", "Gives a hold back whose request surely never reached the provider.")
        .optional_body(schema_of::<ReleaseHold>())
        .codes(&[Code::HoldNotFound, Code::HoldSettled, Code::InvalidField])
}

async fn release(
    call: Authenticated<LlmSettle, OptionalJson<ReleaseHold, 16>>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let id = path_param(&request, "id")?;
    response::json(StatusCode::OK, &release_hold(&state.services, call.context, &id, call.body).await?)
}
