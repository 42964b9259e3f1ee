//! `PATCH /intents/{id}`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use api_types::{Code, IntentCreated, PatchIntent};
use control_plane::update_intent;
use registry_core::IntentId;

use crate::endpoint::{Endpoint, Success, schema_of};
use crate::error::ApiError;
use crate::extract::{Authenticated, CallerClass as _, IntentsWrite, JsonBody, path_param};
use crate::response;
use crate::state::HttpState;

type UpdateIntentCall = Authenticated<IntentsWrite, JsonBody<PatchIntent, 1024>>;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::Json(200, schema_of::<IntentCreated>());
    Endpoint::new("PATCH", "/intents/{id}", "update_intent", IntentsWrite::GUARD, success, || web::to(update))
        .about("intents", "Changes an intent that is yours. Absent fields stay, null clears.")
        .body(schema_of::<PatchIntent>())
        .idempotent()
        .conditional()
        .codes(&[
            Code::QuotaExceeded,
            Code::IntentNotFound,
            Code::NotYours,
            Code::InvalidField,
            Code::IllegalTransition,
            Code::OwnerAndTicketRequired,
            Code::MalformedRequest,
        ])
}

async fn update(
    call: UpdateIntentCall,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let id = IntentId::from_stored(path_param(&request, "id")?);
    let (expected, idempotency) = (call.if_match, call.idempotency);
    let changed = update_intent(&state.services, call.context, id, call.body, expected, idempotency).await?;
    let body = IntentCreated { status: "ok".to_owned(), intent: changed.item };
    response::versioned(StatusCode::OK, &body, changed.version)
}
