//! Settlement: books what an attempt used, and frees the rest of its hold.

use api_keys::KeyRecord;
use llm_policy::{
    BudgetScope, CallOutcome, Charge, HeldTerms, HoldId, LedgerError, Measured, Settled, Settlement,
    UsageSource, WindowKind,
};
use registry_core::Timestamp;
use serde_json::{Value, json};
use storage::{HoldRow, StoreError, Tx, UsageRow};

use super::hold::Payer;
use crate::llm::budgets::{LlmRules, TightestBudget, raise};

/// Settled attempt, for the caller and for the log.
#[derive(Debug)]
pub(crate) struct EndedHold {
    pub settled: Settled,
    pub row: UsageRow,
    /// Whether the same settlement had been written before.
    pub repeated: bool,
}

/// Settles a hold of this payer, once. A hold that became an orphan is corrected. `by_agent` tells who asks for it:
/// an agent can't end a hold of the gate.
pub(in crate::llm) fn settle(
    tx: &mut dyn Tx,
    rules: &LlmRules,
    payer: &Payer,
    by_agent: bool,
    id: &HoldId,
    end: &Settlement,
    now: Timestamp,
) -> Result<Result<EndedHold, LedgerError>, StoreError> {
    let key = payer.key(tx)?;
    let Some(hold) = tx.hold(&payer.key_id, id)? else {
        return repeat(tx, rules, payer, key.as_deref(), id, end);
    };
    if hold.by_agent != by_agent {
        return Ok(Err(LedgerError::UnknownHold));
    }
    let row = usage_row(&hold, end, now);
    if row.cost_pico_usd > hold.amount_pico_usd && !countable(tx, &hold, row.cost_pico_usd)? {
        return Ok(Err(LedgerError::Uncountable));
    }
    let remaining = if hold.orphaned {
        put_right(tx, rules, key.as_deref(), &hold, &row)?
    } else {
        let remaining = book(
            tx,
            rules,
            key.as_deref(),
            &hold,
            BookedAmount::of(&hold, row.cost_pico_usd),
            -hold.amount_pico_usd,
            now,
        )?;
        insert(tx, &row)?;
        remaining
    };
    if !tx.remove_hold(&payer.key_id, id)? {
        return Err(moved(&hold));
    }
    Ok(Ok(EndedHold { settled: settled(&row, remaining), row, repeated: false }))
}

/// Settles a hold whose lease has ended at its worst case. It stays as an orphan, so that a late settlement can still
/// correct the numbers.
pub(crate) fn settle_orphan(
    tx: &mut dyn Tx,
    rules: &LlmRules,
    hold: &HoldRow,
    now: Timestamp,
) -> Result<EndedHold, StoreError> {
    let end = Settlement {
        measured: Measured::WorstCase,
        outcome: CallOutcome::Orphan,
        provider_status: None,
        provider_request_id: None,
        first_byte_micros: None,
        total_micros: 0,
    };
    // A static key is not found here: it has no row to write to, and its limit has no alerts.
    let key = tx.key(&hold.key_id)?;
    let row = usage_row(hold, &end, now);
    let remaining = book(
        tx,
        rules,
        key.as_ref(),
        hold,
        BookedAmount::of(hold, row.cost_pico_usd),
        -hold.amount_pico_usd,
        now,
    )?;
    insert(tx, &row)?;
    if !tx.orphan_hold(&hold.key_id, &hold.id)? {
        return Err(moved(hold));
    }
    Ok(EndedHold { settled: settled(&row, remaining), row, repeated: false })
}

