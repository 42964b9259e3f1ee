//! Conversion of ledger values into bodies of the API.

use api_types::{BudgetView, HoldView, LlmRates, LlmUsage, OpenHoldView, SettledView, UsageLineView};
use llm_policy::{AccountState, CallId, Held, HoldId, Rates, Settled, Usage};
use registry_core::pico_to_dollars;
use storage::{HoldRow, UsageLine};

use super::budgets::BudgetBound;

pub(super) fn of_usage(usage: &Usage) -> LlmUsage {
    let Usage { prompt_tokens, cached_tokens, cache_write_tokens, completion_tokens, reasoning_tokens } =
        *usage;
    LlmUsage { prompt_tokens, cached_tokens, cache_write_tokens, completion_tokens, reasoning_tokens }
}

fn of_rates(rates: &Rates) -> LlmRates {
    LlmRates {
        input: rates.input,
        cached_input: rates.cached_input,
        cache_write: rates.cache_write,
        output: rates.output,
        long_above: rates.long.map(|long| long.above),
        long_input: rates.long.map(|long| long.input),
        long_cached_input: rates.long.map(|long| long.cached_input),
        long_cache_write: rates.long.map(|long| long.cache_write),
        long_output: rates.long.map(|long| long.output),
    }
}

pub(super) fn of_hold(call_id: &CallId, attempt: u32, held: Held) -> HoldView {
    HoldView {
        hold_id: held.hold_id.as_str().to_owned(),
        call_id: call_id.as_str().to_owned(),
        attempt,
        max_tokens: held.max_tokens,
        held_usd: pico_to_dollars(held.amount_pico_usd),
        held_pico_usd: held.amount_pico_usd,
        remaining_usd: pico_to_dollars(held.remaining_pico_usd),
        remaining_pico_usd: held.remaining_pico_usd,
        rates: of_rates(&held.rates),
        price_version: held.price_version,
        lease_until: held.lease_until.to_string(),
    }
}

pub(super) fn of_settled(id: &HoldId, settled: &Settled) -> SettledView {
    SettledView {
        hold_id: id.as_str().to_owned(),
        cost_usd: pico_to_dollars(settled.cost_pico_usd),
        cost_pico_usd: settled.cost_pico_usd,
        usage: of_usage(&settled.usage),
        source: settled.source.as_str().to_owned(),
        overrun: settled.overrun,
        remaining_usd: pico_to_dollars(settled.remaining_pico_usd),
        remaining_pico_usd: settled.remaining_pico_usd,
    }
}

pub(super) fn of_budget(bound: &BudgetBound, state: AccountState) -> BudgetView {
    let remaining = state.remaining(bound.limit_pico_usd);
    BudgetView {
        scope: bound.account.scope.as_str().to_owned(),
        id: bound.account.id.clone(),
        window: bound.account.window.as_str().to_owned(),
        window_id: bound.account.window_id.clone(),
        starts_at: bound.span.starts_at.to_string(),
        ends_at: bound.span.ends_at.to_string(),
        limit_usd: pico_to_dollars(bound.limit_pico_usd),
        used_usd: pico_to_dollars(state.settled_pico_usd),
        held_usd: pico_to_dollars(state.held_pico_usd),
        remaining_usd: pico_to_dollars(remaining),
        limit_pico_usd: bound.limit_pico_usd,
        used_pico_usd: state.settled_pico_usd,
        held_pico_usd: state.held_pico_usd,
        remaining_pico_usd: remaining,
    }
}

pub(super) fn of_line(line: UsageLine) -> UsageLineView {
    UsageLineView {
        timestamp: line.timestamp.to_string(),
        key_id: line.key_id,
        agent_id: line.agent_id,
        owner: line.owner,
        model: line.model,
        provider: line.provider,
        call_id: line.call_id,
        attempt: line.attempt,
        usage: of_usage(&line.usage),
        cost_usd: pico_to_dollars(line.cost_pico_usd),
        cost_pico_usd: line.cost_pico_usd,
        price_version: line.price_version,
        source: line.source.map(|source| source.as_str().to_owned()),
        outcome: line.outcome.map(|outcome| outcome.as_str().to_owned()),
        overrun: line.overrun,
        late: line.late,
    }
}

pub(super) fn of_open_hold(row: HoldRow) -> OpenHoldView {
    OpenHoldView {
        hold_id: row.id.as_str().to_owned(),
        key_id: row.key_id.as_str().to_owned(),
        agent_id: row.agent_id.as_str().to_owned(),
        provider: row.provider,
        model: row.model,
        held_usd: pico_to_dollars(row.amount_pico_usd),
        held_pico_usd: row.amount_pico_usd,
        created_at: row.created_at.to_string(),
        lease_until: row.lease_until.to_string(),
        orphaned: row.orphaned,
    }
}
