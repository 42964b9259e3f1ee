//! Reads of usage: attempts that reached a provider, newest first (`GET /llm/usage`, `GET /admin/llm/usage`), and
//! sums by agent, model, owner or day (`GET /llm/usage/summary`).

use std::collections::BTreeMap;

use api_types::{Code, UsageGroup, UsageLineView, UsageTotalView};
use llm_policy::{Usage, UsageSource};
use registry_core::{AgentId, Timestamp, pico_to_dollars};
use storage::{UsageLine, UsageQuery};

use super::views;
use crate::error::ServiceError;
use crate::page::{ListPage, PageRequest, ReadTime};
use crate::services::Services;

/// Whose calls are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Those of an agent, with all its keys.
    Agent(AgentId),
    /// All calls; for admins.
    Everybody,
}

impl Whose {
    fn narrow(self, filter: UsageQuery) -> UsageQuery {
        match self {
            Self::Agent(agent) => UsageQuery { agent_id: Some(agent), ..filter },
            Self::Everybody => filter,
        }
    }
}

/// How long one request looks through rows that do not fit, in microseconds.
const LOOK_MICROS: u64 = 500_000;

/// Returns rows that fit the filter, newest first. A page may hold fewer than `limit` and still have a next page. For
/// an agent's list, `agent_id` of the filter is replaced by the agent's.
///
/// # Errors
/// 400 for a cursor, 503 for the store.
pub fn list_usage(
    services: &Services,
    whose: Whose,
    filter: UsageQuery,
    request: &PageRequest,
) -> Result<ListPage<UsageLineView>, ServiceError> {
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
        let Some(last) = looked_to else { return Ok(ListPage { items, next: None }) };
        before = Some(last);
        let looked = services.clock.monotonic_micros().saturating_sub(started);
        if items.len() >= usize::try_from(request.limit).unwrap_or(usize::MAX) || looked > LOOK_MICROS {
            let next = services.cursors.close(&query, &last.to_string());
            return Ok(ListPage { items, next: Some(next) });
        }
    }
}

/// Rows per snapshot: a snapshot stays short, so that the write-ahead log can be checkpointed.
const ROWS_PER_VIEW: u32 = 5_000;
/// Highest number of groups of one summary: they are kept in memory and sent at once.
const MOST_GROUPS: usize = 10_000;

/// Group of a usage row.
fn group_of(line: &UsageLine, by: UsageGroup) -> String {
    match by {
        UsageGroup::Agent => line.agent_id.clone(),
        UsageGroup::Model => line.model.clone(),
        UsageGroup::Owner => line.owner.clone().unwrap_or_default(),
        UsageGroup::Day => line.timestamp.to_string().chars().take("2026-11-21".len()).collect(),
    }
}

/// Sums usage up, a snapshot of rows at a time; rows that are written meanwhile may be missing. Days are sorted by
/// date, other groups by cost, highest first.
///
/// # Errors
/// 422 when there are more than 10,000 groups; 503 for the store, and when it takes more time of a reader than one
/// request may.
pub fn summarize_usage(
    services: &Services,
    whose: Whose,
    by: UsageGroup,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<Vec<UsageTotalView>, ServiceError> {
    let filter = whose.narrow(UsageQuery { since, until, ..UsageQuery::default() });
    let mut totals = UsageTotals::default();
    let mut after = None;
    let time = ReadTime::begin(services.clock.as_ref());
    loop {
        let before = totals.clone();
        let last = services.store.read(|view| {
            // A view that runs again starts its sums again.
            totals.clone_from(&before);
            view.visit_usage(&filter, after, ROWS_PER_VIEW, &mut |line| totals.add(group_of(line, by), line))
        })?;
        if totals.0.len() > MOST_GROUPS {
            let what = format!("there are more than {MOST_GROUPS} groups");
            return Err(ServiceError::new(Code::InvalidQuery, what));
        }
        match last {
            Some(place) => after = Some(place),
            None => return Ok(totals.views(by)),
        }
        time.check(services.clock.as_ref())?;
    }
}

#[derive(Default, Clone)]
struct UsageTotals(BTreeMap<String, UsageTotal>);

#[derive(Default, Clone)]
struct UsageTotal {
    calls: u64,
    usage: Usage,
    cost_pico_usd: i64,
    flagged: u64,
}

impl UsageTotals {
    fn add(&mut self, group: String, line: &UsageLine) {
        let UsageTotal { calls, usage: sum, cost_pico_usd, flagged } = self.0.entry(group).or_default();
        *calls += 1;
        *cost_pico_usd = cost_pico_usd.saturating_add(line.cost_pico_usd);
        let guessed = matches!(line.source, Some(UsageSource::Estimated | UsageSource::WorstCase));
        *flagged += u64::from(guessed || line.overrun || line.late);
        let Usage { prompt_tokens, cached_tokens, cache_write_tokens, completion_tokens, reasoning_tokens } =
            line.usage;
        sum.prompt_tokens = sum.prompt_tokens.saturating_add(prompt_tokens);
        sum.cached_tokens = sum.cached_tokens.saturating_add(cached_tokens);
        sum.cache_write_tokens = sum.cache_write_tokens.saturating_add(cache_write_tokens);
        sum.completion_tokens = sum.completion_tokens.saturating_add(completion_tokens);
        sum.reasoning_tokens = sum.reasoning_tokens.saturating_add(reasoning_tokens);
    }

    fn views(self, by: UsageGroup) -> Vec<UsageTotalView> {
        let mut totals: Vec<_> = self.0.into_iter().collect();
        if by != UsageGroup::Day {
            totals.sort_by_key(|(_, total)| std::cmp::Reverse(total.cost_pico_usd));
        }
        let view = |(group, total): (String, UsageTotal)| UsageTotalView {
            group,
            calls: total.calls,
            usage: views::of_usage(&total.usage),
            cost_usd: pico_to_dollars(total.cost_pico_usd),
            cost_pico_usd: total.cost_pico_usd,
            flagged: total.flagged,
        };
        totals.into_iter().map(view).collect()
    }
}
