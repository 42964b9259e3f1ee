//! Lists of usage. They include rows of the original service and rows that a person inserted.

use llm_policy::{CallId, CallOutcome, Usage, UsageSource};
use registry_core::{AgentId, KeyId, Owner, Timestamp};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};
use storage::{StoreError, UsageLine, UsageQuery};

use crate::columns::lenient;
use crate::columns::strict::Cells;
use crate::errors::OrStore as _;
use crate::readers::SCAN_ROWS;
use crate::rows::ledger::usage::tokens;

macro_rules! columns {
    () => {
        "id, hold_id, timestamp, api_key, agent_id, owner, model, provider, call_id, attempt, prompt_tokens, \
         cached_tokens, cache_write_tokens, completion_tokens, reasoning_tokens, cost_pico, price_version, source, \
         outcome, overrun, late, est_cost"
    };
}

/// Number of entries of the index of times that are looked through at most to find where a list may begin.
const PROBE_ENTRIES: i64 = 500_000;

/// Rows newest first; see the trait.
pub(crate) fn page(
    conn: &Connection,
    filter: &UsageQuery,
    before: Option<i64>,
    limit: u32,
) -> Result<(Vec<UsageLine>, Option<i64>), StoreError> {
    const SQL: &str =
        concat!("SELECT ", columns!(), " FROM llm_usage WHERE id < ?1 ORDER BY id DESC LIMIT ?2");
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut found, mut looked, mut last) = (Vec::new(), 0, None);
    let mut too_old = false;
    let mut statement = conn.prepare_cached(SQL).or_store()?;
    let mut rows = statement.query(params![before.unwrap_or(i64::MAX), SCAN_ROWS]).or_store()?;
    while found.len() < limit
        && let Some(row) = rows.next().or_store()?
    {
        looked += 1;
        last = Some(row.get(0).or_store()?);
        let time = lenient::time(row, 2).or_store()?;
        too_old = filter.since.is_some_and(|since| time.is_none_or(|time| time < since));
        if fits(filter, time, row).or_store()? {
            found.push(line(row)?);
        }
    }
    let full = found.len() >= limit || looked == SCAN_ROWS;
    // After a row that is too old there may be a younger one, of a shorter call; usually there is none.
    if let (true, Some(since), Some(place)) = (too_old && full, filter.since, last)
        && first_place(conn, since).or_store()? >= place
    {
        return Ok((found, None));
    }
    Ok((found, last.filter(|_| full)))
}

/// Rows by position; see the trait.
pub(crate) fn visit(
    conn: &Connection,
    filter: &UsageQuery,
    after: Option<i64>,
    limit: u32,
    visit: &mut dyn FnMut(&UsageLine),
) -> Result<Option<i64>, StoreError> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM llm_usage WHERE id >= ?1 ORDER BY id LIMIT ?2");
    let from = match (after, filter.since) {
        (Some(i64::MAX), _) => return Ok(None),
        (Some(after), _) => after.saturating_add(1),
        (None, Some(since)) => first_place(conn, since).or_store()?,
        (None, None) => i64::MIN,
    };
    let limit = limit.min(SCAN_ROWS);
    let mut statement = conn.prepare_cached(SQL).or_store()?;
    let mut rows = statement.query(params![from, limit]).or_store()?;
    let (mut looked, mut last) = (0, None);
    while let Some(row) = rows.next().or_store()? {
        looked += 1;
        last = Some(row.get(0).or_store()?);
        let time = lenient::time(row, 2).or_store()?;
        if fits(filter, time, row).or_store()? {
            visit(&line(row)?);
        }
    }
    Ok(last.filter(|_| looked == limit))
}

