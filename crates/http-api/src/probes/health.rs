//! `GET /health`: the server answers.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use api_types::Health;

use crate::endpoint::{Endpoint, Guard, Success, shape};
use crate::error::ApiError;
use crate::respond;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::Json(200, shape::<Health>());
    Endpoint::new("GET", "/health", "health", Guard::Probe, success, || web::to(health))
        .about("probes", "Tells that the server answers, its time and its version.")
}

async fn health(state: web::Data<HttpState>) -> Result<HttpResponse, ApiError> {
    let body = Health {
        status: "ok".to_owned(),
        time: state.services.clock.now().to_string(),
        version: state.settings.version.clone(),
    };
    respond::json(StatusCode::OK, &body)
}
