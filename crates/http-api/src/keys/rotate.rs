//! `POST /admin/api_keys/{key}/rotate`.

use actix_web::{HttpRequest, web};
use api_types::{KeyCreated, RotateKey};
use control_plane::rotate_key;
use http_kit::{
    Admin, Answer, Authenticated, Endpoint, Idempotent, JsonDocument, OptionalJson, Refused, codes, response,
};

use super::key_of;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let path = "/admin/api_keys/{key}/rotate";
    Endpoint::new("POST", path, "rotate_key", rotate)
        .about("admin", "Gives a key a new secret. The old one lives on for `overlap_seconds`.")
}

codes! { RotateKeyCodes = [KeyNotFound, InvalidField] }

async fn rotate(
    call: Authenticated<Admin, OptionalJson<RotateKey, 64>, Idempotent>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<Answer<JsonDocument<KeyCreated>>, Refused<RotateKeyCodes>> {
    let id = key_of(&request, &state)?;
    let rotated = rotate_key(&state.services, call.context, id, call.body, call.head.known()).await?;
    Ok(response::json(&rotated)?)
}
