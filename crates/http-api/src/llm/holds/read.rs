//! `GET /admin/llm/holds`: calls under way, and orphans.

use actix_web::{HttpRequest, HttpResponse, web};
use api_types::{Code, OpenHoldView};
use control_plane::{Whose, list_holds};

use crate::blocking;
use crate::endpoint::{Endpoint, Success, schema_of};
use crate::error::ApiError;
use crate::extract::{Admin, Authenticated, CallerClass as _, Query};
use crate::llm::usage::ROWS;
use crate::response;
use crate::state::HttpState;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::List(schema_of::<OpenHoldView>());
    Endpoint::new("GET", "/admin/llm/holds", "list_llm_holds", Admin::GUARD, success, || web::to(list))
        .about("admin", "Lists the calls under way and those that nobody settled, by id.")
        .paged(ROWS)
        .codes(&[Code::InvalidQuery])
}

async fn list(
    _: Authenticated<Admin>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let page = Query::of(&request).page(ROWS)?;
    let found = blocking::scan(&state, blocking::ADMIN, move |services| {
        response::page_text(&list_holds(services, &Whose::Everybody, &page)?)
    });
    Ok(response::page(&request, found.await?))
}
