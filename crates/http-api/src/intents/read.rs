//! Reads of intents: `GET /intents/{id}`, `GET /intents`, `GET /intents/by_owner/{owner}`, `GET /intents/by_file`,
//! `GET /intents/stale` and `GET /metrics/summary`.

use actix_web::{HttpRequest, web};
use api_types::{Code, IntentView, SummaryView};
use control_plane::{
    Services, get_intent, list_by_file, list_by_owner, list_intents, list_stale, small_list_by_file,
    small_list_by_owner, small_list_stale, summarize,
};
use http_kit::{
    Answer, ApiError, Authenticated, Endpoint, IntentsRead, JsonDocument, NoBody, Paged, Query, QueryParam,
    Refused, Rows, blocking, codes, path_param, response, text_param,
};
use registry_core::{AgentId, IntentId, Limits, Owner, check_text};
use storage::IntentQuery;

use crate::state::HttpState;

/// Rows of a page when the caller states no limit.
const PAGE: u32 = 100;
/// Rows of a page when the caller states no limit (the seed's lists were whole).
const WHOLE_LIST: u32 = 1000;

pub(crate) fn get_endpoint() -> Endpoint {
    Endpoint::new("GET", "/intents/{id}", "get_intent", get)
        .about("intents", "Shows an intent. Its `ETag` is its version.")
}

codes! { GetIntentCodes = [IntentNotFound] }

