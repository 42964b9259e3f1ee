//! `GET /intents/by_owner/{owner}`.

use actix_web::{HttpRequest, HttpResponse, web};
use api_types::{Code, IntentView};
use control_plane::list_by_owner;
use registry_core::Owner;

use crate::blocking::{self, Cost};
use crate::endpoint::{Endpoint, Success, shape};
use crate::error::ApiError;
use crate::extract::{Authenticated, IntentsRead, Query, Who as _, path_param};
use crate::respond;
use crate::state::HttpState;

/// Rows of a page when the caller names no limit (the seed's lists were whole).
const DEFAULT: u32 = 1000;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::List(shape::<IntentView>());
    let path = "/intents/by_owner/{owner}";
    Endpoint::new("GET", path, "intents_by_owner", IntentsRead::GUARD, success, || web::to(by_owner))
        .about("intents", "Lists the intents of an owner, newest change first.")
        .paged(DEFAULT)
        .codes(&[Code::InvalidQuery, Code::MalformedRequest])
}

async fn by_owner(
    call: Authenticated<IntentsRead>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let owner = path_param(&request, "owner")?;
    let owner = Owner::new(owner)
        .map_err(|problem| ApiError::new(Code::InvalidQuery, format!("the owner {problem}")))?;
    let page = Query::of(&request).page(DEFAULT)?;
    let found = blocking::run(Cost::of_list(page.limit), move || {
        list_by_owner(&state.services, &call.context.caller, &owner, &page)
    });
    respond::page(&request, &found.await?)
}
