//! `GET /healthz`: should this process be restarted?

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use api_types::{CheckState, Readiness};

use crate::endpoint::{Endpoint, Guard, Success, shape};
use crate::error::ApiError;
use crate::respond;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::Json(200, shape::<Readiness>());
    Endpoint::new("GET", "/healthz", "healthz", Guard::Probe, success, || web::to(healthz))
        .about("probes", "Tells that the process lives; a restart would not help it.")
}

/// A process that answers lives. Whether its dependencies do is `/readyz`'s to tell: a restart mends none of them.
async fn healthz() -> Result<HttpResponse, ApiError> {
    respond::json(StatusCode::OK, &Readiness { status: CheckState::Ok, checks: Vec::new() })
}
