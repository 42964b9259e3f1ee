//! `GET /admin/llm/usage/summary`: what everybody's calls came to.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use api_types::UsageTotalView;
use control_plane::{Whose, summarize_usage};

use super::filter::{self, LIST_CODES, Sum};
use crate::blocking::{self, Cost};
use crate::endpoint::{Endpoint, Success, shape};
use crate::error::ApiError;
use crate::extract::{Admin, Authenticated, Query, Who as _};
use crate::respond;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::List(shape::<UsageTotalView>());
    let path = "/admin/llm/usage/summary";
    Endpoint::new("GET", path, "summarize_llm_usage", Admin::GUARD, success, || web::to(sum))
        .about("admin", "Adds up everybody's calls.")
        .params(filter::sum_params())
        .codes(LIST_CODES)
}

async fn sum(
    _: Authenticated<Admin>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let Sum { by, since, until } = filter::sum(&Query::of(&request))?;
    let found = blocking::run(Cost::Scan, move || {
        summarize_usage(&state.services, Whose::Everybody, by, since, until)
    });
    respond::json(StatusCode::OK, &found.await?)
}
