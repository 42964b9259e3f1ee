//! `GET /intents`: all intents that fit a filter, by id.

use api_types::{Code, IntentView};
use registry_core::IntentId;
use storage::IntentFilter;

use crate::context::AgentCaller;
use crate::error::ServiceError;
use crate::page::{Page, PageRequest};
use crate::services::Services;

/// How long one request looks through rows that do not fit before it hands back what it has, in microseconds.
const LOOK_MICROS: u64 = 500_000;

/// Intents that fit the filter, in the order of their ids. A page may hold fewer than `limit` (even none) and still
/// have a next one: looking is bounded.
///
/// # Errors
/// 400 for a cursor, 422 for a status that is none, 503 for the store.
pub fn list_intents(
    services: &Services,
    _caller: &AgentCaller,
    filter: &IntentFilter,
    request: &PageRequest,
) -> Result<Page<IntentView>, ServiceError> {
    if let Some(status) = filter.status.as_deref().filter(|s| registry_core::Status::parse(s).is_none()) {
        let what = format!("no intent can have the status `{}`", crate::error::short(status));
        return Err(ServiceError::new(Code::InvalidQuery, what));
    }
    let query = format!("intents\n{filter:?}");
    let mut after = request.position(&services.cursors, &query)?.map(IntentId::from_stored);
    let started = services.clock.monotonic_micros();
    let mut items = Vec::new();
    loop {
        let found = u32::try_from(items.len()).unwrap_or(u32::MAX);
        let wanted = request.limit.saturating_sub(found);
        let page = services.store.read(|view| view.scan_intents(filter, after.as_ref(), wanted))?;
        items.extend(page.rows.into_iter().map(IntentView::from));
        if page.done {
            return Ok(Page { items, next: None });
        }
        after = page.looked_up_to.or(after);
        let looked = services.clock.monotonic_micros().saturating_sub(started);
        if items.len() >= usize::try_from(request.limit).unwrap_or(usize::MAX) || looked > LOOK_MICROS {
            let next = after.map(|id| services.cursors.close(&query, id.as_str()));
            return Ok(Page { items, next });
        }
    }
}
