//! Table of usage: one row per hold whose request reached a provider, or may have.

use llm_policy::{CallId, CallOutcome, HoldId, Operation, Usage, UsageSource};
use registry_core::{AgentId, KeyId, Owner, pico_to_dollars};
use rusqlite::{Connection, Row, Statement, params};
use storage::{StoreError, UsageRow};

use crate::columns::strict::{Cells, one};
use crate::columns::to_i64;
use crate::errors::OrStore as _;

pub(crate) fn get(conn: &Connection, key: &KeyId, hold: &HoldId) -> Result<Option<UsageRow>, StoreError> {
    const SQL: &str = "SELECT hold_id, call_id, attempt, timestamp, settled_at, api_key, agent_id, owner, operation, \
         provider, model, prompt_tokens, cached_tokens, cache_write_tokens, completion_tokens, reasoning_tokens, \
         cost_pico, price_version, source, outcome, provider_status, provider_request_id, overrun, late, \
         first_byte_micros, total_micros FROM llm_usage WHERE hold_id = ?1 AND api_key = ?2";
    one(conn.prepare_cached(SQL).or_store()?, [hold.as_str(), key.as_str()], usage)
}

pub(crate) fn insert(conn: &Connection, row: &UsageRow) -> rusqlite::Result<bool> {
    const SQL: &str = "INSERT INTO llm_usage (hold_id, call_id, attempt, timestamp, settled_at, api_key, agent_id, \
         owner, operation, provider, model, prompt_tokens, cached_tokens, cache_write_tokens, completion_tokens, \
         reasoning_tokens, cost_pico, price_version, source, outcome, provider_status, provider_request_id, overrun, \
         late, first_byte_micros, total_micros, est_cost) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
         ?22, ?23, ?24, ?25, ?26, ?27) ON CONFLICT (hold_id, api_key) WHERE hold_id IS NOT NULL DO NOTHING";
    let mut statement = conn.prepare_cached(SQL)?;
    write(&mut statement, row)
}

pub(crate) fn amend(conn: &Connection, row: &UsageRow) -> rusqlite::Result<bool> {
    const SQL: &str = "UPDATE llm_usage SET call_id = ?2, attempt = ?3, timestamp = ?4, settled_at = ?5, \
         agent_id = ?7, owner = ?8, operation = ?9, provider = ?10, model = ?11, prompt_tokens = ?12, \
         cached_tokens = ?13, cache_write_tokens = ?14, completion_tokens = ?15, reasoning_tokens = ?16, \
         cost_pico = ?17, price_version = ?18, source = ?19, outcome = ?20, provider_status = ?21, \
         provider_request_id = ?22, overrun = ?23, late = ?24, first_byte_micros = ?25, total_micros = ?26, \
         est_cost = ?27 WHERE hold_id = ?1 AND api_key = ?6";
    let mut statement = conn.prepare_cached(SQL)?;
    write(&mut statement, row)
}

fn write(statement: &mut Statement<'_>, row: &UsageRow) -> rusqlite::Result<bool> {
    let count = statement.execute(params![
        row.hold_id.as_str(),
        row.call_id.as_str(),
        row.attempt,
        row.timestamp.to_string(),
        row.settled_at.to_string(),
        row.key_id.as_str(),
        row.agent_id.as_str(),
        row.owner.as_ref().map(Owner::as_str),
        row.operation.as_str(),
        row.provider,
        row.model,
        to_i64(row.usage.prompt_tokens),
        to_i64(row.usage.cached_tokens),
        to_i64(row.usage.cache_write_tokens),
        to_i64(row.usage.completion_tokens),
        to_i64(row.usage.reasoning_tokens),
        row.cost_pico_usd,
        row.price_version,
        row.source.as_str(),
        row.outcome.as_str(),
        row.provider_status,
        row.provider_request_id,
        row.overrun,
        row.late,
        row.first_byte_micros.map(to_i64),
        to_i64(row.total_micros),
        // For people and their queries; the pico-dollars are authoritative.
        pico_to_dollars(row.cost_pico_usd),
    ])?;
    Ok(count == 1)
}

fn usage(row: &Row<'_>) -> Result<UsageRow, StoreError> {
    let cells = Cells::new(row, "llm_usage", 1);
    let own = |text: Option<&str>| text.map(str::to_owned);
    Ok(UsageRow {
        hold_id: HoldId::from_stored(cells.text(0, "hold_id")?),
        call_id: CallId::from_stored(cells.text(1, "call_id")?),
        attempt: cells.number(2, "attempt")?,
        timestamp: cells.time(3, "timestamp")?,
        settled_at: cells.time(4, "settled_at")?,
        key_id: KeyId::from_stored(cells.text(5, "api_key")?),
        agent_id: AgentId::from_stored(cells.text(6, "agent_id")?),
        owner: own(cells.text_or_null(7, "owner")?).map(Owner::from_stored),
        operation: cells.word(8, "operation", Operation::parse)?,
        provider: cells.text(9, "provider")?,
        model: cells.text(10, "model")?,
        usage: tokens(&cells, 11)?,
        cost_pico_usd: cells.number(16, "cost_pico")?,
        price_version: cells.text(17, "price_version")?,
        source: cells.word(18, "source", UsageSource::parse)?,
        outcome: cells.word(19, "outcome", CallOutcome::parse)?,
        provider_status: cells.number_or_null(20, "provider_status")?,
        provider_request_id: own(cells.text_or_null(21, "provider_request_id")?),
        overrun: cells.flag(22, "overrun")?,
        late: cells.flag(23, "late")?,
        first_byte_micros: cells.number_or_null(24, "first_byte_micros")?,
        total_micros: cells.number(25, "total_micros")?,
    })
}

/// The five columns of tokens, the first at `from`.
pub(super) fn tokens(cells: &Cells<'_>, from: usize) -> Result<Usage, StoreError> {
    Ok(Usage {
        prompt_tokens: cells.number(from, "prompt_tokens")?,
        cached_tokens: cells.number(from + 1, "cached_tokens")?,
        cache_write_tokens: cells.number(from + 2, "cache_write_tokens")?,
        completion_tokens: cells.number(from + 3, "completion_tokens")?,
        reasoning_tokens: cells.number(from + 4, "reasoning_tokens")?,
    })
}
