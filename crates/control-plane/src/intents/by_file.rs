//! `GET /intents/by_file`: the intents of a file, by line.

use api_types::IntentView;

use crate::context::AgentCaller;
use crate::error::ServiceError;
use crate::page::{Page, PageRequest, page_of, split_position};
use crate::services::Services;

/// The intents of a file, by line.
///
/// # Errors
/// 400 for a cursor, 503 for the store.
pub fn list_by_file(
    services: &Services,
    _caller: &AgentCaller,
    file: &str,
    request: &PageRequest,
) -> Result<Page<IntentView>, ServiceError> {
    let query = format!("by_file\n{file}");
    let position = request.position(&services.cursors, &query)?;
    let after = position.as_deref().map(split_position).map(|(line, id)| (line.parse::<i64>().ok(), id));
    let rows = services.store.read(|view| view.intents_by_file(file, after, request.limit + 1))?;
    let position = |row: &registry_core::Intent| {
        format!("{}\n{}", row.line.map(|line| line.to_string()).unwrap_or_default(), row.id)
    };
    Ok(page_of(rows, request, &services.cursors, &query, position, IntentView::from))
}
