//! Hold: books the worst case of one attempt on every budget, or on none.

use std::sync::Arc;

use api_keys::KeyRecord;
use llm_policy::{Held, HoldAsk, HoldId, LedgerError, OutputWish, PriceEntry, decide};
use registry_core::{KeyId, Timestamp};
use serde_json::{Value, json};
use storage::{HoldRow, StoreError, Tx};

use crate::context::AgentCaller;
use crate::llm::budgets::{LlmRules, TightestBudget, accounts, raise_refused};
use crate::services::Services;

/// Payer of a hold, as far as the ledger must know: the key's row is read again in each transaction.
#[derive(Clone)]
pub(in crate::llm) struct Payer {
    pub key_id: KeyId,
    /// A static key has no row.
    fixed: Option<Arc<KeyRecord>>,
}

impl Payer {
    pub(in crate::llm) fn of(services: &Services, caller: &AgentCaller) -> Self {
        let key_id = caller.key_id().clone();
        Self { fixed: services.auth.static_keys.get(&key_id), key_id }
    }

    /// Returns the key as it is now, also when it is revoked or expired.
    pub(in crate::llm) fn key(&self, tx: &mut dyn Tx) -> Result<Option<Arc<KeyRecord>>, StoreError> {
        match &self.fixed {
            Some(key) => Ok(Some(Arc::clone(key))),
            None => Ok(tx.key(&self.key_id)?.map(Arc::new)),
        }
    }
}

/// What a transaction needs to make a hold.
pub(in crate::llm) struct HoldPlan {
    pub id: HoldId,
    pub ask: HoldAsk,
    pub key_id: KeyId,
    entry: Option<PriceEntry>,
    pub rules: Arc<LlmRules>,
    /// Server that renews the lease.
    pub holder: Option<String>,
    pub request_id: Option<String>,
    /// Whether the agent makes the call itself.
    pub by_agent: bool,
    pub now: Timestamp,
}

impl HoldPlan {
    pub(in crate::llm) fn new(services: &Services, key_id: KeyId, ask: HoldAsk, now: Timestamp) -> Self {
        let rules = Arc::clone(&services.llm.rules);
        let entry = rules.prices.find(&ask.priced_as, &ask.model).cloned();
        let id = HoldId::of(&ask.call_id, ask.attempt);
        Self { id, ask, key_id, entry, rules, holder: None, request_id: None, by_agent: false, now }
    }
}

/// Makes the hold for a key as the transaction sees it. The same request again returns the existing hold. Every
/// refusal leaves all accounts unchanged.
pub(in crate::llm) fn hold(
    tx: &mut dyn Tx,
    plan: &HoldPlan,
    key: &KeyRecord,
) -> Result<Result<Held, LedgerError>, StoreError> {
    if let Some(known) = known(tx, plan)? {
        return match known {
            KnownHold::Same(row) => standing(tx, plan, key, &row).map(Ok),
            KnownHold::Other => Ok(Err(LedgerError::CallExists)),
        };
    }
    let ask = &plan.ask;
    let Some(entry) = &plan.entry else {
        let (provider, model) = (ask.priced_as.clone(), ask.model.clone());
        return Ok(Err(LedgerError::NotPriced { provider, model }));
    };
    let bounds = plan.rules.bounds(key, plan.now);
    let accounts = accounts(tx, &bounds)?;
    let grant = match decide(entry, ask, plan.rules.limits.max_tokens, &accounts) {
        Ok(grant) => grant,
        Err(refusal) => {
            if let LedgerError::Quota(short) = &refusal {
                raise_refused(tx, &accounts, short, plan.now)?;
            }
            return Ok(Err(refusal));
        }
    };
    let mut tightest = TightestBudget::NONE;
    for account in &accounts {
        let state = tx.book(&account.key, 0, grant.amount_pico_usd)?;
        tightest = tightest.and(Some(account.limit_pico_usd), state);
    }
    let row = HoldRow {
        id: plan.id.clone(),
        call_id: ask.call_id.clone(),
        attempt: ask.attempt,
        key_id: key.key_id.clone(),
        agent_id: key.agent_id.clone(),
        owner: key.owner.clone(),
        operation: ask.operation,
        provider: ask.provider.clone(),
        model: ask.model.clone(),
        rates: entry.rates,
        price_version: plan.rules.prices.version().to_owned(),
        input_tokens: ask.input_tokens,
        choices: ask.choices,
        max_tokens: grant.max_tokens,
        amount_pico_usd: grant.amount_pico_usd,
        accounts: accounts.into_iter().map(|account| account.key).collect(),
        request_id: plan.request_id.clone(),
        holder: plan.holder.clone(),
        created_at: plan.now,
        lease_until: plan.now.plus_seconds(i64::from(ask.lease_seconds.max(1))),
        orphaned: false,
        by_agent: plan.by_agent,
    };
    if !tx.insert_hold(&row)? {
        return Err(StoreError::Invariant(format!("the hold `{}` appeared inside a transaction", row.id)));
    }
    Ok(Ok(held(&row, tightest)))
}

