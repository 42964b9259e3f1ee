//! Routes of the audit log: `GET /admin/audit` and `GET /admin/audit/verify`.

use actix_web::{HttpRequest, web};
use api_types::{AuditRow, AuditVerdict};
use control_plane::{list_audit, verify_audit};
use http_kit::{
    Admin, Answer, Authenticated, Endpoint, JsonDocument, NoBody, Paged, Query, QueryParam, Refused, Rows,
    blocking, response, text_param,
};
use registry_core::Limits;
use storage::AuditQuery;

use crate::state::HttpState;

/// Rows of a page when the caller states no limit.
const DEFAULT: u32 = 100;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![list_endpoint(), verify_endpoint()]
}

fn list_endpoint() -> Endpoint {
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
    Endpoint::new("GET", "/admin/audit", "list_audit", list)
        .about("admin", "Lists what happened, newest first.")
        .params(vec![
            text_param("agent_id", "only this agent", 200, false),
            text_param("path", "only paths that start so", 1024, false),
            status,
            time("since", "not before"),
            time("until", "before"),
        ])
}

async fn list(
    call: Authenticated<Admin, NoBody, Paged<DEFAULT>>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<Answer<Rows<AuditRow>>, Refused> {
    let query = Query::of(&request);
    let Paged(page) = call.head;
    let filter = AuditQuery {
        agent_id: query.checked("agent_id", Limits::NAME)?,
        path: query.checked("path", 1024)?,
        status: query.number("status", 100, 599)?.and_then(|status| u16::try_from(status).ok()),
        since: query.time("since")?,
        until: query.time("until")?,
    };
    let found = blocking::scan(&state.server, blocking::ADMIN, move |services| {
        response::page_text(&list_audit(services, call.context.caller, &filter, &page)?)
    });
    Ok(response::page(&request, found.await?))
}

fn verify_endpoint() -> Endpoint {
    Endpoint::new("GET", "/admin/audit/verify", "verify_audit", verify)
        .about("admin", "Verifies the whole audit log and names the first bad row.")
}

async fn verify(
    call: Authenticated<Admin>,
    state: web::Data<HttpState>,
) -> Result<Answer<JsonDocument<AuditVerdict>>, Refused> {
    // What was answered so far is part of the log that is verified.
    state.services.audit.recorder.flush().await?;
    let caller = call.context.caller;
    let verdict =
        blocking::scan(&state.server, blocking::ADMIN, move |services| verify_audit(services, caller));
    Ok(response::json(&verdict.await?)?)
}