/// Whether an overrun leaves every account within what can be counted, with room for all that it holds. The cost of
/// what an agent reports has no other limit.
fn countable(tx: &mut dyn Tx, hold: &HoldRow, cost_pico_usd: i64) -> Result<bool, StoreError> {
    for account in &hold.accounts {
        let state = tx.account(account)?;
        let sum = state.settled_pico_usd.checked_add(state.held_pico_usd);
        if sum.and_then(|sum| sum.checked_add(cost_pico_usd)).is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn moved(hold: &HoldRow) -> StoreError {
    StoreError::Invariant(format!("the hold `{}` moved inside a transaction", hold.id))
}

fn insert(tx: &mut dyn Tx, row: &UsageRow) -> Result<(), StoreError> {
    if tx.insert_usage(row)? {
        return Ok(());
    }
    Err(StoreError::Invariant(format!("the open hold `{}` has a usage row", row.hold_id)))
}

/// Replaces the numbers of an orphan by the true ones, and books the difference.
fn put_right(
    tx: &mut dyn Tx,
    rules: &LlmRules,
    key: Option<&KeyRecord>,
    hold: &HoldRow,
    row: &UsageRow,
) -> Result<TightestBudget, StoreError> {
    let lost = || StoreError::Invariant(format!("the orphan `{}` has no usage row", hold.id));
    let before = tx.usage(&hold.key_id, &hold.id)?.ok_or_else(lost)?;
    let difference =
        BookedAmount::of(hold, row.cost_pico_usd).less(BookedAmount::of(hold, before.cost_pico_usd));
    let remaining = book(tx, rules, key, hold, difference, 0, row.settled_at)?;
    if tx.amend_usage(row)? { Ok(remaining) } else { Err(lost()) }
}

/// Amount that a settlement books, in pico-dollars.
#[derive(Debug, Clone, Copy)]
struct BookedAmount {
    own: i64,
    shared: i64,
}

impl BookedAmount {
    /// All of it, on the key's own account. What an agent reports beyond its hold must not be paid by others: on
    /// accounts that it shares, it counts up to the hold. Otherwise one agent's report could spend the budget of all.
    fn of(hold: &HoldRow, cost_pico_usd: i64) -> Self {
        let shared = if hold.by_agent { cost_pico_usd.min(hold.amount_pico_usd) } else { cost_pico_usd };
        Self { own: cost_pico_usd, shared }
    }

    fn less(self, before: Self) -> Self {
        Self { own: self.own.saturating_sub(before.own), shared: self.shared.saturating_sub(before.shared) }
    }

    fn on(self, scope: BudgetScope) -> i64 {
        match scope {
            BudgetScope::Key => self.own,
            BudgetScope::Agent | BudgetScope::Owner | BudgetScope::Platform => self.shared,
        }
    }
}

/// Books on the accounts of the hold, whatever day it is.
fn book(
    tx: &mut dyn Tx,
    rules: &LlmRules,
    key: Option<&KeyRecord>,
    hold: &HoldRow,
    booked: BookedAmount,
    held_pico_usd: i64,
    now: Timestamp,
) -> Result<TightestBudget, StoreError> {
    let mut tightest = TightestBudget::NONE;
    for account in &hold.accounts {
        let settled_pico_usd = booked.on(account.scope);
        let after = tx.book(account, settled_pico_usd, held_pico_usd)?;
        let limit = rules.limit_of(account, key);
        tightest = tightest.and(limit, after);
        if let Some(limit) = limit {
            let before = after.settled_pico_usd.saturating_sub(settled_pico_usd);
            raise(tx, account, limit, before, after, now)?;
        }
        if account.scope == BudgetScope::Key && account.window == WindowKind::Day {
            let day = account.window_id.as_str();
            if key.is_some_and(|key| shows(rules, key, day, now)) {
                tx.put_key_usage(&hold.key_id, day, after.settled_pico_usd)?;
            }
        }
    }
    Ok(tightest)
}

/// Whether the key's row should show this day: not when it shows a later one already. A day in the future was written
/// by a wrong clock, and is replaced.
fn shows(rules: &LlmRules, key: &KeyRecord, day: &str, now: Timestamp) -> bool {
    let Some(shown) = key.used_on.as_deref() else { return true };
    let today = rules.calendar.window_of(key.time_zone.as_deref(), WindowKind::Day, now);
    shown <= day || shown > today.id.as_str()
}

/// Handles the same settlement again, after the hold is deleted.
fn repeat(
    tx: &mut dyn Tx,
    rules: &LlmRules,
    payer: &Payer,
    key: Option<&KeyRecord>,
    id: &HoldId,
    end: &Settlement,
) -> Result<Result<EndedHold, LedgerError>, StoreError> {
    let Some(row) = tx.usage(&payer.key_id, id)? else {
        return Ok(Err(LedgerError::UnknownHold));
    };
    let same = match end.measured {
        Measured::Tokens(usage, source) => row.usage == usage && row.source == source,
        Measured::WorstCase => row.source == UsageSource::WorstCase,
    };
    if !same || row.outcome != end.outcome || row.provider_status != end.provider_status {
        return Ok(Err(LedgerError::Settled));
    }
    let mut remaining = TightestBudget::NONE;
    // The hold's list of accounts is gone; the windows of its time are the same ones.
    for bound in key.map(|key| rules.bounds(key, row.timestamp)).unwrap_or_default() {
        remaining = remaining.and(Some(bound.limit_pico_usd), tx.account(&bound.account)?);
    }
    Ok(Ok(EndedHold { settled: settled(&row, remaining), row, repeated: true }))
}

fn settled(row: &UsageRow, remaining: TightestBudget) -> Settled {
    Settled {
        cost_pico_usd: row.cost_pico_usd,
        usage: row.usage,
        source: row.source,
        overrun: row.overrun,
        remaining_pico_usd: remaining.remaining_pico_usd(),
    }
}

/// Tokens and cost of an attempt, at the prices of its hold.
fn usage_row(hold: &HoldRow, end: &Settlement, now: Timestamp) -> UsageRow {
    let terms = HeldTerms {
        rates: &hold.rates,
        amount_pico_usd: hold.amount_pico_usd,
        input_tokens: hold.input_tokens,
        max_tokens: hold.max_tokens,
        choices: hold.choices,
    };
    let Charge { usage, source, cost_pico_usd, overrun } = terms.charge(&end.measured);
    UsageRow {
        hold_id: hold.id.clone(),
        call_id: hold.call_id.clone(),
        attempt: hold.attempt,
        timestamp: hold.created_at,
        settled_at: now,
        key_id: hold.key_id.clone(),
        agent_id: hold.agent_id.clone(),
        owner: hold.owner.clone(),
        operation: hold.operation,
        provider: hold.provider.clone(),
        model: hold.model.clone(),
        usage,
        cost_pico_usd,
        price_version: hold.price_version.clone(),
        source,
        outcome: end.outcome,
        provider_status: end.provider_status,
        provider_request_id: end.provider_request_id.clone(),
        overrun,
        late: hold.orphaned,
        first_byte_micros: end.first_byte_micros,
        total_micros: end.total_micros,
    }
}

/// Detail of the audit row of a settled attempt, as JSON text. No prompts, no answers.
pub(crate) fn end_detail(ended: &EndedHold) -> String {
    let row = &ended.row;
    let mut detail = json!({
        "call_id": row.call_id.as_str(),
        "hold_id": row.hold_id.as_str(),
        "attempt": row.attempt,
        "provider": row.provider,
        "model": row.model,
        "cost_pico_usd": row.cost_pico_usd,
        "prompt_tokens": row.usage.prompt_tokens,
        "cached_tokens": row.usage.cached_tokens,
        "cache_write_tokens": row.usage.cache_write_tokens,
        "completion_tokens": row.usage.completion_tokens,
        "reasoning_tokens": row.usage.reasoning_tokens,
        "source": row.source.as_str(),
        "outcome": row.outcome.as_str(),
        "overrun": row.overrun,
    });
    if let Value::Object(fields) = &mut detail {
        for (name, set) in [("late", row.late), ("repeated", ended.repeated)] {
            if set {
                fields.insert(name.to_owned(), Value::Bool(true));
            }
        }
    }
    detail.to_string()
}

/// Detail of the audit row of a refused change of a hold.
pub(in crate::llm) fn hold_detail(id: &HoldId) -> String {
    json!({ "hold_id": id.as_str() }).to_string()
}
