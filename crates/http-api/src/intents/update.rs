//! `PATCH /intents/{id}`.

use actix_web::{HttpRequest, web};
use api_types::{IntentCreated, PatchIntent};
use control_plane::update_intent;
use http_kit::{
    Answer, Authenticated, Conditional, Endpoint, Idempotent, IntentsWrite, JsonBody, JsonDocument, Refused,
    codes, path_param, response,
};
use registry_core::IntentId;

use crate::state::HttpState;

codes! {
    UpdateIntentCodes = [
        QuotaExceeded,
        IntentNotFound,
        NotYours,
        InvalidField,
        IllegalTransition,
        OwnerAndTicketRequired,
    ]
}

type UpdateIntentCall = Authenticated<IntentsWrite, JsonBody<PatchIntent, 1024>, (Idempotent, Conditional)>;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new("PATCH", "/intents/{id}", "update_intent", update)
        .about("intents", "Changes an intent that is yours. Absent fields stay, null clears.")
}

async fn update(
    call: UpdateIntentCall,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<Answer<JsonDocument<IntentCreated>>, Refused<UpdateIntentCodes>> {
    let id = IntentId::from_stored(path_param(&request, "id")?);
    let (idempotent, Conditional(expected)) = call.head;
    let idempotency = idempotent.known();
    let changed = update_intent(&state.services, call.context, id, call.body, expected, idempotency).await?;
    let body = IntentCreated { status: "ok".to_owned(), intent: changed.item };
    Ok(response::json(&body)?.with_version(changed.version))
}
