//! `POST /intents`.

use actix_web::web;
use api_types::{CreateIntent, IntentCreated};
use control_plane::create_intent;
use http_kit::{
    Answer, Authenticated, CreatedOrSame, Endpoint, Idempotent, IntentsWrite, JsonBody, Refused, codes,
    response,
};

use crate::state::HttpState;

codes! {
    CreateIntentCodes = [
        QuotaExceeded,
        IntentExists,
        IdentityMismatch,
        InvalidField,
        OwnerAndTicketRequired,
    ]
}

type CreateIntentCall = Authenticated<IntentsWrite, JsonBody<CreateIntent, 1024>, Idempotent>;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new("POST", "/intents", "create_intent", create)
        .about("intents", "Declares an intent. The very same declaration again is answered with 200.")
}

async fn create(
    call: CreateIntentCall,
    state: web::Data<HttpState>,
) -> Result<Answer<CreatedOrSame<IntentCreated>>, Refused<CreateIntentCodes>> {
    let created = create_intent(&state.services, call.context, call.body, call.head.known()).await?;
    let body = IntentCreated { status: "ok".to_owned(), intent: created.intent };
    Ok(response::created_or_same(&body, created.new)?.with_version(created.version))
}
