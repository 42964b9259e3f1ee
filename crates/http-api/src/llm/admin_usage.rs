//! `GET /admin/llm/usage`: what everybody's calls used.

use actix_web::{HttpRequest, HttpResponse, web};
use api_types::UsageLineView;
use control_plane::{Whose, list_usage};

use super::filter::{self, LIST_CODES, ROWS};
use crate::blocking::{self, Cost};
use crate::endpoint::{Endpoint, Success, shape};
use crate::error::ApiError;
use crate::extract::{Admin, Authenticated, Query, Who as _};
use crate::respond;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::List(shape::<UsageLineView>());
    Endpoint::new("GET", "/admin/llm/usage", "list_llm_usage", Admin::GUARD, success, || web::to(list))
        .about("admin", "Lists the attempts of everybody's calls, newest first.")
        .params(filter::all_params())
        .paged(ROWS)
        .codes(LIST_CODES)
}

async fn list(
    _: Authenticated<Admin>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request);
    let (page, filter) = (query.page(ROWS)?, filter::all(&query)?);
    let found =
        blocking::run(Cost::Scan, move || list_usage(&state.services, Whose::Everybody, filter, &page));
    respond::page(&request, &found.await?)
}
