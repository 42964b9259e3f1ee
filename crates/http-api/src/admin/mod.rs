//! The routes of admins.

mod create_key;
mod delete_intent;
mod list_audit;
mod list_keys;
mod revoke_key;
mod rotate_key;
mod update_key;
mod verify_audit;

use crate::endpoint::Endpoint;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        create_key::endpoint(),
        list_keys::endpoint(),
        update_key::endpoint(),
        rotate_key::endpoint(),
        revoke_key::endpoint(),
        delete_intent::endpoint(),
        list_audit::endpoint(),
        verify_audit::endpoint(),
    ]
}

use actix_web::HttpRequest;
use control_plane::ServiceError;
use registry_core::KeyId;

use crate::error::ApiError;
use crate::extract::path_param;
use crate::state::HttpState;

/// The key that a path names, by its id or by the whole key.
fn key_of(request: &HttpRequest, state: &HttpState) -> Result<KeyId, ApiError> {
    let text = path_param(request, "key")?;
    let id = api_keys::key_id_of_text(&text, &state.services.pepper);
    id.ok_or_else(|| ApiError(ServiceError::key_not_found()))
}
