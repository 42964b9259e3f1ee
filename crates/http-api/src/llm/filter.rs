//! What the lists and sums of usage may be narrowed to.

use api_types::Code;
use control_plane::GroupBy;
use llm_policy::CallId;
use registry_core::{AgentId, KeyId, Limits, Owner, Timestamp};
use storage::UsageQuery;

use crate::endpoint::{Param, text_param};
use crate::error::ApiError;
use crate::extract::{Query, invalid_query};

/// The most tokens that a caller may name.
pub(super) const MOST_TOKENS: u64 = 1_000_000_000_000;
/// Rows of a page when the caller names no limit.
pub(super) const ROWS: u32 = 100;
/// The longest name of a model, in characters.
const MODEL: usize = 200;
/// The longest name of a call, in characters.
const CALL: usize = 64;

/// Refusals of every list of usage.
pub(super) const LIST_CODES: &[Code] = &[Code::InvalidQuery];

fn time(name: &'static str, about: &'static str) -> Param {
    Param {
        name,
        about,
        required: false,
        schema: serde_json::json!({ "type": "string", "format": "date-time" }),
    }
}

/// The parameters of an agent's own list.
pub(super) fn own_params() -> Vec<Param> {
    let flagged = Param {
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
pub(super) fn all_params() -> Vec<Param> {
    let mut params = vec![
        text_param("agent_id", "only this agent", 200, false),
        text_param("owner", "only this owner", 200, false),
        text_param("key_id", "only this key", 200, false),
    ];
    params.extend(own_params());
    params
}

/// Reads the parameters of an agent's own list.
pub(super) fn own(query: &Query) -> Result<UsageQuery, ApiError> {
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
pub(super) fn all(query: &Query) -> Result<UsageQuery, ApiError> {
    Ok(UsageQuery {
        agent_id: query.checked("agent_id", Limits::NAME)?.map(AgentId::from_stored),
        owner: query.checked("owner", Limits::NAME)?.map(Owner::from_stored),
        key_id: query.checked("key_id", Limits::NAME)?.map(KeyId::from_stored),
        ..own(query)?
    })
}

/// What a sum is asked for.
pub(super) struct Sum {
    pub by: GroupBy,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// The parameters of a sum.
pub(super) fn sum_params() -> Vec<Param> {
    let words: Vec<_> = GroupBy::ALL.iter().map(|by| by.as_str()).collect();
    let by = Param {
        name: "by",
        about: "what to add up by",
        required: false,
        schema: serde_json::json!({ "type": "string", "enum": words, "default": GroupBy::Model.as_str() }),
    };
    vec![by, time("since", "not before"), time("until", "before")]
}

/// Reads the parameters of a sum.
pub(super) fn sum(query: &Query) -> Result<Sum, ApiError> {
    let by = match query.checked("by", MODEL)? {
        None => GroupBy::Model,
        Some(word) => GroupBy::parse(&word)
            .ok_or_else(|| invalid_query("`by` takes `agent`, `model`, `owner` or `day`"))?,
    };
    Ok(Sum { by, since: query.time("since")?, until: query.time("until")? })
}