/// Returns a position before which no row is as young as `since`.
///
/// A row is inserted when its call is settled, so the order of positions is not quite that of times, and the first
/// position is the lowest of all rows that are young enough. Where these are very many, the list begins at the start.
fn first_place(conn: &Connection, since: Timestamp) -> rusqlite::Result<i64> {
    // A time that a person typed may have another form and offset. In all of them the date comes first, and differs
    // by at most a day.
    const SQL: &str = "SELECT COALESCE(min(CASE WHEN timestamp >= ?1 \
         OR timestamp NOT GLOB '????-??-??T??:??:??.??????Z' THEN id END), ?4), count(*) \
         FROM (SELECT id, timestamp FROM llm_usage WHERE timestamp >= ?2 LIMIT ?3)";
    let day: String = since.plus_days(-1).to_string().chars().take(10).collect();
    let (place, count): (i64, i64) = conn
        .prepare_cached(SQL)?
        .query_row(params![since.to_string(), day, PROBE_ENTRIES, i64::MAX], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    Ok(if count < PROBE_ENTRIES { place } else { i64::MIN })
}

fn fits(filter: &UsageQuery, time: Option<Timestamp>, row: &Row<'_>) -> rusqlite::Result<bool> {
    let same = |index: usize, wanted: Option<&str>| -> rusqlite::Result<bool> {
        match wanted {
            None => Ok(true),
            Some(wanted) => Ok(lenient::text(row, index)?.as_deref() == Some(wanted)),
        }
    };
    let young = filter.since.is_none_or(|since| time.is_some_and(|time| time >= since));
    let old = filter.until.is_none_or(|until| time.is_some_and(|time| time < until));
    Ok(young
        && old
        && same(3, filter.key_id.as_ref().map(KeyId::as_str))?
        && same(4, filter.agent_id.as_ref().map(AgentId::as_str))?
        && same(5, filter.owner.as_ref().map(Owner::as_str))?
        && same(6, filter.model.as_deref())?
        && same(8, filter.call_id.as_ref().map(CallId::as_str))?
        && (!filter.flagged || flagged(row)?))
}

/// Whether a row needs attention. A row without a source is the original service's; its source is unknown.
fn flagged(row: &Row<'_>) -> rusqlite::Result<bool> {
    let made_up = match lenient::text(row, 17)?.as_deref().and_then(UsageSource::parse) {
        Some(UsageSource::Estimated | UsageSource::WorstCase) => true,
        Some(UsageSource::Provider | UsageSource::Reported) | None => false,
    };
    Ok(made_up || lenient::count(row, 19)? > 0 || lenient::count(row, 20)? > 0)
}

fn line(row: &Row<'_>) -> Result<UsageLine, StoreError> {
    match row.get_ref(1).or_store()? {
        ValueRef::Null => adopted_line(row).or_store(),
        ValueRef::Text(_) | ValueRef::Blob(_) | ValueRef::Integer(_) | ValueRef::Real(_) => own_line(row),
    }
}

/// Row that this program wrote.
fn own_line(row: &Row<'_>) -> Result<UsageLine, StoreError> {
    let cells = Cells::new(row, "llm_usage", 2);
    Ok(UsageLine {
        id: cells.number(0, "id")?,
        timestamp: cells.time(2, "timestamp")?,
        key_id: cells.text(3, "api_key")?,
        agent_id: cells.text(4, "agent_id")?,
        owner: cells.text_or_null(5, "owner")?.map(str::to_owned),
        model: cells.text(6, "model")?,
        provider: Some(cells.text(7, "provider")?),
        call_id: Some(cells.text(8, "call_id")?),
        attempt: Some(cells.number(9, "attempt")?),
        usage: tokens(&cells, 10)?,
        cost_pico_usd: cells.number(15, "cost_pico")?,
        price_version: Some(cells.text(16, "price_version")?),
        source: Some(cells.word(17, "source", UsageSource::parse)?),
        outcome: Some(cells.word(18, "outcome", CallOutcome::parse)?),
        overrun: cells.flag(19, "overrun")?,
        late: cells.flag(20, "late")?,
    })
}

/// Row of the original service, or one that a person inserted. No content of it makes a list fail.
fn adopted_line(row: &Row<'_>) -> rusqlite::Result<UsageLine> {
    Ok(UsageLine {
        id: row.get(0)?,
        timestamp: lenient::time(row, 2)?.unwrap_or(Timestamp::EPOCH),
        key_id: lenient::string(row, 3)?.unwrap_or_default(),
        agent_id: lenient::string(row, 4)?.unwrap_or_default(),
        owner: lenient::string(row, 5)?,
        model: lenient::string(row, 6)?.unwrap_or_default(),
        provider: lenient::string(row, 7)?,
        call_id: None,
        attempt: None,
        usage: Usage {
            prompt_tokens: lenient::count(row, 10)?,
            completion_tokens: lenient::count(row, 13)?,
            ..Usage::default()
        },
        cost_pico_usd: lenient::pico(row, 21)?,
        price_version: None,
        source: None,
        outcome: None,
        overrun: false,
        late: false,
    })
}
