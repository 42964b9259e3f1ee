//! `GET /metrics/summary`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use api_types::SummaryView;
use control_plane::summarize;

use crate::blocking::{self, Cost};
use crate::endpoint::{Endpoint, Success, shape};
use crate::error::ApiError;
use crate::extract::{Authenticated, IntentsRead, Who as _};
use crate::respond;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::Json(200, shape::<SummaryView>());
    let path = "/metrics/summary";
    Endpoint::new("GET", path, "summary", IntentsRead::GUARD, success, || web::to(summary))
        .about("intents", "Figures over the whole registry.")
}

async fn summary(
    call: Authenticated<IntentsRead>,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let found = blocking::run(Cost::Scan, move || summarize(&state.services, &call.context.caller));
    respond::json(StatusCode::OK, &found.await?)
}
