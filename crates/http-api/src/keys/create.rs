//! `POST /admin/api_keys`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use api_types::{Code, CreateKey, KeyCreated};
use control_plane::create_key;

use crate::endpoint::{Endpoint, Success, schema_of};
use crate::error::ApiError;
use crate::extract::{Admin, Authenticated, CallerClass as _, JsonBody};
use crate::response;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::Json(201, schema_of::<KeyCreated>());
    Endpoint::new("POST", "/admin/api_keys", "create_key", Admin::GUARD, success, || web::to(create))
        .about("admin", "Makes a key. The key itself is in this answer and nowhere else.")
        .body(schema_of::<CreateKey>())
        .idempotent()
        .codes(&[Code::InvalidField])
}

async fn create(
    call: Authenticated<Admin, JsonBody<CreateKey, 64>>,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let created = create_key(&state.services, call.context, call.body, call.idempotency).await?;
    response::json(StatusCode::CREATED, &created)
}
