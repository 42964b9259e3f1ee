//! `POST /intents/batch`.

use actix_web::web;
use api_types::{CreateBatch, Intents};
use control_plane::create_batch;
use http_kit::{
    Answer, Authenticated, Created, Endpoint, Idempotent, IntentsWrite, JsonBody, Refused, blocking, codes,
    response,
};

use crate::state::HttpState;

codes! {
    CreateBatchCodes = [
        QuotaExceeded,
        IntentExists,
        IdentityMismatch,
        InvalidField,
        OwnerAndTicketRequired,
    ]
}

type CreateBatchCall = Authenticated<IntentsWrite, JsonBody<CreateBatch, 8192>, Idempotent>;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new("POST", "/intents/batch", "create_batch", batch)
        .about("intents", "Declares up to 1000 intents, all or none.")
}

async fn batch(
    call: CreateBatchCall,
    state: web::Data<HttpState>,
) -> Result<Answer<Created<Intents>>, Refused<CreateBatchCodes>> {
    let created = create_batch(&state.services, call.context, call.body, call.head.known()).await?;
    // Up to 64 KiB for each intent.
    let text =
        blocking::answer(move || response::text(&created, response::ROW_BYTES * created.intents.len()));
    Ok(response::created_text(text.await?))
}
