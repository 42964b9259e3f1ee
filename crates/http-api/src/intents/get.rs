//! `GET /intents/{id}`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use api_types::{Code, IntentView};
use control_plane::get_intent;
use registry_core::IntentId;

use crate::blocking::{self, Cost};
use crate::endpoint::{Endpoint, Success, shape};
use crate::error::ApiError;
use crate::extract::{Authenticated, IntentsRead, Who as _, path_param};
use crate::respond;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::Json(200, shape::<IntentView>());
    Endpoint::new("GET", "/intents/{id}", "get_intent", IntentsRead::GUARD, success, || web::to(get))
        .about("intents", "Shows an intent. Its `ETag` is its version.")
        .codes(&[Code::IntentNotFound, Code::MalformedRequest])
}

async fn get(
    call: Authenticated<IntentsRead>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    // Any text may be asked for: what can't be an id is not there.
    let id = IntentId::from_stored(path_param(&request, "id")?);
    let found =
        blocking::run(Cost::Point, move || get_intent(&state.services, &call.context.caller, &id)).await?;
    respond::versioned(StatusCode::OK, &found.item, found.version)
}
