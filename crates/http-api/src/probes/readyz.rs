//! `GET /readyz`: can this server take requests?

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use api_types::{CheckState, Code, Readiness};
use control_plane::{ServiceError, readiness};

use crate::endpoint::{Endpoint, Guard, Success, shape};
use crate::error::ApiError;
use crate::respond;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::Json(200, shape::<Readiness>());
    Endpoint::new("GET", "/readyz", "readyz", Guard::Probe, success, || web::to(readyz))
        .about("probes", "Tells whether the server can take requests, and which check fails.")
        .codes(&[Code::NotReady])
}

async fn readyz(state: web::Data<HttpState>) -> Result<HttpResponse, ApiError> {
    let found = readiness(&state.services);
    match found.status {
        CheckState::Ok | CheckState::Degraded => respond::json(StatusCode::OK, &found),
        CheckState::Failing => {
            let what = format!("not ready ({})", found.checks.join(", "));
            let details = serde_json::json!({ "checks": found.checks });
            let error = ServiceError::new(Code::NotReady, what).with_details(details);
            Err(ApiError(error.with_retry_after(1)))
        }
    }
}
