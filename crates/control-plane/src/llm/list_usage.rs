//! `GET /llm/usage`, `GET /admin/llm/usage`: attempts that reached a provider, newest first.

use api_types::UsageLineView;
use storage::UsageQuery;

use super::views;
use super::whose::Whose;
use crate::error::ServiceError;
use crate::page::{Page, PageRequest};
use crate::services::Services;

/// How long one request looks through rows that do not fit, in microseconds.
const LOOK_MICROS: u64 = 500_000;

/// Rows that fit the filter, newest first. A page may hold fewer than `limit` and still have a next one. Of an
/// agent's own list the filter's `agent_id` is the agent's, whatever it says.
///
/// # Errors
/// 400 for a cursor, 503 for the store.
pub fn list_usage(
    services: &Services,
    whose: Whose,
    filter: UsageQuery,
    request: &PageRequest,
) -> Result<Page<UsageLineView>, ServiceError> {
    let filter = whose.narrow(filter);
    let query = format!("usage\n{filter:?}");
    let mut before = request.position(&services.cursors, &query)?.and_then(|text| text.parse::<i64>().ok());
    let started = services.clock.monotonic_micros();
    let mut items = Vec::new();
    loop {
        let found = u32::try_from(items.len()).unwrap_or(u32::MAX);
        let wanted = request.limit.saturating_sub(found);
        let (lines, looked_to) = services.store.read(|view| view.usage_page(&filter, before, wanted))?;
        items.extend(lines.into_iter().map(views::of_line));
        let Some(last) = looked_to else { return Ok(Page { items, next: None }) };
        before = Some(last);
        let looked = services.clock.monotonic_micros().saturating_sub(started);
        if items.len() >= usize::try_from(request.limit).unwrap_or(usize::MAX) || looked > LOOK_MICROS {
            let next = services.cursors.close(&query, &last.to_string());
            return Ok(Page { items, next: Some(next) });
        }
    }
}

impl Whose {
    pub(super) fn narrow(self, filter: UsageQuery) -> UsageQuery {
        match self {
            Self::Agent(agent) => UsageQuery { agent_id: Some(agent), ..filter },
            Self::Everybody => filter,
        }
    }
}
