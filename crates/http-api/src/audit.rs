//! The routes of the audit log: `GET /admin/audit` and `GET /admin/audit/verify`.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use api_types::{AuditRow, AuditVerdict, Code};
use control_plane::{list_audit, verify_audit};
use registry_core::Limits;
use storage::AuditQuery;

use crate::blocking;
use crate::endpoint::{Endpoint, QueryParam, Success, schema_of, text_param};
use crate::error::ApiError;
use crate::extract::{Admin, Authenticated, CallerClass as _, Query};
use crate::response;
use crate::state::HttpState;

/// Rows of a page when the caller names no limit.
const DEFAULT: u32 = 100;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![list_endpoint(), verify_endpoint()]
}

fn list_endpoint() -> Endpoint {
    let success = Success::List(schema_of::<AuditRow>());
    let time = |name, about| QueryParam {
        name,
        about,
        required: false,
        schema: serde_json::json!({ "type": "string", "format": "date-time" }),
    };
    let status = QueryParam {
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
    let filter = AuditQuery {
        agent_id: query.checked("agent_id", Limits::NAME)?,
        path: query.checked("path", 1024)?,
        status: query.number("status", 100, 599)?.and_then(|status| u16::try_from(status).ok()),
        since: query.time("since")?,
        until: query.time("until")?,
    };
    let found = blocking::scan(&state, blocking::ADMIN, move |services| {
        response::page_text(&list_audit(services, call.context.caller, &filter, &page)?)
    });
    Ok(response::page(&request, found.await?))
}

fn verify_endpoint() -> Endpoint {
    let success = Success::Json(200, schema_of::<AuditVerdict>());
    Endpoint::new("GET", "/admin/audit/verify", "verify_audit", Admin::GUARD, success, || web::to(verify))
        .about("admin", "Verifies the whole audit log and names the first bad row.")
}

async fn verify(call: Authenticated<Admin>, state: web::Data<HttpState>) -> Result<HttpResponse, ApiError> {
    // What was answered so far is part of the log that is verified.
    state.services.audit.recorder.flush().await?;
    let caller = call.context.caller;
    let verdict = blocking::scan(&state, blocking::ADMIN, move |services| verify_audit(services, caller));
    response::json(StatusCode::OK, &verdict.await?)
}
