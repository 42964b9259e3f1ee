//! `GET /intents/by_file`.

use actix_web::{HttpRequest, HttpResponse, web};
use api_types::{Code, IntentView};
use control_plane::list_by_file;
use registry_core::Limits;

use crate::blocking::{self, Cost};
use crate::endpoint::{Endpoint, Success, shape, text_param};
use crate::error::ApiError;
use crate::extract::{Authenticated, IntentsRead, Query, Who as _};
use crate::respond;
use crate::state::HttpState;

/// Rows of a page when the caller names no limit (the seed's lists were whole).
const DEFAULT: u32 = 1000;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::List(shape::<IntentView>());
    let path = "/intents/by_file";
    Endpoint::new("GET", path, "intents_by_file", IntentsRead::GUARD, success, || web::to(by_file))
        .about("intents", "Lists the intents of a file, by line.")
        .params(vec![text_param("file", "the file, relative to the repository", 4096, true)])
        .paged(DEFAULT)
        .codes(&[Code::InvalidQuery])
}

async fn by_file(
    call: Authenticated<IntentsRead>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request);
    let page = query.page(DEFAULT)?;
    let Some(file) = query.checked("file", Limits::FILE)? else {
        return Err(ApiError::new(Code::InvalidQuery, "`file` is missing"));
    };
    let found = blocking::run(Cost::of_list(page.limit), move || {
        list_by_file(&state.services, &call.context.caller, &file, &page)
    });
    respond::page(&request, &found.await?)
}
