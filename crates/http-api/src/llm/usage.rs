//! The reads of usage, of the agent's own calls and of everybody's: `GET /llm/usage`, `GET /llm/usage/summary`,
//! `GET /admin/llm/usage` and `GET /admin/llm/usage/summary`; and what they may be narrowed to.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use api_types::{Code, UsageLineView, UsageTotalView};
use control_plane::{GroupBy, Services, Whose, list_usage, summarize_usage};
use llm_policy::CallId;
use registry_core::{AgentId, KeyId, Limits, Owner, Timestamp};
use storage::UsageQuery;

use crate::blocking;
use crate::endpoint::{Endpoint, QueryParam, Success, schema_of, text_param};
use crate::error::ApiError;
use crate::extract::{Admin, Authenticated, CallerClass as _, LlmCall, Query, invalid_query};
use crate::response;
use crate::state::HttpState;

/// Rows of a page when the caller names no limit.
pub(super) const ROWS: u32 = 100;
/// The longest name of a model, in characters.
const MODEL: usize = 200;
/// The longest name of a call, in characters.
const CALL: usize = 64;

/// Refusals of every list of usage.
const LIST_CODES: &[Code] = &[Code::InvalidQuery];
/// Refusals of every sum of usage.
const SUM_CODES: &[Code] = &[Code::InvalidQuery, Code::DeadlineExceeded];

pub(crate) fn own_list_endpoint() -> Endpoint {
    let success = Success::List(schema_of::<UsageLineView>());
    Endpoint::new("GET", "/llm/usage", "llm_usage", LlmCall::GUARD, success, || web::to(own_list))
        .about("llm", "Lists the attempts of the agent's own calls, newest first.")
        .params(own_params())
        .paged(ROWS)
        .codes(LIST_CODES)
}

async fn own_list(
    call: Authenticated<LlmCall>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request);
    let (page, filter) = (query.page(ROWS)?, own(&query)?);
    let caller = call.context.caller;
    let whose = Whose::Agent(caller.agent_id().clone());
    let found = blocking::scan(&state, caller.key_id().as_str(), move |services| {
        response::page_text(&list_usage(services, whose, filter, &page)?)
    });
    Ok(response::page(&request, found.await?))
}

pub(crate) fn own_sum_endpoint() -> Endpoint {
    let success = Success::List(schema_of::<UsageTotalView>());
    Endpoint::new("GET", "/llm/usage/summary", "llm_usage_summary", LlmCall::GUARD, success, || {
        web::to(own_sum)
    })
    .about("llm", "Adds up the agent's own calls.")
    .params(sum_params())
    .codes(SUM_CODES)
}

async fn own_sum(
    call: Authenticated<LlmCall>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let SummaryQuery { by, since, until } = sum(&Query::of(&request))?;
    let caller = call.context.caller;
    let whose = Whose::Agent(caller.agent_id().clone());
    let sum = move |services: &Services| summarize_usage(services, whose, by, since, until);
    let found = blocking::scan(&state, caller.key_id().as_str(), sum);
    response::json(StatusCode::OK, &found.await?)
}

pub(crate) fn all_list_endpoint() -> Endpoint {
    let success = Success::List(schema_of::<UsageLineView>());
    Endpoint::new("GET", "/admin/llm/usage", "list_llm_usage", Admin::GUARD, success, || web::to(all_list))
        .about("admin", "Lists the attempts of everybody's calls, newest first.")
        .params(all_params())
        .paged(ROWS)
        .codes(LIST_CODES)
}

async fn all_list(
    _: Authenticated<Admin>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request);
    let (page, filter) = (query.page(ROWS)?, all(&query)?);
    let found = blocking::scan(&state, blocking::ADMIN, move |services| {
        response::page_text(&list_usage(services, Whose::Everybody, filter, &page)?)
    });
    Ok(response::page(&request, found.await?))
}

pub(crate) fn all_sum_endpoint() -> Endpoint {
    let success = Success::List(schema_of::<UsageTotalView>());
    let path = "/admin/llm/usage/summary";
    Endpoint::new("GET", path, "summarize_llm_usage", Admin::GUARD, success, || web::to(all_sum))
        .about("admin", "Adds up everybody's calls.")
        .params(sum_params())
        .codes(SUM_CODES)
}

async fn all_sum(
    _: Authenticated<Admin>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let SummaryQuery { by, since, until } = sum(&Query::of(&request))?;
    let found = blocking::scan(&state, blocking::ADMIN, move |services| {
        summarize_usage(services, Whose::Everybody, by, since, until)
    });
    response::json(StatusCode::OK, &found.await?)
}

fn time(name: &'static str, about: &'static str) -> QueryParam {
    QueryParam {
        name,
        about,
        required: false,
        schema: serde_json::json!({ "type": "string", "format": "date-time" }),
    }
}

/// The parameters of an agent's own list.
fn own_params() -> Vec<QueryParam> {
    let flagged = QueryParam {
        name: "flagged",
        about: "only rows that a person should look at: estimated, at their worst case, overrun or late",
        required: false,
        schema: serde_json::json!({ "type": "boolean" }),
    };
    vec![
        text_param("model", "only this model", 200, false),
        text_param("call_id", "only this call", 64, false),
        flagged,
        time("since", "not before"),
        time("until", "before"),
    ]
}

/// The parameters of the admin's list.
fn all_params() -> Vec<QueryParam> {
    let mut params = vec![
        text_param("agent_id", "only this agent", 200, false),
        text_param("owner", "only this owner", 200, false),
        text_param("key_id", "only this key", 200, false),
    ];
    params.extend(own_params());
    params
}

/// Reads the parameters of an agent's own list.
fn own(query: &Query) -> Result<UsageQuery, ApiError> {
    Ok(UsageQuery {
        model: query.checked("model", MODEL)?,
        call_id: query.checked("call_id", CALL)?.map(CallId::from_stored),
        since: query.time("since")?,
        until: query.time("until")?,
        flagged: query.flag("flagged")?,
        ..UsageQuery::default()
    })
}

/// Reads the parameters of the admin's list.
fn all(query: &Query) -> Result<UsageQuery, ApiError> {
    Ok(UsageQuery {
        agent_id: query.checked("agent_id", Limits::NAME)?.map(AgentId::from_stored),
        owner: query.checked("owner", Limits::NAME)?.map(Owner::from_stored),
        key_id: query.checked("key_id", Limits::NAME)?.map(KeyId::from_stored),
        ..own(query)?
    })
}

/// What a sum is asked for.
struct SummaryQuery {
    by: GroupBy,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

/// The parameters of a sum.
fn sum_params() -> Vec<QueryParam> {
    let words: Vec<_> = GroupBy::ALL.iter().map(|by| by.as_str()).collect();
    let by = QueryParam {
        name: "by",
        about: "what to add up by",
        required: false,
        schema: serde_json::json!({ "type": "string", "enum": words, "default": GroupBy::Model.as_str() }),
    };
    vec![by, time("since", "not before"), time("until", "before")]
}

/// Reads the parameters of a sum.
fn sum(query: &Query) -> Result<SummaryQuery, ApiError> {
    let by = match query.checked("by", MODEL)? {
        None => GroupBy::Model,
        Some(word) => GroupBy::parse(&word)
            .ok_or_else(|| invalid_query("`by` takes `agent`, `model`, `owner` or `day`"))?,
    };
    Ok(SummaryQuery { by, since: query.time("since")?, until: query.time("until")? })
}
