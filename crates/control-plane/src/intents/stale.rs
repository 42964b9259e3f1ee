//! `GET /intents/stale`: open intents that nobody touched for long.

use api_types::IntentView;
use registry_core::Timestamp;

use super::by_owner::{by_change, time_and_id};
use crate::context::AgentCaller;
use crate::error::ServiceError;
use crate::page::{Page, PageRequest, page_of};
use crate::services::Services;

/// Intents that are reserved, planned or committed and have not changed for more than `days`, oldest first.
///
/// # Errors
/// 400 for a cursor, 503 for the store.
pub fn list_stale(
    services: &Services,
    _caller: &AgentCaller,
    now: Timestamp,
    days: u32,
    request: &PageRequest,
) -> Result<Page<IntentView>, ServiceError> {
    let query = format!("stale\n{days}");
    let cutoff = now.plus_days(-i64::from(days));
    let position = request.position(&services.cursors, &query)?;
    let after = position.as_deref().map(time_and_id);
    let rows = services.store.read(|view| view.stale_intents(cutoff, after, request.limit + 1))?;
    Ok(page_of(rows, request, &services.cursors, &query, by_change, IntentView::from))
}
