//! `GET /intents`.

use actix_web::{HttpRequest, HttpResponse, web};
use api_types::{Code, IntentView};
use control_plane::list_intents;
use registry_core::{AgentId, Limits, Owner};
use storage::IntentFilter;

use crate::blocking::{self, Cost};
use crate::endpoint::{Endpoint, Param, Success, shape, text_param};
use crate::error::ApiError;
use crate::extract::{Authenticated, IntentsRead, Query, Who as _};
use crate::respond;
use crate::state::HttpState;

/// Rows of a page when the caller names no limit.
const DEFAULT: u32 = 100;

pub(crate) fn endpoint() -> Endpoint {
    let success = Success::List(shape::<IntentView>());
    // `documented` is read as `accepted`, as everywhere.
    let words = ["reserved", "planned", "committed", "implemented", "accepted", "documented", "expired"];
    let status = Param {
        name: "status",
        about: "only this status",
        required: false,
        schema: serde_json::json!({ "type": "string", "enum": words }),
    };
    Endpoint::new("GET", "/intents", "list_intents", IntentsRead::GUARD, success, || web::to(list))
        .about("intents", "Lists intents that fit every filter given, by id.")
        .params(vec![
            status,
            text_param("code", "only this code", 100, false),
            text_param("file", "only this file", 4096, false),
            text_param("owner", "only this owner", 200, false),
            text_param("agent_id", "only intents that this agent created", 200, false),
        ])
        .paged(DEFAULT)
        .codes(&[Code::InvalidQuery])
}

async fn list(
    call: Authenticated<IntentsRead>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request);
    let page = query.page(DEFAULT)?;
    let filter = IntentFilter {
        status: query.checked("status", 100)?,
        code: query.checked("code", Limits::WORD)?,
        file: query.checked("file", Limits::FILE)?,
        owner: query.checked("owner", Limits::NAME)?.map(Owner::from_stored),
        agent_id: query.checked("agent_id", Limits::NAME)?.map(AgentId::from_stored),
    };
    let found = blocking::run(Cost::Scan, move || {
        list_intents(&state.services, &call.context.caller, &filter, &page)
    });
    respond::page(&request, &found.await?)
}
