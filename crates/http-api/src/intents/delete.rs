//! `DELETE /intents/{id}`.

use actix_web::{HttpRequest, web};
use api_types::Deleted;
use control_plane::delete_intent;
use http_kit::{Admin, Answer, Authenticated, Endpoint, JsonDocument, Refused, codes, path_param, response};
use registry_core::IntentId;

use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new("DELETE", "/intents/{id}", "delete_intent", delete)
        .about("admin", "Deletes an intent. Its audit rows stay.")
}

codes! { DeleteIntentCodes = [IntentNotFound] }

async fn delete(
    call: Authenticated<Admin>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<Answer<JsonDocument<Deleted>>, Refused<DeleteIntentCodes>> {
    let id = IntentId::from_stored(path_param(&request, "id")?);
    delete_intent(&state.services, call.context, id).await?;
    Ok(response::json(&Deleted { status: "deleted".to_owned() })?)
}
