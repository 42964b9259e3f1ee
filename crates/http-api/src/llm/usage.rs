//! Reads of usage, of the agent's calls and of all calls: `GET /llm/usage`, `GET /llm/usage/summary`, `GET
//! /admin/llm/usage` and `GET /admin/llm/usage/summary`, and their filters.

use actix_web::{HttpRequest, web};
use api_types::{UsageGroup, UsageLineView, UsageTotalView};
use control_plane::{Services, Whose, list_usage, summarize_usage};
use http_kit::{
    Admin, Answer, ApiError, Authenticated, Endpoint, LlmCall, NoBody, Paged, Query, QueryParam, Refused,
    Rows, blocking, codes, invalid_query, response, text_param,
};
use llm_policy::CallId;
use registry_core::{AgentId, KeyId, Limits, Owner, Timestamp};
use storage::UsageQuery;

use crate::state::HttpState;

/// Rows of a page when the caller states no limit.
pub(super) const ROWS: u32 = 100;
/// Longest name of a model, in characters.
const MODEL: usize = 200;
/// Longest call id, in characters.
const CALL: usize = 64;

codes! { SumCodes = [DeadlineExceeded] }

pub(crate) fn own_list_endpoint() -> Endpoint {
    Endpoint::new("GET", "/llm/usage", "llm_usage", own_list)
        .about("llm", "Lists the attempts of the agent's own calls, newest first.")
        .params(own_params())
}

async fn own_list(
    call: Authenticated<LlmCall, NoBody, Paged<ROWS>>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<Answer<Rows<UsageLineView>>, Refused> {
    let query = Query::of(&request);
    let (Paged(page), filter) = (call.head, own(&query)?);
    let caller = call.context.caller;
    let whose = Whose::Agent(caller.agent_id().clone());
    let found = blocking::scan(&state.server, caller.key_id().as_str(), move |services| {
        response::page_text(&list_usage(services, whose, filter, &page)?)
    });
    Ok(response::page(&request, found.await?))
}

pub(crate) fn own_sum_endpoint() -> Endpoint {
    Endpoint::new("GET", "/llm/usage/summary", "llm_usage_summary", own_sum)
        .about("llm", "Adds up the agent's own calls.")
        .params(sum_params())
}

async fn own_sum(
    call: Authenticated<LlmCall>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<Answer<Rows<UsageTotalView>>, Refused<SumCodes>> {
    let SummaryQuery { by, since, until } = sum(&Query::of(&request))?;
    let caller = call.context.caller;
    let whose = Whose::Agent(caller.agent_id().clone());
    let sum = move |services: &Services| summarize_usage(services, whose, by, since, until);
    let found = blocking::scan(&state.server, caller.key_id().as_str(), sum);
    Ok(response::json(&found.await?)?.shaped())
}

pub(crate) fn all_list_endpoint() -> Endpoint {
    Endpoint::new("GET", "/admin/llm/usage", "list_llm_usage", all_list)
        .about("admin", "Lists the attempts of everybody's calls, newest first.")
        .params(all_params())
}

async fn all_list(
    call: Authenticated<Admin, NoBody, Paged<ROWS>>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<Answer<Rows<UsageLineView>>, Refused> {
    let query = Query::of(&request);
    let (Paged(page), filter) = (call.head, all(&query)?);
    let found = blocking::scan(&state.server, blocking::ADMIN, move |services| {
        response::page_text(&list_usage(services, Whose::Everybody, filter, &page)?)
    });
    Ok(response::page(&request, found.await?))
}

pub(crate) fn all_sum_endpoint() -> Endpoint {
    let path = "/admin/llm/usage/summary";
    Endpoint::new("GET", path, "summarize_llm_usage", all_sum)
        .about("admin", "Adds up everybody's calls.")
        .params(sum_params())
}

async fn all_sum(
    _: Authenticated<Admin>,
    request: HttpRequest,
    state: web::Data<HttpState>,
) -> Result<Answer<Rows<UsageTotalView>>, Refused<SumCodes>> {
    let SummaryQuery { by, since, until } = sum(&Query::of(&request))?;
    let found = blocking::scan(&state.server, blocking::ADMIN, move |services| {
        summarize_usage(services, Whose::Everybody, by, since, until)
    });
    Ok(response::json(&found.await?)?.shaped())
}

fn time(name: &'static str, about: &'static str) -> QueryParam {
    QueryParam {
        name,
        about,
        required: false,
        schema: serde_json::json!({ "type": "string", "format": "date-time" }),
    }
}

/// Parameters of an agent's list.
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

/// Parameters of the admin's list.
fn all_params() -> Vec<QueryParam> {
    let mut params = vec![
        text_param("agent_id", "only this agent", 200, false),
        text_param("owner", "only this owner", 200, false),
        key_id_param(),
    ];
    params.extend(own_params());
    params
}

fn key_id_param() -> QueryParam {
    let schema = serde_json::json!({
        "type": "string",
        "pattern": format!("^{}[0-9A-Za-z]{{{}}}$", KeyId::PREFIX, KeyId::DIGITS),
    });
    QueryParam { name: "key_id", about: "only this key", required: false, schema }
}

fn not_a_key_id() -> ApiError {
    // A whole key in its place is a secret, so the text is not repeated.
    let (prefix, digits) = (KeyId::PREFIX, KeyId::DIGITS);
    invalid_query(&format!(
        "`key_id` takes the public id of a key, `{prefix}` and {digits} letters or digits"
    ))
}

/// Reads the parameters of an agent's list.
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
        key_id: query
            .checked("key_id", Limits::NAME)?
            .map(KeyId::new)
            .transpose()
            .map_err(|_| not_a_key_id())?,
        ..own(query)?
    })
}

/// Parameters of a sum.
struct SummaryQuery {
    by: UsageGroup,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

/// Descriptions of the parameters of a sum.
fn sum_params() -> Vec<QueryParam> {
    let words: Vec<_> = UsageGroup::ALL.iter().map(|by| by.as_str()).collect();
    let by = QueryParam {
        name: "by",
        about: "what to add up by",
        required: false,
        schema: serde_json::json!({ "type": "string", "enum": words, "default": UsageGroup::Model.as_str() }),
    };
    vec![by, time("since", "not before"), time("until", "before")]
}

/// Reads the parameters of a sum.
fn sum(query: &Query) -> Result<SummaryQuery, ApiError> {
    let by = match query.checked("by", MODEL)? {
        None => UsageGroup::Model,
        Some(word) => UsageGroup::parse(&word)
            .ok_or_else(|| invalid_query("`by` takes `agent`, `model`, `owner` or `day`"))?,
    };
    Ok(SummaryQuery { by, since: query.time("since")?, until: query.time("until")? })
}
