//! `GET /admin/llm/holds`: open holds and orphans.

use api_types::OpenHoldView;
use llm_policy::HoldId;
use registry_core::KeyId;
use storage::HoldRow;

use crate::error::ServiceError;
use crate::llm::usage::Whose;
use crate::llm::views;
use crate::page::{ListPage, PageRequest, split_position};
use crate::services::Services;

/// Number of holds that are looked through in one snapshot.
const ROWS_PER_VIEW: u32 = 1_000;
/// How long one request looks through holds that do not fit, in microseconds.
const LOOK_MICROS: u64 = 500_000;

/// Returns holds by id. A page may hold fewer than `limit` and still have a next page.
///
/// # Errors
/// 400 for a cursor, 503 for the store.
pub fn list_holds(
    services: &Services,
    whose: &Whose,
    request: &PageRequest,
) -> Result<ListPage<OpenHoldView>, ServiceError> {
    let query = format!("holds\n{whose:?}");
    let mut after = request.position(&services.cursors, &query)?.map(|position| {
        let (id, key) = split_position(&position);
        (HoldId::from_stored(id.to_owned()), KeyId::from_stored(key.to_owned()))
    });
    let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
    let started = services.clock.monotonic_micros();
    let mut items = Vec::new();
    loop {
        let rows = services
            .store
            .read(|view| view.holds(None, after.as_ref().map(|(id, key)| (id, key)), ROWS_PER_VIEW))?;
        let at_end = rows.len() < usize::try_from(ROWS_PER_VIEW).unwrap_or(usize::MAX);
        for row in rows {
            if items.len() >= limit {
                return Ok(ListPage { items, next: cursor(services, &query, after.as_ref()) });
            }
            after = Some((row.id.clone(), row.key_id.clone()));
            if fits(whose, &row) {
                items.push(views::of_open_hold(row));
            }
        }
        if at_end {
            return Ok(ListPage { items, next: None });
        }
        if services.clock.monotonic_micros().saturating_sub(started) > LOOK_MICROS {
            return Ok(ListPage { items, next: cursor(services, &query, after.as_ref()) });
        }
    }
}

fn cursor(services: &Services, query: &str, after: Option<&(HoldId, KeyId)>) -> Option<String> {
    after.map(|(id, key)| services.cursors.close(query, &format!("{id}\n{key}")))
}

fn fits(whose: &Whose, row: &HoldRow) -> bool {
    match whose {
        Whose::Agent(agent) => row.agent_id == *agent,
        Whose::Everybody => true,
    }
}
