//! `GET /admin/api_keys`.

use actix_web::{HttpRequest, HttpResponse, web};
use api_types::{Code, KeyView};
use control_plane::list_keys;

use crate::blocking;
use crate::endpoint::{Endpoint, Success, schema_of};
use crate::error::ApiError;
use crate::extract::{Admin, Authenticated, CallerClass as _, Query};
use crate::response;
use crate::state::HttpState;

/// Rows of a page when the caller names no limit (the seed's lists were whole).
const DEFAULT: u32 = 1000;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::List(schema_of::<KeyView>());
    Endpoint::new("GET", "/admin/api_keys", "list_keys", Admin::GUARD, success, || web::to(list))
        .about("admin", "Lists keys by their id, never a secret.")
        .paged(DEFAULT)
        .codes(&[Code::InvalidQuery])
}

async fn list(
    call: Authenticated<Admin>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let page = Query::of(&request).page(DEFAULT)?;
    let found = blocking::scan(&state, blocking::ADMIN, move |services| {
        response::page_text(&list_keys(services, call.context.caller, &page)?)
    });
    Ok(response::page(&request, found.await?))
}
