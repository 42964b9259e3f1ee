//! `DELETE /admin/api_keys/{key}`.

use actix_web::{HttpRequest, web};
use api_types::Revoked;
use control_plane::revoke_key;
use http_kit::{Admin, Answer, Authenticated, Endpoint, JsonDocument, Refused, codes, response};

use super::key_of;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let path = "/admin/api_keys/{key}";
    Endpoint::new("DELETE", path, "revoke_key", revoke)
        .about("admin", "Revokes a key, named by its id or by the whole key.")
}

codes! { RevokeKeyCodes = [KeyNotFound] }

async fn revoke(
    call: Authenticated<Admin>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<Answer<JsonDocument<Revoked>>, Refused<RevokeKeyCodes>> {
    let id = key_of(&request, &state)?;
    revoke_key(&state.services, call.context, id).await?;
    Ok(response::json(&Revoked { revoked: true })?)
}
