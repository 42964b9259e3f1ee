//! The routes of the audit log, and `GET /admin/audit`.

mod verify;

use actix_web::{HttpRequest, HttpResponse, web};
use api_types::{AuditRow, Code};
use control_plane::list_audit;
use registry_core::Limits;
use storage::AuditFilter;

use crate::blocking::{self, Cost};
use crate::endpoint::{Endpoint, Param, Success, shape, text_param};
use crate::error::ApiError;
use crate::extract::{Admin, Authenticated, Query, Who as _};
use crate::respond;
use crate::state::HttpState;

/// Rows of a page when the caller names no limit.
const DEFAULT: u32 = 100;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![list_endpoint(), verify::endpoint()]
}

fn list_endpoint() -> Endpoint {
    let success = Success::List(shape::<AuditRow>());
    let time = |name, about| Param {
        name,
        about,
        required: false,
        schema: serde_json::json!({ "type": "string", "format": "date-time" }),
    };
    let status = Param {
        name: "status",
        about: "only this HTTP status",
        required: false,
        schema: serde_json::json!({ "type": "integer", "minimum": 100, "maximum": 599 }),
    };
    Endpoint::new("GET", "/admin/audit", "list_audit", Admin::GUARD, success, || web::to(list))
        .about("admin", "Lists what happened, newest first.")
        .params(vec![
            text_param("agent_id", "only this agent", 200, false),
            text_param("path", "only paths that start so", 1024, false),
            status,
            time("since", "not before"),
            time("until", "before"),
        ])
        .paged(DEFAULT)
        .codes(&[Code::InvalidQuery])
}

async fn list(
    call: Authenticated<Admin>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request);
    let page = query.page(DEFAULT)?;
    let filter = AuditFilter {
        agent_id: query.checked("agent_id", Limits::NAME)?,
        path: query.checked("path", 1024)?,
        status: query.number("status", 100, 599)?.and_then(|status| u16::try_from(status).ok()),
        since: query.time("since")?,
        until: query.time("until")?,
    };
    let found =
        blocking::run(Cost::Scan, move || list_audit(&state.services, call.context.caller, &filter, &page));
    respond::page(&request, &found.await?)
}