enum KnownHold {
    Same(Box<HoldRow>),
    Other,
}

/// Returns what is known of this call and attempt of this key already. Callers choose call ids, so the ids of other
/// keys do not matter, and are not revealed.
fn known(tx: &mut dyn Tx, plan: &HoldPlan) -> Result<Option<KnownHold>, StoreError> {
    if let Some(row) = tx.hold(&plan.key_id, &plan.id)? {
        let same = row.by_agent == plan.by_agent && !row.orphaned && same_numbers(&row, &plan.ask);
        return Ok(Some(if same { KnownHold::Same(Box::new(row)) } else { KnownHold::Other }));
    }
    Ok(tx.usage(&plan.key_id, &plan.id)?.map(|_| KnownHold::Other))
}

fn same_numbers(row: &HoldRow, ask: &HoldAsk) -> bool {
    let output = match ask.output {
        OutputWish::Nothing => row.max_tokens.is_none(),
        OutputWish::Stated(stated) => row.max_tokens == Some(stated),
        // The value that was filled in depends on the budgets of that moment.
        OutputWish::Fill => row.max_tokens.is_some(),
    };
    output
        && row.operation == ask.operation
        && row.provider == ask.provider
        && row.model == ask.model
        && row.input_tokens == ask.input_tokens
        && row.choices == ask.choices
}

/// Returns the answer to a repeated request: the hold as it is.
fn standing(tx: &mut dyn Tx, plan: &HoldPlan, key: &KeyRecord, row: &HoldRow) -> Result<Held, StoreError> {
    let mut tightest = TightestBudget::NONE;
    for account in &row.accounts {
        let limit = plan.rules.limit_of(account, Some(key));
        tightest = tightest.and(limit, tx.account(account)?);
    }
    Ok(held(row, tightest))
}

fn held(row: &HoldRow, tightest: TightestBudget) -> Held {
    Held {
        hold_id: row.id.clone(),
        rates: row.rates,
        price_version: row.price_version.clone(),
        amount_pico_usd: row.amount_pico_usd,
        max_tokens: row.max_tokens,
        remaining_pico_usd: tightest.remaining_pico_usd(),
        lease_until: row.lease_until,
    }
}

/// Detail of the audit row of a call that may be sent, or may not, as JSON text. No prompts, no answers.
pub(in crate::llm) fn ask_detail(id: &HoldId, ask: &HoldAsk, held: Option<&Held>) -> String {
    let mut detail = json!({
        "call_id": ask.call_id.as_str(),
        "hold_id": id.as_str(),
        "attempt": ask.attempt,
        "provider": ask.provider,
        "model": ask.model,
        "input_tokens": ask.input_tokens,
    });
    if let (Some(held), Value::Object(fields)) = (held, &mut detail) {
        fields.insert("held_pico_usd".to_owned(), json!(held.amount_pico_usd));
        fields.insert("max_tokens".to_owned(), json!(held.max_tokens));
    }
    detail.to_string()
}
