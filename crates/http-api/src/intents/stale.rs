//! `GET /intents/stale`.

use actix_web::{HttpRequest, HttpResponse, web};
use api_types::{Code, IntentView};
use control_plane::list_stale;

use crate::blocking::{self, Cost};
use crate::endpoint::{Endpoint, Param, Success, shape};
use crate::error::ApiError;
use crate::extract::{Authenticated, IntentsRead, Query, Who as _};
use crate::respond;
use crate::state::HttpState;

/// Rows of a page when the caller names no limit (the seed's lists were whole).
const DEFAULT: u32 = 1000;
/// Days when the caller names none (the seed's).
const DEFAULT_DAYS: u32 = 30;
/// The longest time that can be asked for, in days.
const MAX_DAYS: u32 = 36_500;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::List(shape::<IntentView>());
    let schema = serde_json::json!({
        "type": "integer", "format": "int32", "minimum": 0, "maximum": MAX_DAYS, "default": DEFAULT_DAYS,
    });
    let days = Param { name: "days", about: "unmodified for more than this", required: false, schema };
    Endpoint::new("GET", "/intents/stale", "stale_intents", IntentsRead::GUARD, success, || web::to(stale))
        .about("intents", "Lists open intents that nobody changed for long, oldest first.")
        .params(vec![days])
        .paged(DEFAULT)
        .codes(&[Code::InvalidQuery])
}

async fn stale(
    call: Authenticated<IntentsRead>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request);
    let page = query.page(DEFAULT)?;
    let days = query.number("days", 0, MAX_DAYS)?.unwrap_or(DEFAULT_DAYS);
    let context = call.context;
    let found = blocking::run(Cost::of_list(page.limit), move || {
        list_stale(&state.services, &context.caller, context.now, days, &page)
    });
    respond::page(&request, &found.await?)
}
