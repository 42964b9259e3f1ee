//! Lists of intents that are short enough to be read on a thread that serves requests.
//!
//! Such a list is begun on that thread and abandoned when it turns out to be long. So the thread is busy for at most
//! [`SMALL_ROWS`] rows or [`SMALL_BYTES`], whatever the registry holds. Rows go from their columns to JSON without a
//! copy.

use api_types::{Code, IntentRowView};
use registry_core::{IntentRow, Owner, Timestamp};
use storage::{IntentList, ReadLane, StoreError};

use super::read::{stale_cutoff, time_and_id};
use crate::context::AgentCaller;
use crate::error::ServiceError;
use crate::page::{ListText, PageRequest, split_position};
use crate::services::Services;

/// Maximum rows of a small list.
const SMALL_ROWS: u32 = 100;
/// Size above which a list is not small, in bytes of JSON.
const SMALL_BYTES: usize = 64 * 1024;
/// Usual length of one row, in bytes.
const ROW_BYTES: usize = 512;

/// Returns the intents of a file by line, like [`crate::list_by_file`]; `None` when the list is long, or can't be
/// read without waiting.
///
/// # Errors
/// Same errors as the whole list.
pub fn small_list_by_file(
    services: &Services,
    _caller: &AgentCaller,
    file: &str,
    request: &PageRequest,
) -> Result<Option<ListText>, ServiceError> {
    let query = format!("by_file\n{file}");
    let position = request.position(&services.cursors, &query)?;
    let after = position.as_deref().map(split_position).map(|(line, id)| (line.parse::<i64>().ok(), id));
    let place = |row: &IntentRow<'_>| {
        format!("{}\n{}", row.line.map(|line| line.to_string()).unwrap_or_default(), row.id)
    };
    small_list(services, IntentList::ByFile { file, after }, request, &query, place)
}

/// Returns the intents of an owner, like [`crate::list_by_owner`]; `None` as in [`small_list_by_file`].
///
/// # Errors
/// Same errors as the whole list.
pub fn small_list_by_owner(
    services: &Services,
    _caller: &AgentCaller,
    owner: &Owner,
    request: &PageRequest,
) -> Result<Option<ListText>, ServiceError> {
    let query = format!("by_owner\n{owner}");
    let position = request.position(&services.cursors, &query)?;
    let before = position.as_deref().map(time_and_id);
    small_list(services, IntentList::ByOwner { owner, before }, request, &query, by_change)
}

/// Returns stale intents, like [`crate::list_stale`]; `None` as in [`small_list_by_file`].
///
/// # Errors
/// Same errors as the whole list.
pub fn small_list_stale(
    services: &Services,
    _caller: &AgentCaller,
    now: Timestamp,
    days: u32,
    request: &PageRequest,
) -> Result<Option<ListText>, ServiceError> {
    let query = format!("stale\n{days}");
    let position = request.position(&services.cursors, &query)?;
    let after = position.as_deref().map(time_and_id);
    let list = IntentList::Stale { cutoff: stale_cutoff(now, days), after };
    small_list(services, list, request, &query, by_change)
}

/// Position of a row in a list that is ordered by last change.
fn by_change(row: &IntentRow<'_>) -> String {
    let micros = Timestamp::parse_lenient(&row.modified_at).unwrap_or(Timestamp::EPOCH).as_micros();
    format!("{micros}\n{}", row.id)
}

fn small_list(
    services: &Services,
    list: IntentList<'_>,
    request: &PageRequest,
    query: &str,
    position: impl Fn(&IntentRow<'_>) -> String,
) -> Result<Option<ListText>, ServiceError> {
    let read = services.store.read_point(ReadLane::Serving, |view| {
        let mut text = SmallText::new(request.limit);
        let most = request.limit.min(SMALL_ROWS) + 1;
        text.long = !view.visit_intents(&list, most, &mut |row| text.add(row, &position))? || text.long;
        Ok(text)
    });
    let text = match read {
        Err(StoreError::NoReader) => return Ok(None),
        read => read?,
    };
    if text.failed {
        return Err(ServiceError::new(Code::Internal, "the answer can't be written"));
    }
    let SmallText { mut json, last, more, long, .. } = text;
    if long {
        return Ok(None);
    }
    json.push(b']');
    let next = last.filter(|_| more).map(|last| services.cursors.close(query, &last));
    Ok(Some(ListText { json, next }))
}

/// JSON of a list, as long as it is small.
struct SmallText {
    json: Vec<u8>,
    rows: u32,
    limit: u32,
    /// Position of the last row of the page, once the page is full.
    last: Option<String>,
    /// Whether there is a row after the page.
    more: bool,
    /// Whether the list is not small.
    long: bool,
    failed: bool,
}

impl SmallText {
    fn new(limit: u32) -> Self {
        let mut json = Vec::with_capacity(ROW_BYTES * 24);
        json.push(b'[');
        Self { json, rows: 0, limit, last: None, more: false, long: false, failed: false }
    }

    /// Adds a row; returns whether the next one is wanted.
    fn add(&mut self, row: &IntentRow<'_>, position: &impl Fn(&IntentRow<'_>) -> String) -> bool {
        if self.rows == self.limit {
            self.more = true;
            return false;
        }
        if self.rows == SMALL_ROWS {
            self.long = true;
            return false;
        }
        if self.rows > 0 {
            self.json.push(b',');
        }
        self.rows += 1;
        self.failed |= serde_json::to_writer(&mut self.json, &IntentRowView(row)).is_err();
        self.long = self.json.len() > SMALL_BYTES;
        if self.rows == self.limit {
            self.last = Some(position(row));
        }
        !self.long && !self.failed
    }
}
