//! `PATCH /admin/api_keys/{key}`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use api_types::{Code, KeyView, PatchKey};
use control_plane::update_key;

use super::key_of;
use crate::endpoint::{Endpoint, Success, schema_of};
use crate::error::ApiError;
use crate::extract::{Admin, Authenticated, CallerClass as _, JsonBody};
use crate::response;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::Json(200, schema_of::<KeyView>());
    let path = "/admin/api_keys/{key}";
    Endpoint::new("PATCH", path, "update_key", Admin::GUARD, success, || web::to(update))
        .about("admin", "Changes a key's limits, scopes, owner or roles. What it has used stays.")
        .body(schema_of::<PatchKey>())
        .idempotent()
        .conditional()
        .codes(&[Code::KeyNotFound, Code::InvalidField, Code::MalformedRequest])
}

async fn update(
    call: Authenticated<Admin, JsonBody<PatchKey, 64>>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let id = key_of(&request, &state)?;
    let (expected, idempotency) = (call.if_match, call.idempotency);
    let changed = update_key(&state.services, call.context, id, call.body, expected, idempotency).await?;
    response::versioned(StatusCode::OK, &changed.item, changed.version)
}
