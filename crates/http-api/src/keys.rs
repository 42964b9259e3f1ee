//! Routes of API keys.

mod create;
mod read;
mod revoke;
mod rotate;
mod update;

use actix_web::HttpRequest;
use control_plane::ServiceError;
use registry_core::KeyId;

use crate::state::HttpState;
use http_kit::{ApiError, Endpoint, key_param};

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![create::endpoint(), read::endpoint(), update::endpoint(), rotate::endpoint(), revoke::endpoint()]
}

/// Returns the key that a path names, by its id or by the whole key.
fn key_of(request: &HttpRequest, state: &HttpState) -> Result<KeyId, ApiError> {
    let text = key_param(request, "key")?;
    let id = api_keys::key_id_of_text(&text, &state.services.auth.pepper);
    id.ok_or_else(|| ApiError(ServiceError::key_not_found()))
}
