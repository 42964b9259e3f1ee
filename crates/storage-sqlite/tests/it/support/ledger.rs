//! Sample holds and usage.

use llm_policy::{
    AccountKey, BudgetScope, CallId, CallOutcome, HoldId, Operation, Rates, Usage, UsageSource, WindowKind,
};
use registry_core::{AgentId, KeyId, Timestamp};
use storage::{HoldRow, UsageRow};

pub const RATES: Rates = Rates { input: 30, cached_input: 15, cache_write: 40, output: 60, long: None };

/// The account of a key on a day.
pub fn account(key: &str, day: &str) -> AccountKey {
    AccountKey {
        scope: BudgetScope::Key,
        id: key.to_owned(),
        window: WindowKind::Day,
        window_id: day.to_owned(),
    }
}

/// Everybody's account on a day.
pub fn platform(day: &str) -> AccountKey {
    AccountKey { scope: BudgetScope::Platform, ..account("*", day) }
}

/// The first attempt of a call.
pub fn hold(
    call: &str,
    key: &str,
    at: Timestamp,
    amount_pico_usd: i64,
    accounts: Vec<AccountKey>,
) -> HoldRow {
    let call_id = CallId::from_stored(call.to_owned());
    HoldRow {
        id: HoldId::of(&call_id, 1),
        call_id,
        attempt: 1,
        key_id: KeyId::from_stored(key.to_owned()),
        agent_id: AgentId::from_stored("agent-1".to_owned()),
        owner: None,
        operation: Operation::Chat,
        provider: "openai".to_owned(),
        model: "gpt-4o".to_owned(),
        rates: RATES,
        price_version: "0123456789ab".to_owned(),
        input_tokens: 1000,
        choices: 1,
        max_tokens: Some(4096),
        amount_pico_usd,
        accounts,
        request_id: Some("0123456789abcdef0123456789abcdef".to_owned()),
        holder: Some("server-1".to_owned()),
        created_at: at,
        lease_until: at.plus_seconds(60),
        orphaned: false,
        by_agent: false,
    }
}

/// The usage of a hold.
pub fn usage(hold: &HoldRow, cost_pico_usd: i64) -> UsageRow {
    UsageRow {
        hold_id: hold.id.clone(),
        call_id: hold.call_id.clone(),
        attempt: hold.attempt,
        timestamp: hold.created_at,
        settled_at: hold.created_at.plus_seconds(1),
        key_id: hold.key_id.clone(),
        agent_id: hold.agent_id.clone(),
        owner: hold.owner.clone(),
        operation: hold.operation,
        provider: hold.provider.clone(),
        model: hold.model.clone(),
        usage: Usage { prompt_tokens: 700, completion_tokens: 20, ..Usage::default() },
        cost_pico_usd,
        price_version: hold.price_version.clone(),
        source: UsageSource::Provider,
        outcome: CallOutcome::Ok,
        provider_status: Some(200),
        provider_request_id: Some("req_0123456789abcdef".to_owned()),
        overrun: false,
        late: false,
        first_byte_micros: Some(1000),
        total_micros: 2000,
    }
}
