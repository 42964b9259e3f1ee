//! Fixtures of this module's tests.

use api_keys::{KeyQuotas, KeyRecord, Pepper, PresentedKey, ScopeSet};
use llm_policy::{BudgetRule, BudgetScope, CallLimits, PriceBook, WindowKind, Zone};
use registry_core::{AgentId, KeyId, Owner, Timestamp};

use super::budgets::LlmRules;

pub(super) fn rules(budgets: Vec<BudgetRule>) -> LlmRules {
    LlmRules::new(PriceBook::builtin(), CallLimits::default(), budgets, false, "server".to_owned())
}

pub(super) fn rule(scope: BudgetScope, id: &str, window: WindowKind, limit_pico_usd: i64) -> BudgetRule {
    BudgetRule { scope, id: id.to_owned(), window, zone: Zone::UTC, limit_pico_usd }
}

pub(super) fn key(daily_limit_pico_usd: i64) -> KeyRecord {
    let pepper = Pepper::from_text("a pepper for tests of 32 chars!!").unwrap();
    KeyRecord {
        key_id: KeyId::new("t4_000000000001").unwrap(),
        agent_id: AgentId::new("agent-1").unwrap(),
        owner: Some(Owner::new("team").unwrap()),
        scopes: ScopeSet::default_grant(),
        roles: Vec::new(),
        created_at: Timestamp::EPOCH,
        expires_at: None,
        revoked: false,
        mac: PresentedKey::parse("some-static-key").unwrap().mac(&pepper),
        previous_mac: None,
        nonce: None,
        daily_limit_pico_usd,
        daily_used_pico_usd: 0,
        used_on: None,
        time_zone: None,
        rate_per_minute: None,
        quotas: KeyQuotas::default(),
        version: 1,
        modified_at: Timestamp::EPOCH,
    }
}
