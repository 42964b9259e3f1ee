//! `GET /intents/by_owner/{owner}`: the intents of an owner, newest change first.

use api_types::IntentView;
use registry_core::{Owner, Timestamp};

use crate::context::AgentCaller;
use crate::error::ServiceError;
use crate::page::{Page, PageRequest, page_of, split_position};
use crate::services::Services;

/// The intents of an owner, newest change first.
///
/// # Errors
/// 400 for a cursor, 503 for the store.
pub fn list_by_owner(
    services: &Services,
    _caller: &AgentCaller,
    owner: &Owner,
    request: &PageRequest,
) -> Result<Page<IntentView>, ServiceError> {
    let query = format!("by_owner\n{owner}");
    let position = request.position(&services.cursors, &query)?;
    let before = position.as_deref().map(time_and_id);
    let rows = services.store.read(|view| view.intents_by_owner(owner, before, request.limit + 1))?;
    Ok(page_of(rows, request, &services.cursors, &query, by_change, IntentView::from))
}

/// The position of a row in a list that is ordered by its last change.
pub(crate) fn by_change(row: &registry_core::Intent) -> String {
    format!("{}\n{}", row.modified_at.as_micros(), row.id)
}

/// The reverse of [`by_change`].
pub(crate) fn time_and_id(position: &str) -> (Timestamp, &str) {
    let (micros, id) = split_position(position);
    (Timestamp::from_micros(micros.parse().unwrap_or(0)), id)
}
