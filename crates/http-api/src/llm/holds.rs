//! Holds of agents that call a provider themselves.

mod create;
mod read;
mod release;
mod settle;

use actix_web::HttpRequest;
use control_plane::ServiceError;
use http_kit::{ApiError, Endpoint, path_param};
use llm_policy::{HoldId, LedgerError};

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![create::endpoint(), settle::endpoint(), release::endpoint(), read::endpoint()]
}

/// Returns the hold that a path names. A text that can't be an id is answered like a missing hold.
fn hold_of(request: &HttpRequest) -> Result<HoldId, ApiError> {
    let text = path_param(request, "id")?;
    HoldId::parse(&text).ok_or_else(|| ApiError(ServiceError::from(LedgerError::UnknownHold)))
}
