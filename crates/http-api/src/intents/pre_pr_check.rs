//! `POST /intents/pre_pr_check`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use api_types::{Code, PrePrCheck, PrePrResult};
use control_plane::pre_pr_check;

use crate::endpoint::{Endpoint, Success, schema_of};
use crate::error::ApiError;
use crate::extract::{Authenticated, CallerClass as _, IntentsWrite, JsonBody};
use crate::response;
use crate::state::HttpState;

type PrePrCheckCall = Authenticated<IntentsWrite, JsonBody<PrePrCheck, 8192>>;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::Json(200, schema_of::<PrePrResult>());
    let path = "/intents/pre_pr_check";
    Endpoint::new("POST", path, "pre_pr_check", IntentsWrite::GUARD, success, || web::to(check))
        .about("intents", "Tells which files of a pull request have no intent; can leave placeholders.")
        .body(schema_of::<PrePrCheck>())
        .idempotent()
        .codes(&[Code::QuotaExceeded, Code::InvalidField])
}

async fn check(call: PrePrCheckCall, state: web::Data<HttpState>) -> Result<HttpResponse, ApiError> {
    let result = pre_pr_check(&state.services, call.context, call.body, call.idempotency).await?;
    response::json(StatusCode::OK, &result)
}
