//! `POST /intents`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use api_types::{Code, CreateIntent, IntentCreated};
use control_plane::create_intent;

use crate::endpoint::{Endpoint, Success, schema_of};
use crate::error::ApiError;
use crate::extract::{Authenticated, CallerClass as _, IntentsWrite, JsonBody};
use crate::response;
use crate::state::HttpState;

type CreateIntentCall = Authenticated<IntentsWrite, JsonBody<CreateIntent, 1024>>;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::Json(201, schema_of::<IntentCreated>());
    Endpoint::new("POST", "/intents", "create_intent", IntentsWrite::GUARD, success, || web::to(create))
        .about("intents", "Declares an intent. The very same declaration again is answered with 200.")
        .body(schema_of::<CreateIntent>())
        .idempotent()
        .codes(&[
            Code::QuotaExceeded,
            Code::IntentExists,
            Code::IdentityMismatch,
            Code::InvalidField,
            Code::OwnerAndTicketRequired,
        ])
}

async fn create(call: CreateIntentCall, state: web::Data<HttpState>) -> Result<HttpResponse, ApiError> {
    let created = create_intent(&state.services, call.context, call.body, call.idempotency).await?;
    let status = if created.new { StatusCode::CREATED } else { StatusCode::OK };
    let body = IntentCreated { status: "ok".to_owned(), intent: created.intent };
    response::versioned(status, &body, created.version)
}