async fn get(
    call: Authenticated<IntentsRead>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<Answer<JsonDocument<IntentView>>, Refused<GetIntentCodes>> {
    // Any text may be sent: what can't be an id does not exist.
    let id = IntentId::from_stored(path_param(&request, "id")?);
    let caller = call.context.caller;
    let key = caller.key_id().clone();
    let read = move |services: &Services, lane| get_intent(services, lane, &caller, &id);
    let found = blocking::point(&state.server, key.as_str(), read).await?;
    Ok(response::json(&found.item)?.with_version(found.version))
}

pub(crate) fn list_endpoint() -> Endpoint {
    // `documented` is read as `accepted`, as everywhere.
    let words = ["reserved", "planned", "committed", "implemented", "accepted", "documented", "expired"];
    let status = QueryParam {
        name: "status",
        about: "only this status",
        required: false,
        schema: serde_json::json!({ "type": "string", "enum": words }),
    };
    Endpoint::new("GET", "/intents", "list_intents", list)
        .about("intents", "Lists intents that fit every filter given, by id.")
        .params(vec![
            status,
            text_param("code", "only this code", 100, false),
            text_param("file", "only this file", 4096, false),
            text_param("owner", "only this owner", 200, false),
            text_param("agent_id", "only intents that this agent created", 200, false),
        ])
}

async fn list(
    call: Authenticated<IntentsRead, NoBody, Paged<PAGE>>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<Answer<Rows<IntentView>>, Refused> {
    let query = Query::of(&request);
    let Paged(page) = call.head;
    let filter = IntentQuery {
        status: query.checked("status", 100)?,
        code: query.checked("code", Limits::WORD)?,
        file: query.file()?,
        owner: query.checked("owner", Limits::NAME)?.map(Owner::from_stored),
        agent_id: query.checked("agent_id", Limits::NAME)?.map(AgentId::from_stored),
    };
    let caller = call.context.caller;
    let key = caller.key_id().clone();
    let found = blocking::scan(&state.server, key.as_str(), move |services| {
        response::page_text(&list_intents(services, &caller, &filter, &page)?)
    });
    Ok(response::page(&request, found.await?))
}

pub(crate) fn by_owner_endpoint() -> Endpoint {
    let path = "/intents/by_owner/{owner}";
    Endpoint::new("GET", path, "intents_by_owner", by_owner)
        .about("intents", "Lists the intents of an owner, newest change first.")
}

codes! { ByOwnerCodes = [InvalidQuery] }

async fn by_owner(
    call: Authenticated<IntentsRead, NoBody, Paged<WHOLE_LIST>>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<Answer<Rows<IntentView>>, Refused<ByOwnerCodes>> {
    let owner = path_param(&request, "owner")?;
    // The text may be an owner of an old row, which a new intent could not have.
    check_text(&owner, Limits::NAME, false)
        .map_err(|problem| ApiError::new(Code::InvalidQuery, format!("the owner {problem}")))?;
    let owner = Owner::from_stored(owner);
    let Paged(page) = call.head;
    let caller = call.context.caller;
    let key = caller.key_id().clone();
    let found = blocking::small_or_scan(
        &state.server,
        key.as_str(),
        (caller, owner, page),
        |services, (caller, owner, page)| small_list_by_owner(services, caller, owner, page),
        |services, (caller, owner, page)| list_by_owner(services, caller, owner, page),
    );
    Ok(response::page(&request, found.await?))
}

pub(crate) fn by_file_endpoint() -> Endpoint {
    let path = "/intents/by_file";
    Endpoint::new("GET", path, "intents_by_file", by_file)
        .about("intents", "Lists the intents of a file, by line.")
        .params(vec![text_param("file", "the file, relative to the repository", 4096, true)])
}

async fn by_file(
    call: Authenticated<IntentsRead, NoBody, Paged<WHOLE_LIST>>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<Answer<Rows<IntentView>>, Refused> {
    let query = Query::of(&request);
    let Paged(page) = call.head;
    let Some(file) = query.file()? else {
        return Err(ApiError::new(Code::InvalidQuery, "`file` is missing").into());
    };
    let caller = call.context.caller;
    let key = caller.key_id().clone();
    let found = blocking::small_or_scan(
        &state.server,
        key.as_str(),
        (caller, file, page),
        |services, (caller, file, page)| small_list_by_file(services, caller, file, page),
        |services, (caller, file, page)| list_by_file(services, caller, file, page),
    );
    Ok(response::page(&request, found.await?))
}

/// Days when the caller states none (the seed's).
const DEFAULT_DAYS: u32 = 30;
/// Highest number of days.
const MAX_DAYS: u32 = 36_500;

pub(crate) fn stale_endpoint() -> Endpoint {
    let schema = serde_json::json!({
        "type": "integer", "format": "int32", "minimum": 0, "maximum": MAX_DAYS, "default": DEFAULT_DAYS,
    });
    let days = QueryParam { name: "days", about: "unmodified for more than this", required: false, schema };
    Endpoint::new("GET", "/intents/stale", "stale_intents", stale)
        .about("intents", "Lists open intents that nobody changed for long, oldest first.")
        .params(vec![days])
}

async fn stale(
    call: Authenticated<IntentsRead, NoBody, Paged<WHOLE_LIST>>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<Answer<Rows<IntentView>>, Refused> {
    let query = Query::of(&request);
    let Paged(page) = call.head;
    let days = query.number("days", 0, MAX_DAYS)?.unwrap_or(DEFAULT_DAYS);
    let context = call.context;
    let (caller, now) = (context.caller, context.now);
    let key = caller.key_id().clone();
    let found = blocking::small_or_scan(
        &state.server,
        key.as_str(),
        (caller, now, days, page),
        |services, (caller, now, days, page)| small_list_stale(services, caller, *now, *days, page),
        |services, (caller, now, days, page)| list_stale(services, caller, *now, *days, page),
    );
    Ok(response::page(&request, found.await?))
}

pub(crate) fn summary_endpoint() -> Endpoint {
    let path = "/metrics/summary";
    Endpoint::new("GET", path, "summary", summary).about("intents", "Figures over the whole registry.")
}

codes! { SummaryCodes = [DeadlineExceeded] }

async fn summary(
    call: Authenticated<IntentsRead>,
    state: web::Data<HttpState>,
) -> Result<Answer<JsonDocument<SummaryView>>, Refused<SummaryCodes>> {
    let caller = call.context.caller;
    let key = caller.key_id().clone();
    let found = blocking::scan(&state.server, key.as_str(), move |services| summarize(services, &caller));
    Ok(response::json(&found.await?)?)
}
