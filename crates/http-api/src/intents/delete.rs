//! `DELETE /intents/{id}`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use api_types::{Code, Deleted};
use control_plane::delete_intent;
use registry_core::IntentId;

use crate::endpoint::{Endpoint, Success, schema_of};
use crate::error::ApiError;
use crate::extract::{Admin, Authenticated, CallerClass as _, path_param};
use crate::response;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::Json(200, schema_of::<Deleted>());
    Endpoint::new("DELETE", "/intents/{id}", "delete_intent", Admin::GUARD, success, || web::to(delete))
        .about("admin", "Deletes an intent. Its audit rows stay.")
        .codes(&[Code::IntentNotFound, Code::MalformedRequest])
}

async fn delete(
    call: Authenticated<Admin>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let id = IntentId::from_stored(path_param(&request, "id")?);
    delete_intent(&state.services, call.context, id).await?;
    response::json(StatusCode::OK, &Deleted { status: "deleted".to_owned() })
}
