//! `POST /llm/holds`: an agent that will call a provider itself.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use api_types::{Code, CreateHold, HoldView};
use control_plane::create_hold;

use crate::endpoint::{Endpoint, Success, schema_of};
use crate::error::ApiError;
use crate::extract::{Authenticated, CallerClass as _, JsonBody, LlmCall};
use crate::llm::failure::later;
use crate::response;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::Json(201, schema_of::<HoldView>());
    Endpoint::new("POST", "/llm/holds", "create_hold", LlmCall::GUARD, success, || web::to(create))
        .about(
            "llm",
            "Holds the worst case of a call that the agent makes itself. The same body again, the same hold.",
        )
        .body(schema_of::<CreateHold>())
        .codes(&[
            Code::CallExists,
            Code::InvalidField,
            Code::ModelNotPriced,
            Code::PartNotPriced,
            Code::MaxTokensAboveCap,
            Code::InsufficientQuota,
        ])
}

async fn create(
    call: Authenticated<LlmCall, JsonBody<CreateHold, 16>>,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let held = create_hold(&state.services, call.context, call.body).await.map_err(later)?;
    response::json(StatusCode::CREATED, &held)
}
