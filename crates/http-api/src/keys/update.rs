//! `PATCH /admin/api_keys/{key}`.

use actix_web::{HttpRequest, web};
use api_types::{KeyView, PatchKey};
use control_plane::update_key;
use http_kit::{
    Admin, Answer, Authenticated, Conditional, Endpoint, Idempotent, JsonBody, JsonDocument, Refused, codes,
    response,
};

use super::key_of;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let path = "/admin/api_keys/{key}";
    Endpoint::new("PATCH", path, "update_key", update)
        .about("admin", "Changes a key's limits, scopes, owner or roles. What it has used stays.")
}

codes! { UpdateKeyCodes = [KeyNotFound, InvalidField] }

async fn update(
    call: Authenticated<Admin, JsonBody<PatchKey, 64>, (Idempotent, Conditional)>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<Answer<JsonDocument<KeyView>>, Refused<UpdateKeyCodes>> {
    let id = key_of(&request, &state)?;
    let (idempotent, Conditional(expected)) = call.head;
    let idempotency = idempotent.known();
    let changed = update_key(&state.services, call.context, id, call.body, expected, idempotency).await?;
    Ok(response::json(&changed.item)?.with_version(changed.version))
}
