//! `POST /admin/api_keys`.

use actix_web::web;
use api_types::{CreateKey, KeyCreated};
use control_plane::create_key;
use http_kit::{
    Admin, Answer, Authenticated, Created, Endpoint, Idempotent, JsonBody, Refused, codes, response,
};

use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::new("POST", "/admin/api_keys", "create_key", create)
        .about("admin", "Makes a key. The key itself is in this answer and nowhere else.")
}

codes! { CreateKeyCodes = [InvalidField] }

async fn create(
    call: Authenticated<Admin, JsonBody<CreateKey, 64>, Idempotent>,
    state: web::Data<HttpState>,
) -> Result<Answer<Created<KeyCreated>>, Refused<CreateKeyCodes>> {
    let created = create_key(&state.services, call.context, call.body, call.head.known()).await?;
    Ok(response::created(&created)?)
}
