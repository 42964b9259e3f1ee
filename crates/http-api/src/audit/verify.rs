//! `GET /admin/audit/verify`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use api_types::AuditVerdict;
use control_plane::verify_audit;

use crate::blocking::{self, Cost};
use crate::endpoint::{Endpoint, Success, shape};
use crate::error::ApiError;
use crate::extract::{Admin, Authenticated, Who as _};
use crate::respond;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::Json(200, shape::<AuditVerdict>());
    Endpoint::new("GET", "/admin/audit/verify", "verify_audit", Admin::GUARD, success, || web::to(verify))
        .about("admin", "Verifies the whole audit log and names the first bad row.")
}

async fn verify(call: Authenticated<Admin>, state: web::Data<HttpState>) -> Result<HttpResponse, ApiError> {
    // What was answered so far is part of the log that is verified.
    state.services.recorder.flush().await?;
    let verdict = blocking::run(Cost::Scan, move || verify_audit(&state.services, call.context.caller));
    respond::json(StatusCode::OK, &verdict.await?)
}
