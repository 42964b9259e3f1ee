//! `POST /admin/api_keys/{key}/rotate`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use api_types::{Code, KeyCreated, RotateKey};
use control_plane::rotate_key;

use super::key_of;
use crate::endpoint::{Endpoint, Success, schema_of};
use crate::error::ApiError;
use crate::extract::{Admin, Authenticated, CallerClass as _, OptionalJson};
use crate::response;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::Json(200, schema_of::<KeyCreated>());
    let path = "/admin/api_keys/{key}/rotate";
    Endpoint::new("POST", path, "rotate_key", Admin::GUARD, success, || web::to(rotate))
        .about("admin", "Gives a key a new secret. The old one lives on for `overlap_seconds`.")
        .optional_body(schema_of::<RotateKey>())
        .idempotent()
        .codes(&[Code::KeyNotFound, Code::InvalidField, Code::MalformedRequest])
}

async fn rotate(
    call: Authenticated<Admin, OptionalJson<RotateKey, 64>>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let id = key_of(&request, &state)?;
    let rotated = rotate_key(&state.services, call.context, id, call.body, call.idempotency).await?;
    response::json(StatusCode::OK, &rotated)
}
