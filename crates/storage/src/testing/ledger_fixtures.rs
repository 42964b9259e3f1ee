//! Sample accounts, holds, usage and alerts.

use llm_policy::{
    AccountKey, BudgetScope, CallId, CallOutcome, HoldId, LongRates, Operation, Rates, Usage, UsageSource,
    WindowKind,
};
use registry_core::{AgentId, Owner, Timestamp};

use super::fixtures::{at, key_id};
use crate::{AlertRow, HoldRow, UsageLine, UsageQuery, UsageRow, View};

pub(super) const DAY: &str = "2026-11-21";

/// Account of a key on a day.
pub(super) fn account(key: &str) -> AccountKey {
    AccountKey {
        scope: BudgetScope::Key,
        id: key.to_owned(),
        window: WindowKind::Day,
        window_id: DAY.to_owned(),
    }
}

/// Account of the platform in a month.
pub(super) fn platform() -> AccountKey {
    AccountKey {
        scope: BudgetScope::Platform,
        id: "*".to_owned(),
        window: WindowKind::Month,
        window_id: "2026-11".to_owned(),
    }
}

pub(super) fn call(name: &str) -> CallId {
    CallId::from_stored(name.to_owned())
}

/// Hold of a call's first attempt.
pub(super) fn hold_id(name: &str) -> HoldId {
    HoldId::of(&call(name), 1)
}

/// Hold with a value in every field, with the largest numbers.
pub(super) fn hold(name: &str) -> HoldRow {
    HoldRow {
        id: hold_id(name),
        call_id: call(name),
        attempt: 1,
        key_id: key_id("t4_a"),
        agent_id: AgentId::from_stored("agent".to_owned()),
        owner: Some(Owner::from_stored("team \"ä\"".to_owned())),
        operation: Operation::Chat,
        provider: "openai".to_owned(),
        model: "org/model-1:free".to_owned(),
        rates: Rates {
            input: 1,
            cached_input: 2,
            cache_write: 3,
            output: u64::MAX,
            long: Some(LongRates { above: 4, input: 5, cached_input: 6, cache_write: 7, output: 8 }),
        },
        price_version: "0123456789ab".to_owned(),
        input_tokens: i64::MAX.unsigned_abs(),
        choices: u32::MAX,
        max_tokens: Some(i64::MAX.unsigned_abs()),
        amount_pico_usd: 9_000_000_000_000_000_000,
        accounts: vec![account("t4_a"), AccountKey { id: "a'; \"b\"\n*".to_owned(), ..platform() }],
        request_id: Some("request".to_owned()),
        holder: Some("server".to_owned()),
        created_at: at(0),
        lease_until: at(60),
        orphaned: false,
        by_agent: false,
    }
}

/// Hold with only the required fields.
pub(super) fn bare_hold(name: &str) -> HoldRow {
    HoldRow {
        owner: None,
        operation: Operation::Embeddings,
        rates: Rates::FREE,
        input_tokens: 0,
        choices: 1,
        max_tokens: None,
        amount_pico_usd: 0,
        accounts: Vec::new(),
        request_id: None,
        holder: None,
        orphaned: true,
        ..hold(name)
    }
}

/// Usage of a hold, with a value in every field.
pub(super) fn usage(name: &str) -> UsageRow {
    UsageRow {
        hold_id: hold_id(name),
        call_id: call(name),
        attempt: 1,
        timestamp: at(0),
        settled_at: at(3),
        key_id: key_id("t4_a"),
        agent_id: AgentId::from_stored("agent".to_owned()),
        owner: Some(Owner::from_stored("team".to_owned())),
        operation: Operation::Chat,
        provider: "openai".to_owned(),
        model: "gpt-4o".to_owned(),
        usage: Usage {
            prompt_tokens: i64::MAX.unsigned_abs(),
            cached_tokens: 2,
            cache_write_tokens: 3,
            completion_tokens: 4,
            reasoning_tokens: 5,
        },
        cost_pico_usd: 9_000_000_000_000_000_001,
        price_version: "0123456789ab".to_owned(),
        source: UsageSource::Provider,
        outcome: CallOutcome::Ok,
        provider_status: Some(u16::MAX),
        provider_request_id: Some("req_1".to_owned()),
        overrun: false,
        late: false,
        first_byte_micros: Some(i64::MAX.unsigned_abs()),
        total_micros: i64::MAX.unsigned_abs(),
    }
}

/// Usage row with only the required fields.
pub(super) fn bare_usage(name: &str) -> UsageRow {
    UsageRow {
        attempt: u32::MAX,
        owner: None,
        operation: Operation::Embeddings,
        usage: Usage::default(),
        cost_pico_usd: 0,
        source: UsageSource::WorstCase,
        outcome: CallOutcome::Orphan,
        provider_status: None,
        provider_request_id: None,
        overrun: true,
        late: true,
        first_byte_micros: None,
        total_micros: 0,
        ..usage(name)
    }
}

/// Usage row of a list; the store assigns the position.
pub(super) fn line(row: &UsageRow, id: i64) -> UsageLine {
    UsageLine {
        id,
        timestamp: row.timestamp,
        key_id: row.key_id.as_str().to_owned(),
        agent_id: row.agent_id.as_str().to_owned(),
        owner: row.owner.as_ref().map(|owner| owner.as_str().to_owned()),
        model: row.model.clone(),
        provider: Some(row.provider.clone()),
        call_id: Some(row.call_id.as_str().to_owned()),
        attempt: Some(row.attempt),
        usage: row.usage,
        cost_pico_usd: row.cost_pico_usd,
        price_version: Some(row.price_version.clone()),
        source: Some(row.source),
        outcome: Some(row.outcome),
        overrun: row.overrun,
        late: row.late,
    }
}

pub(super) fn alert(account: AccountKey, percent: u8, at: Timestamp) -> AlertRow {
    AlertRow { account, percent, limit_pico_usd: 100, settled_pico_usd: 9_000_000_000_000_000_000, at }
}

/// All usage rows that fit, by visits of at most `size` rows.
pub(super) fn visited(view: &dyn View, filter: &UsageQuery, size: u32) -> Vec<UsageLine> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let each = &mut |line: &UsageLine| found.push(line.clone());
        after = view.visit_usage(filter, after, size, each).unwrap();
        if after.is_none() {
            return found;
        }
    }
}
