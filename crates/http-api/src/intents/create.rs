//! `POST /intents`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use api_types::{Code, CreateIntent, IntentCreated};
use control_plane::create_intent;

use crate::endpoint::{Endpoint, Success, shape};
use crate::error::ApiError;
use crate::extract::{Authenticated, IntentsWrite, JsonBody, Who as _};
use crate::response;
use crate::state::HttpState;

type Call = Authenticated<IntentsWrite, JsonBody<CreateIntent, 1024>>;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::Json(201, shape::<IntentCreated>());
    Endpoint::new("POST", "/intents", "create_intent", IntentsWrite::GUARD, success, || web::to(create))
        .about("intents", "Declares an intent. The very same declaration again is answered with 200.")
        .body(shape::<CreateIntent>())
        .idempotent()
        .codes(&[
            Code::IntentExists,
            Code::IdentityMismatch,
            Code::InvalidField,
            Code::OwnerAndTicketRequired,
        ])
}

async fn create(call: Call, state: web::Data<HttpState>) -> Result<HttpResponse, ApiError> {
    let created = create_intent(&state.services, call.context, call.body, call.idempotency).await?;
    let status = if created.new { StatusCode::CREATED } else { StatusCode::OK };
    let body = IntentCreated { status: "ok".to_owned(), intent: created.intent };
    response::versioned(status, &body, created.version)
}
