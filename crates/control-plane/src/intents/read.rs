//! Reads of intents: `GET /intents/{id}`, `GET /intents`, `GET /intents/by_file`, `GET /intents/by_owner/{owner}`,
//! `GET /intents/stale` and `GET /metrics/summary`.

use api_types::{Code, IntentView, SummaryView};
use registry_core::{IntentId, Owner, QualityTally, Timestamp};
use storage::{IntentQuery, LIST_BYTES, ReadLane, intent_bytes};

use crate::context::AgentCaller;
use crate::error::ServiceError;
use crate::page::{ListPage, PageRequest, ReadTime, page_of, split_position};
use crate::services::Services;

/// Value with the version that its `ETag` shows.
#[derive(Debug, Clone)]
pub struct VersionedItem<T> {
    /// The value.
    pub item: T,
    /// Its version.
    pub version: u64,
}

/// Returns the intent with this id.
///
/// # Errors
/// 404, 503 for the store.
pub fn get_intent(
    services: &Services,
    lane: ReadLane,
    _caller: &AgentCaller,
    id: &IntentId,
) -> Result<VersionedItem<IntentView>, ServiceError> {
    let found = services.store.intent(lane.patience(), id)?;
    let intent = found.ok_or_else(|| ServiceError::intent_not_found(id.as_str()))?;
    Ok(VersionedItem { version: intent.version, item: intent.into() })
}

/// How long one request looks through rows that do not fit before it returns what it has, in microseconds.
const LOOK_MICROS: u64 = 500_000;

/// Returns intents that fit the filter, by id. A page may hold fewer than `limit` (even none) and still have a next
/// page: the search is limited, and so are the bytes of a page.
///
/// # Errors
/// 400 for a cursor, 422 for an unknown status, 503 for the store.
pub fn list_intents(
    services: &Services,
    _caller: &AgentCaller,
    filter: &IntentQuery,
    request: &PageRequest,
) -> Result<ListPage<IntentView>, ServiceError> {
    if let Some(status) = filter.status.as_deref().filter(|s| registry_core::Status::parse(s).is_none()) {
        let what = format!("no intent can have the status `{}`", crate::error::short(status));
        return Err(ServiceError::new(Code::InvalidQuery, what));
    }
    let query = format!("intents\n{filter:?}");
    let mut after = request.position(&services.cursors, &query)?.map(IntentId::from_stored);
    let started = services.clock.monotonic_micros();
    let (mut items, mut bytes) = (Vec::new(), 0);
    loop {
        let found = u32::try_from(items.len()).unwrap_or(u32::MAX);
        let wanted = request.limit.saturating_sub(found);
        let page = services.store.read(|view| view.scan_intents(filter, after.as_ref(), wanted))?;
        bytes += page.rows.iter().map(intent_bytes).sum::<usize>();
        items.extend(page.rows.into_iter().map(IntentView::from));
        if page.done {
            return Ok(ListPage { items, next: None });
        }
        after = page.looked_up_to.or(after);
        let looked = services.clock.monotonic_micros().saturating_sub(started);
        let full = items.len() >= usize::try_from(request.limit).unwrap_or(usize::MAX) || bytes >= LIST_BYTES;
        if full || looked > LOOK_MICROS {
            let next = after.map(|id| services.cursors.close(&query, id.as_str()));
            return Ok(ListPage { items, next });
        }
    }
}

/// Returns the intents of an owner, newest change first.
///
/// # Errors
/// 400 for a cursor, 503 for the store.
pub fn list_by_owner(
    services: &Services,
    _caller: &AgentCaller,
    owner: &Owner,
    request: &PageRequest,
) -> Result<ListPage<IntentView>, ServiceError> {
    let query = format!("by_owner\n{owner}");
    let position = request.position(&services.cursors, &query)?;
    let before = position.as_deref().map(time_and_id);
    let rows = services.store.read(|view| view.intents_by_owner(owner, before, request.limit + 1))?;
    Ok(page_of(rows, request, &services.cursors, &query, by_change, intent_bytes, IntentView::from))
}

/// Position of a row in a list that is ordered by last change.
fn by_change(row: &registry_core::Intent) -> String {
    format!("{}\n{}", row.modified_at.as_micros(), row.id)
}

/// The reverse of [`by_change`].
pub(super) fn time_and_id(position: &str) -> (Timestamp, &str) {
    let (micros, id) = split_position(position);
    (Timestamp::from_micros(micros.parse().unwrap_or(0)), id)
}

/// Returns the intents of a file, by line.
///
/// # Errors
/// 400 for a cursor, 503 for the store.
pub fn list_by_file(
    services: &Services,
    _caller: &AgentCaller,
    file: &str,
    request: &PageRequest,
) -> Result<ListPage<IntentView>, ServiceError> {
    let query = format!("by_file\n{file}");
    let position = request.position(&services.cursors, &query)?;
    let after = position.as_deref().map(split_position).map(|(line, id)| (line.parse::<i64>().ok(), id));
    let rows = services.store.read(|view| view.intents_by_file(file, after, request.limit + 1))?;
    let position = |row: &registry_core::Intent| {
        format!("{}\n{}", row.line.map(|line| line.to_string()).unwrap_or_default(), row.id)
    };
    Ok(page_of(rows, request, &services.cursors, &query, position, intent_bytes, IntentView::from))
}

/// Returns intents that are reserved, planned or committed and have not changed for more than `days`, oldest first.
///
/// # Errors
/// 400 for a cursor, 503 for the store.
pub fn list_stale(
    services: &Services,
    _caller: &AgentCaller,
    now: Timestamp,
    days: u32,
    request: &PageRequest,
) -> Result<ListPage<IntentView>, ServiceError> {
    let query = format!("stale\n{days}");
    let cutoff = stale_cutoff(now, days);
    let position = request.position(&services.cursors, &query)?;
    let after = position.as_deref().map(time_and_id);
    let rows = services.store.read(|view| view.stale_intents(cutoff, after, request.limit + 1))?;
    Ok(page_of(rows, request, &services.cursors, &query, by_change, intent_bytes, IntentView::from))
}

/// Returns the time before which an intent must have changed last to be stale after so many days.
pub(super) fn stale_cutoff(now: Timestamp, days: u32) -> Timestamp {
    now.plus_days(-i64::from(days))
}

/// Rows per snapshot: a snapshot stays short, so that the write-ahead log can be checkpointed.
const ROWS_PER_VIEW: u32 = 5000;

/// Counts every intent, a snapshot of rows at a time. Intents that change meanwhile may be counted in their old or
/// new state.
///
/// # Errors
/// 503 for the store, and when the counting takes more time of a reader than one request may.
pub fn summarize(services: &Services, _caller: &AgentCaller) -> Result<SummaryView, ServiceError> {
    let mut tally = QualityTally::default();
    let mut after: Option<IntentId> = None;
    let time = ReadTime::begin(services.clock.as_ref());
    loop {
        let mut part = QualityTally::default();
        std::mem::swap(&mut part, &mut tally);
        let last = services
            .store
            .read(|view| view.count_intents(after.as_ref(), ROWS_PER_VIEW, &mut |row| part.add(row)))?;
        tally = part;
        match last {
            Some(id) => after = Some(id),
            None => return Ok(tally.summary().into()),
        }
        time.check(services.clock.as_ref())?;
    }
}
