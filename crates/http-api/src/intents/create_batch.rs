//! `POST /intents/batch`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use api_types::{Code, CreateBatch, Intents};
use control_plane::create_batch;

use crate::blocking;
use crate::endpoint::{Endpoint, Success, schema_of};
use crate::error::ApiError;
use crate::extract::{Authenticated, CallerClass as _, IntentsWrite, JsonBody};
use crate::response;
use crate::state::HttpState;

type CreateBatchCall = Authenticated<IntentsWrite, JsonBody<CreateBatch, 8192>>;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::Json(201, schema_of::<Intents>());
    Endpoint::new("POST", "/intents/batch", "create_batch", IntentsWrite::GUARD, success, || web::to(batch))
        .about("intents", "Declares up to 1000 intents, all or none.")
        .body(schema_of::<CreateBatch>())
        .idempotent()
        .codes(&[
            Code::QuotaExceeded,
            Code::IntentExists,
            Code::IdentityMismatch,
            Code::InvalidField,
            Code::OwnerAndTicketRequired,
        ])
}

async fn batch(call: CreateBatchCall, state: web::Data<HttpState>) -> Result<HttpResponse, ApiError> {
    let created = create_batch(&state.services, call.context, call.body, call.idempotency).await?;
    // Up to 64 KiB for each intent.
    let text =
        blocking::answer(move || response::text(&created, response::ROW_BYTES * created.intents.len()));
    Ok(response::of_text(StatusCode::CREATED, text.await?))
}
