//! `DELETE /admin/api_keys/{key}`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use api_types::{Code, Revoked};
use control_plane::revoke_key;

use crate::endpoint::{Endpoint, Success, schema_of};
use crate::error::ApiError;
use crate::extract::{Admin, Authenticated, CallerClass as _, key_param};
use crate::response;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::Json(200, schema_of::<Revoked>());
    let path = "/admin/api_keys/{key}";
    Endpoint::new("DELETE", path, "revoke_key", Admin::GUARD, success, || web::to(revoke))
        .about("admin", "Revokes a key, named by its id or by the whole key.")
        .codes(&[Code::KeyNotFound, Code::MalformedRequest])
}

async fn revoke(
    call: Authenticated<Admin>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let key = key_param(&request, "key")?;
    revoke_key(&state.services, call.context, &key).await?;
    response::json(StatusCode::OK, &Revoked { revoked: true })
}
